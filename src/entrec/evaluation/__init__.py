"""Evaluation after pretraining: frozen features, linear and nearest-neighbour scores, and fine-tuning.

Every choice is made on the validation split; the test split is scored once, with the choice made.
"""
