"""The level of the paper is found under even and uneven light, whatever ink touches the border."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.data.ink import normalise
from letterocr.data.paper import estimate_paper

SHAPE = (90, 120)
Y, X = np.meshgrid(np.linspace(-1, 1, SHAPE[0]), np.linspace(-1, 1, SHAPE[1]), indexing="ij")
LIGHTS = {
    "from the left": 0.6 - 0.3 * X,
    "from a corner": 0.6 - 0.15 * X + 0.2 * Y,
    "bright in the middle": 0.9 - 0.2 * (X**2 + Y**2),
    "along a fold": 0.7 - 0.2 * X * Y,
}


def page(light: np.ndarray, pen: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """An H in black ink under that light, its left stem leaving the page at both ends; and where the ink is."""
    ink = np.zeros(SHAPE, dtype=bool)
    ink[:, 30 : 30 + pen] = ink[20:70, 80 : 80 + pen] = ink[40 : 40 + pen, 30:80] = True
    return np.where(ink, 0.1 * light, light).astype(np.float32), ink


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_even_paper_is_its_level_exactly(level):
    levels = np.full(SHAPE, level, dtype=np.float32)
    levels[:, 30:60] = 1 - level  # a quarter of the long sides is ink
    assert estimate_paper(levels) == np.float32(level)


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_uneven_light_is_found_below_ink_that_touches_the_border(light):
    levels, _ = page(light)
    assert np.abs(estimate_paper(levels) - light).max() < 0.02


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
@pytest.mark.parametrize("pen", [3, 8])
def test_a_letter_under_uneven_light_is_the_letter_under_even_light(light, pen):
    noise = np.random.default_rng(0).normal(0, 0.01, SHAPE)
    levels, ink = page(light, pen)
    uneven = normalise((levels + noise).clip(0, 1), "uneven")
    even = normalise(np.where(ink, 0, 1), "even")
    assert np.corrcoef(uneven, even)[0, 1] > 0.98
    assert ((uneven > 0.3) == (even > 0.3)).float().mean() > 0.97


def test_ink_and_paper_in_equal_parts_of_the_border_are_not_taken_for_light():
    levels = np.zeros(SHAPE, dtype=np.float32)
    levels[:, :61] = 1
    assert estimate_paper(levels) in (0, 1)


def test_pages_too_small_for_a_surface_have_a_level():
    for shape in ((1, 1), (1, 4), (2, 2), (3, 1)):
        levels = np.linspace(0.3, 0.6, shape[0] * shape[1], dtype=np.float32).reshape(shape)
        found = np.broadcast_to(estimate_paper(levels), shape)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found <= 1).all()
