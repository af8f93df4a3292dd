"""Optimizers, one module for each: from the pairs (v, h) of a sample to an update that stays in factors."""
