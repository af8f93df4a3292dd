"""The template of all HTML pages."""
