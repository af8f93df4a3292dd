"""A run in memory: where it is cut does not change it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import random_split

from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import TrainConfig
from letterocr.run.learning import Learning

SPLIT = random_split()


def learn(every: int | None, **fields: object) -> Learning:
    config = TrainConfig(model=ChainConfig(hidden=[9]), samples=100, block=8, threads=1, **fields)  # type: ignore[arg-type]
    learning = Learning(config, SPLIT, every=every)
    learning.measure_start()
    return learning


@pytest.mark.parametrize("every", [1, 7, 30, 1000])
def test_stretches_end_after_whole_blocks_and_change_nothing(every: int) -> None:
    whole, cut, ends = learn(1000), learn(every), []
    while not whole.is_over():
        whole.learn_stretch()
    while not cut.is_over():
        cut.learn_stretch()
        ends.append(cut.engine.sample)
    step = -(-every // 8) * 8
    assert ends == [*range(step, 100, step), 100]
    for name in ("loss", "wrong", "test_error"):
        np.testing.assert_array_equal(getattr(whole.curve, name), getattr(cut.curve, name))


def test_a_limit_ends_a_stretch_early() -> None:
    learning = learn(50)
    assert len(learning.learn_stretch(limit=5).loss) == 5
    assert learning.engine.sample == 5


def test_without_every_a_stretch_grows_from_one_block() -> None:
    learning = learn(None)
    learning.learn_stretch()
    assert learning.engine.sample == 8
    assert learning.seconds > 0
    assert np.isfinite(learning.curve.test_error[:9]).all()
