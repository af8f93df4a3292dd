"""One run: its session, folder, checkpoints, lock, curve and what the user sees."""
