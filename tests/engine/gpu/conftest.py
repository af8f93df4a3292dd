"""Tests of the kernels are left out where there is no Triton; its interpreter runs them (`tests/conftest.py`)."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("triton") else ["test_*.py"]
