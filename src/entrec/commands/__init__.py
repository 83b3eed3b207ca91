"""The commands of `python -m entrec`: those of a study of methods, and those of the theory studies."""
