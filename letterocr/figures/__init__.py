"""Pictures of runs, of sweeps and of the paper's figures."""
