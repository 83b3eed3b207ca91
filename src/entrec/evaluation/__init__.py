"""The protocol after pretraining: frozen features, linear and nearest-neighbour scores, fine-tuning.

What is chosen is chosen on the validation part; the test part is scored once, with what was chosen.
"""
