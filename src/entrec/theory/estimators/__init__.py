"""Estimates of entropy and information against known truths (claim C8)."""
