"""Engines: take samples through forward, rule and optimizer, and keep the test error."""
