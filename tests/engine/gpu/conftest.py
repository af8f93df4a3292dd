"""Triton's interpreter runs the kernels on the CPU; it must be chosen before they are imported."""

import importlib.util
import os

collect_ignore_glob = [] if importlib.util.find_spec("triton") else ["test_*.py"]
os.environ["TRITON_INTERPRET"] = "1"
