"""Pretraining: batches, optimiser, loop, checkpoints, several processes."""
