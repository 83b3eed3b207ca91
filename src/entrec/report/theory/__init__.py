"""The page of the theory studies."""
