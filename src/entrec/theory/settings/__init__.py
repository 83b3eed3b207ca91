"""The settings of the theory studies: what `params/theory.yaml` may say. Imports no torch."""
