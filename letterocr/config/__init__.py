"""The schema of `conf/` as dataclasses, one module for each group, and every check that needs no data."""
