"""Curvature of the loss: products with a direction, in factors; the largest eigenvalue; ranks of the matrices."""
