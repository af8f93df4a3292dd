"""Networks: the chain of weight matrices, the spectral network, and the error vectors by the three rules."""
