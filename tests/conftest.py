"""Fixtures that several test files share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def local_slurm() -> Iterator[None]:
    """A real SLURM on this machine, started and stopped by the tests; those that ask for it are marked `shared`."""
    script = Path(__file__).resolve().parents[2] / "shared" / "slurm" / "local-slurm"
    if not script.is_file():
        pytest.skip(f"needs {script}, which starts a SLURM and is not part of the repository")
    if os.geteuid():
        pytest.skip(f"needs to be root, as {script} starts a SLURM")
    running = shutil.which("sinfo") and subprocess.run(["sinfo"], capture_output=True).returncode == 0
    done = subprocess.run([script, "start"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    yield
    if not running:
        subprocess.run([script, "stop"], capture_output=True, timeout=60)
