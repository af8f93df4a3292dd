"""Handwritten letters: one module for each source, all of which return `Letters`, and the order of the samples."""
