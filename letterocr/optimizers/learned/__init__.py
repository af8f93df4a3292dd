"""Learned rules: recurrent networks that make the step, and their trained files."""
