"""Checks of the machine and the cluster: `letterocr doctor`."""
