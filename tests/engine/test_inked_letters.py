"""Letters that are read by full products of their inked pixels alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers import random_letters, small_config
from torch import Tensor

from letterocr.compose.build import build_engine
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.data.letters import PIXELS, Letters, Split
from letterocr.engine.inked_letters import InkedLetters

TRAIN, TEST, OTHER = slice(100, 400), slice(300, 500), slice(600, 650)  # where the letters have ink


def blot(letters: Letters, ink: slice) -> Letters:
    """The letters without the ink that is elsewhere."""
    kept = torch.zeros(PIXELS)
    kept[ink] = 1
    return Letters(letters.images * kept, letters.labels)


SPLIT = Split(blot(random_letters(60, seed=1), TRAIN), blot(random_letters(40, seed=2), TEST))


def count_pixels(letters: InkedLetters) -> int:
    return sum(images.shape[1] for _, images in letters.parts)


def test_pixels_without_ink_are_left_out() -> None:
    ink = (SPLIT.train.images != 0).any(0)
    letters = InkedLetters.select(SPLIT.test.images, ink)
    assert count_pixels(letters) == 400
    matrix = torch.randn(3, 7, PIXELS, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(letters.multiply(matrix), SPLIT.test.images @ matrix.mT)


def test_where_all_pixels_have_ink_nothing_is_copied() -> None:
    images = torch.ones(5, PIXELS)
    ((pixels, kept),) = InkedLetters.select(images, torch.zeros(PIXELS, dtype=torch.bool)).parts
    assert pixels == slice(None)
    assert kept is images


@pytest.mark.parametrize("hidden", [[], [12], [12, 13]], ids=str)
@pytest.mark.parametrize(
    "fields",
    [
        {"engine": "reference"},
        {"engine": "blocked"},
        {"engine": "blocked", "optimizer": VanillaConfig(weight_decay=0.01)},
        {"engine": "blocked", "optimizer": SgdConfig(mask="row")},
        {"optimizer": AsgdConfig()},
        {"optimizer": KfacConfig(), "learning_rate": 0.001},
    ],
    ids=["reference", "blocked", "decay", "sgd row", "asgd", "kfac"],
)
def test_engines_measure_with_inked_pixels_alone(
    fields: dict[str, Any], hidden: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    multiply = InkedLetters.multiply

    def note(letters: InkedLetters, matrix: Tensor) -> Tensor:
        seen.append(count_pixels(letters))
        return multiply(letters, matrix)

    monkeypatch.setattr(InkedLetters, "multiply", note)
    model = ChainConfig("chain", hidden, "sigmoid" if hidden else "linear", init_scale=0.5)
    given = {"model": model, "learning_rate": 0.002, "samples": 130, "evaluate_every": "100", "dtype": "float64"}
    engine = build_engine(small_config(**given | {"device": "cpu"} | fields), SPLIT)
    errors = engine.advance(100).test_error[-1]
    assert set(seen) == {400}
    full = engine.optimizers[0].evaluation_network(engine.network.replica(0)).forward(engine.test_images)[-1]
    torch.testing.assert_close(engine.test_outputs(0), full)
    assert errors[0] == engine.test_error()[0] == (full.argmax(1) != engine.test_labels).double().mean()


def test_any_letters_can_be_read() -> None:
    model = ChainConfig("chain", [12], init_scale=1.0)
    engine = build_engine(small_config(model=model, samples=10, dtype="float64", device="cpu"), SPLIT)
    images = blot(random_letters(30, seed=3), OTHER).images.double()
    torch.testing.assert_close(engine.read(0, images), engine.network.replica(0).forward(images)[-1])
