"""The schema of `conf/optimizer/`: one file a method."""
