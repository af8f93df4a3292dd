"""Texts in Hydra's grammar: Hydra's own parser reads back what was written, and commas are where Hydra sees them."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hypothesis import given, settings
from hypothesis import strategies as st

from letterocr.compose.grammar import quote, read_text, split_values, write_text

NAMES = ["letters (1).npz", "Anna's.npz", "a=b.npz", "müller/l.npz", "书写/l.npz", "~/l.npz", "[x] #1.npz", 'say "hi"!']
NAMES += [
    "a,b",
    "$x & y;z",
    " x ",
    "007",
    "1e3",
    "1.50",
    "true",
    "NaN",
    "null.",
    "back\\",
    "a\\'b",
    "{a: b}",
    "-x",
    ".",
]


def parse(written: str) -> object:
    value = OverridesParser.create().parse_override(f"output={written}").value()
    return value.text if isinstance(value, QuotedString) else value


@pytest.mark.parametrize("text", NAMES)
def test_hydra_reads_back_the_name_of_a_file(text: str) -> None:
    assert parse(write_text(text)) == text
    assert read_text(quote(text)) == text


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(lambda t: "${" not in t))
def test_hydra_reads_back_any_text(text: str) -> None:
    if text.lower() != "null":
        assert parse(write_text(text)) == text


@pytest.mark.parametrize(
    "text", ["1,2", "[1,2],3", "'a,b',c", '"x,y"', "choice(1,2)", "${oc.env:HOME,x},y", "{a:1,b:2},c", "a b, c"]
)
def test_values_are_split_where_hydra_splits_them(text: str) -> None:
    override = OverridesParser.create().parse_override(f"key={text}")
    values = list(override.sweep_string_iterator()) if override.is_sweep_override() else [text]
    assert len(split_values(text)) == (1 if text.startswith("choice") else len(values))


def test_a_quote_inside_a_name_does_not_hide_a_comma() -> None:
    assert split_values("Anna's.npz,b.npz") == ["Anna's.npz", "b.npz"]
