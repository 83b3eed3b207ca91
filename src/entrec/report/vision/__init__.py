"""The page of a study of methods."""
