"""The schema of `conf/`, group by group, and every check that needs no data."""
