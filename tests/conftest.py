"""Fixtures that several test files share, and how the tests are divided among processes (`pytest -n auto`)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from scripts_of import load_script

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.scheduler import LoadFileScheduling

REPOSITORY = Path(__file__).resolve().parents[1]
WORKERS = 8  # at most: more have nothing left to do while the longest file runs
# What takes longest begins first, so that no worker is left alone with it at the end.
LONGEST_FIRST = [
    "sweep/test_slurm.py",
    "run/test_resuming.py",
    "run/test_session.py",
    "sweep/test_launchers.py",
    "compare/test_main.py",
    "sweep/test_processes.py",
    "pages/test_in_browser.py",
    "base/test_signals.py",
    "test_faults.py",
    "search/test_shared_study.py",
    "optimizers/learned/test_learned.py",
    "engine/gpu/test_gpu_engine.py",
    "engine/test_blocked.py",
    "test_site.py",
    "test_lessons.py",
    "test_install.py",
    "api/test_fitting.py",
    "sweep/test_attempt.py",
]

os.environ["TRITON_INTERPRET"] = "1"  # the GPU's kernels on the CPU; read when they are first imported, by any test
torch.set_num_threads(1)  # small products: two threads that wait for each other on a busy machine are far slower
# Not the user's own cache folder; all processes of the tests share this one, as those of a user do.
os.environ["XDG_CACHE_HOME"] = str(REPOSITORY / ".pytest_cache" / "xdg")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each worker has one core
    os.environ.setdefault("NUMBA_CACHE_DIR", str(REPOSITORY / ".pytest_cache" / "numba"))


@pytest.fixture(scope="session", autouse=True)
def _compile_in_turns() -> Iterator[None]:
    """Tests that build engines themselves take turns with the runs of all workers, and compile each loop once."""
    from numba.core.dispatcher import Dispatcher

    from letterocr.run.rehearsal import take_turns

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "compile", take_turns()(Dispatcher.compile))
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than this process may use cores: one of them mostly waits, for SLURM's jobs."""
    return min(len(os.sched_getaffinity(0)) + 1, WORKERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """All tests of a file go to one worker, which has its fixtures once: one SLURM, one run trained for all."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # the order is that below
    return LoadFileScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        places = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture
def shared_data() -> Path:
    """The folder of real handwriting beside the repository; tests that ask for it are marked `shared`."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real handwriting in {folder}, which is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def local_slurm() -> Iterator[None]:
    """A real SLURM on this machine, started and stopped by the tests; those that ask for it are marked `shared`."""
    script = REPOSITORY.parent / "shared" / "slurm" / "local-slurm"
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    chromium = load_script("chromium")
    if chromium.find_chromium() is None:
        if os.environ.get("LETTEROCR_CHROMIUM") == "required":
            pytest.fail(chromium.MISSING)
        pytest.skip(chromium.MISSING)
    with chromium.open_chromium() as opened:
        yield opened
