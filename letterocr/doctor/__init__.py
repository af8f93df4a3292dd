"""Checks of machine and cluster: `python -m letterocr.doctor`."""
