"""Meta-training of the learned optimizers: `python -m letterocr.meta_train which=learned`."""
