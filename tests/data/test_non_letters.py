"""Drawn things that are no letters: of the letters' size, the same for a seed, and of many forms."""

from __future__ import annotations

import torch

from letterocr.config.data import SyntheticConfig
from letterocr.data import synthetic
from letterocr.data.non_letters import draw_non_letters


def test_things_are_as_large_as_letters_and_none_is_blank_or_drawn_twice():
    letters = synthetic.load(SyntheticConfig(train_per_letter=2, test_per_letter=1)).train
    things = draw_non_letters(letters, 40)
    assert things.shape == (40, 900)
    assert 0 <= things.min() <= things.max() <= 1
    ink = things.view(-1, 30, 30) > 0.25
    sides = torch.maximum(ink.any(1).sum(1), ink.any(2).sum(1))
    assert sides.median() == letters.box()
    assert sides.max() <= letters.box() + 1
    assert len(things.unique(dim=0)) == 40
    assert torch.equal(things, draw_non_letters(letters, 40))
