"""Keyword arguments as overrides: Hydra's own parser reads back what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import one_sentence
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.keywords import write_overrides, write_value

TEXTS = [
    "plain",
    "my letters.npz",
    "it's",
    "a=b,c",
    "[x]{y}:(z)",
    "#",
    "~/über/字",
    "back\\slash",
    "\\'",
    "ends\\",
    "'",
]
TEXTS += ["", "3 layers", "a\\\\'b"]


def parse(text: str) -> Any:
    value = OverridesParser.create().parse_override(f"key={text}").value()
    return value.text if isinstance(value, QuotedString) else value


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back(text: str) -> None:
    assert parse(write_value(text, "key")) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (1e-5, 1e-5),
        (True, True),
        (None, None),
        ([64, 32], [64, 32]),
        ((0.1, 0.2), [0.1, 0.2]),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (torch.tensor(2), 2),
        (Path("/some/where"), "/some/where"),
        ({"betas": [0.9, 0.99]}, {"betas": [0.9, 0.99]}),
    ],
)
def test_every_value_comes_back(value: Any, expected: Any) -> None:
    assert parse(write_value(value, "key")) == expected


def test_two_underscores_stand_for_a_dot_and_choices_come_first() -> None:
    fields = {"model__hidden": [5], "model": "three_layer", "data.seed": 3}
    assert write_overrides(fields) == ["model=three_layer", "model.hidden=[5]", "data.seed=3"]
    config = compose_config(write_overrides(fields))
    assert (config.model.name, config.model.hidden) == ("three_layer", [5])


def test_another_type_is_refused() -> None:
    with pytest.raises(UserError) as refused:
        write_value({1, 2}, "samples")
    one_sentence(refused.value, "samples={1, 2}", "is a set", "give a number")
