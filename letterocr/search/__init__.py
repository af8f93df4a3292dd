"""Search for the best settings: `python -m letterocr.search search=learning_rate --trials 30`."""
