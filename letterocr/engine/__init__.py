"""Engines: train the networks sample by sample, and measure the test error."""
