"""Preparation of a run: its loops are compiled, once on each machine, while its letters are read.

Numba compiles a loop for the types of its arguments, not for their sizes. So training a tiny network of the same kind
on a few letters compiles exactly the loops that the run needs, before its own letters are read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch

from letterocr.compose import registry
from letterocr.compose.build import build_engine, choose_device
from letterocr.config.train import TrainConfig
from letterocr.data.letters import PIXELS, Letters, Split

TELL_SECONDS = 1.0  # seconds of compiling before the user is told
COMPILING = "Compiling the loops for this kind of network: once on this machine, 20 seconds to a minute."
WIDTH = 8  # width of each hidden layer of the tiny network
SAMPLES = 4  # samples that it learns


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
    if not compiled or choose_device(config.device).type != "cpu":
        return
    timer = threading.Timer(TELL_SECONDS, tell, [COMPILING])
    timer.start()
    try:
        hidden = [WIDTH] * len(config.model.hidden)
        small = replace(config, model=replace(config.model, hidden=hidden), samples=SAMPLES, order="cyclic", block=0)
        build_engine(small, _make_letters(), [0.0] * config.replicas).advance(SAMPLES)
    finally:
        timer.cancel()


def _make_letters() -> Split:
    """Return two training and two test letters, with ink in different pixels."""
    images = torch.eye(2, PIXELS)
    letters = Letters(images, torch.arange(2))
    return Split(letters, letters)
