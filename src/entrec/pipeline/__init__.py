"""Paths, jobs and stages of a study: what Snakemake, DVC, the plan and the report ask."""
