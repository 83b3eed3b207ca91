"""The paper's mathematics as pure functions of tensors; entropies and bounds are in nats."""
