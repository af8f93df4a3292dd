"""Optimizers: one a file, from the pairs (v, h) of a sample to an update that stays factored."""
