"""Pretraining: one visible loop and the small builders above it."""
