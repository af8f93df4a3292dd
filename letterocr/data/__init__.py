"""Handwritten capital letters: one file a source, each giving the same `Letters`."""
