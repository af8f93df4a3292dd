"""The schema of `conf/model/`: one module for each kind of network."""
