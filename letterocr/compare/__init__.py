"""Fair comparison of optimizers: contenders, problems, protocol and results."""
