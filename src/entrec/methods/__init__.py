"""The methods, one module each; `registry.METHODS` lists them."""

from entrec.methods.registry import METHODS

__all__ = ["METHODS"]
