"""The paper's claims, each measured: what it states, what was found, numbers and figures."""
