"""Meta-training of the learned optimizers: `letterocr meta_train which=learned`."""
