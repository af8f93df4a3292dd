"""Networks: the chain of weight matrices, the spectral network, the rules of their error vectors."""
