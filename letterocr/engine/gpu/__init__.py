"""Training on a GPU: Triton kernels for what is sequential, PyTorch's products for the rest."""
