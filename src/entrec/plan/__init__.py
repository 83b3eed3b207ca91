"""The cost of a study before it runs, estimated from its file: jobs, GPU-hours, wall time and disk space."""
