"""Triton's interpreter runs the kernels on the CPU; it must be chosen before they are imported."""

import os

os.environ["TRITON_INTERPRET"] = "1"
