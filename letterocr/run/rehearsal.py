"""Everything that a first run waits for: its loops are compiled, once on a machine, while its letters are read.

Numba compiles a loop for the types of its arguments, not for their sizes. So a tiny network of the same kind, on a few
letters, has exactly the loops compiled that the run needs, before its own letters are there.
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

TELL_SECONDS = 1.0  # of compiling before anything is said of it
COMPILING = "Compiling the loops for this kind of network: once on this machine, about 20 s."
WIDTH = 8  # of each hidden layer
SAMPLES = 4


def load_letters(config: TrainConfig, tell: Callable[[str], None]) -> Split:
    """Load the letters of a run, and compile its loops meanwhile.

    Args:
        config: the run, already checked.
        tell: gets a sentence where the compiling takes more than a second.

    Raises:
        UserError: the letters can't be read.
    """
    load: Callable[..., Split] = registry.find_source(config.data).load()
    with ThreadPoolExecutor(1, "letters") as pool:
        letters = pool.submit(load, config.data)
        compile_loops(config, tell)
        return letters.result()


def compile_loops(config: TrainConfig, tell: Callable[[str], None]) -> None:
    """Compile the loops of a run by learning a few samples with a tiny network; does nothing where none is compiled.

    Args:
        config: the run.
        tell: gets a sentence where it takes more than a second.
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
    """Two letters to train and two to test, with ink in different pixels."""
    images = torch.eye(2, PIXELS)
    letters = Letters(images, torch.arange(2))
    return Split(letters, letters)
