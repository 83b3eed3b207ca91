"""Backbones and heads."""

from entrec.networks.backbones import build_backbone, load_backbone, save_backbone

__all__ = ["build_backbone", "load_backbone", "save_backbone"]
