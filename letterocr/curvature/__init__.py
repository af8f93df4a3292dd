"""Curvature times a direction, in factors; its largest eigenvalue; ranks."""
