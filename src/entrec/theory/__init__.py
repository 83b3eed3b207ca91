"""Studies of the paper's mathematics on synthetic data, where the truth is known."""
