"""HTML pages that show results, from one template."""
