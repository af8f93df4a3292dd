"""Measurements of the paper's claims: statement, finding, numbers and figures of each."""
