"""Preparation of a run: its loops are compiled, once on each machine, while its letters are read.

Numba compiles a loop for the types of its arguments, not for their sizes. So training a tiny network of the same kind
on a few letters compiles exactly the loops that the run needs, before its own letters are read.

One process compiles at a time: the next one finds the loops in Numba's cache, so that the runs of a sweep compile them
once together. Numba's cache needs it, too: two processes that add to the entry of one function at the same time could
give both results one name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import torch
from filelock import FileLock, Timeout

from letterocr.base.home import find_cache_folder
from letterocr.compose import registry
from letterocr.compose.build import build_engine
from letterocr.compose.devices import choose_device
from letterocr.config.train import TrainConfig
from letterocr.data.letters import PIXELS, Letters, Split

TELL_SECONDS = 1.0  # seconds of compiling before the user is told
COMPILING = "Compiling the loops for this kind of network: once on this machine, 20 seconds to a minute."
WIDTH = 8  # width of each hidden layer of the tiny network
SAMPLES = 4  # samples that it learns
PATIENCE = 300.0  # seconds that a process waits for another one that compiles; then it compiles, too


def load_letters(config: TrainConfig, tell: Callable[[str], None]) -> Split:
    """Load the letters of a run, and compile its loops at the same time.

    Args:
        config: config of the run, already checked.
        tell: called with a sentence if compiling takes more than a second.

    Raises:
        UserError: the letters can't be read.
    """
    load: Callable[..., Split] = registry.find_source(config.data).load()
    with ThreadPoolExecutor(1, "letters") as pool:
        letters = pool.submit(load, config.data)
        compile_loops(config, tell)
        return letters.result()


def compile_loops(config: TrainConfig, tell: Callable[[str], None]) -> None:
    """Compile the loops of a run by training a tiny network; do nothing if the run has no compiled loops.

    Args:
        config: config of the run.
        tell: called with a sentence if compiling takes more than a second.
    """
    form = registry.find_optimizer(config.optimizer).load().form
    compiled = config.model.is_chain and form == "scalars" and config.batch == "1" and config.engine != "reference"
    if not compiled or choose_device(config).device.type != "cpu":
        return
    timer = threading.Timer(TELL_SECONDS, tell, [COMPILING])
    timer.start()
    try:
        model = replace(config.model, hidden=[WIDTH] * len(config.model.hidden))
        small = replace(config, model=model, samples=SAMPLES, order="cyclic", block=0, device="cpu")
        with take_turns():
            build_engine(small, _make_letters(), [0.0] * config.replicas).advance(SAMPLES)
    finally:
        timer.cancel()


@contextmanager
def take_turns() -> Iterator[None]:
    """Let one process at a time execute the block; do not wait where the user's cache folder can't hold a lock."""
    folder, lock = find_cache_folder(), None
    try:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / "compiling.lock", PATIENCE, thread_local=False, is_singleton=True)
            lock.acquire()
    except (OSError, Timeout):
        lock = None
    try:
        yield
    finally:
        if lock:
            lock.release()


def _make_letters() -> Split:
    """Return two training and two test letters, with ink in different pixels."""
    images = torch.eye(2, PIXELS)
    letters = Letters(images, torch.arange(2))
    return Split(letters, letters)
