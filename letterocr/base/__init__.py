"""Foundations of the package: user errors, atomic files, process owners, random streams, signals, quartiles."""
