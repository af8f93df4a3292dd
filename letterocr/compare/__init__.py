"""A fair comparison of optimizers: who takes part, on what, by which protocol, and what it came to."""
