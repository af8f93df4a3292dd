"""Meta-training of the learned rules: `python -m letterocr.meta_train which=learned`."""
