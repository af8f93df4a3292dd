"""Composition: from `field=value` to a typed config, and from a config to letters, network, optimizers and engine."""
