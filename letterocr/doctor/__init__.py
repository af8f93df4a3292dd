"""Checks of the machine and the cluster: `python -m letterocr.doctor`."""
