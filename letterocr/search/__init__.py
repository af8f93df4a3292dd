"""Search for the best settings: `letterocr search search=learning_rate --trials 30`."""
