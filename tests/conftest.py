"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # small products: two threads that wait for each other on a busy machine are far slower


@pytest.fixture
def shared_data() -> Path:
    """The folder of real handwriting beside the repository; tests that ask for it are marked `shared`."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real handwriting in {folder}, which is not part of the repository")
    return folder
