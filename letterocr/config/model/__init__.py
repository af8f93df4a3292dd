"""The schema of `conf/model/`: one file a kind of network."""
