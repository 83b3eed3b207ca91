"""What a study costs, before it is run: jobs, GPU-hours, wall time and disk, from its file alone."""
