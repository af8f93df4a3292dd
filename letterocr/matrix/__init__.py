"""The paper's linear algebra: one concept a module."""
