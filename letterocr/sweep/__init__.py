"""Sweeps of many runs: finding what is missing, launching it, recording the outcomes."""
