"""From field=value to a typed config, and from a config to data, network, optimizers and engine."""
