"""One training run: its session, folder, checkpoints, lock and curve, and its display in terminal and TensorBoard."""
