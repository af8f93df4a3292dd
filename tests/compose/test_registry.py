"""The registry: a config's dataclass finds the code that it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from helpers import one_sentence

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.config.model.chain import ChainConfig

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"


def test_presets_of_one_kind_have_the_same_code() -> None:
    assert registry.find_model(ChainConfig(name="mine")).target == registry.CHAIN


def test_a_choice_with_code_of_its_own_needs_a_dataclass_of_its_own() -> None:
    entry = registry.Entry(ChainConfig, "outside:initialise", "ours", "another network")
    with mock.patch.dict(registry.MODELS, {"mine": entry}), pytest.raises(UserError) as caught:
        registry.find_model(ChainConfig())
    one_sentence(
        caught.value, "ChainConfig belongs to two_layer, three_layer, four_layer, mine", "dataclass of its own"
    )


def test_a_dataclass_that_is_not_entered_is_said() -> None:
    @dataclass
    class Unknown(ChainConfig):
        """A network that nobody entered."""

    with pytest.raises(UserError) as caught:
        registry.find_model(Unknown())
    one_sentence(caught.value, "Unknown belongs to no choice")


def list_named(heading: str, word: str) -> set[str]:
    """What stands in backquotes in the rows of the first table below a heading that begin with `word`."""
    text = REFERENCE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith(f"| {word}")]
    assert rows, f"docs/reference.md has no rows {word!r} below {heading!r}"
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("group", ["model", "rule", "data"])
def test_the_reference_names_every_choice(group: str) -> None:
    missing = set(registry.GROUPS[group]) - list_named("What it trains", f"`{group}`")
    assert not missing, f"the table 'What it trains' lacks {group}={sorted(missing)}"


def test_the_reference_has_a_row_for_every_optimizer() -> None:
    text = REFERENCE.read_text(encoding="utf-8").partition("\n## Optimizers\n")[2].partition("\n## ")[0]
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    missing = set(registry.OPTIMIZERS) - rows
    assert not missing, f"the table 'Optimizers' lacks {sorted(missing)}"
