"""Pictures of runs and of the paper."""
