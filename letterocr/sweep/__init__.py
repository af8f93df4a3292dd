"""Many runs: what is missing, launchers, records."""
