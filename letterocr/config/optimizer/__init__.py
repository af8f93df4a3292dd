"""The schema of `conf/optimizer/`: one module for each method."""
