"""Encoders that recover latents (claim C2) and isolate content from style (claim C3)."""
