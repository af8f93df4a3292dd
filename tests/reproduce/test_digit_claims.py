"""(9b), on letters and digits where the answer is known, and on letters without digits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from letterocr.config.data import ALPHABETS, ArraysConfig, ImagesConfig, SourceConfig, SyntheticConfig
from letterocr.data.letters import Letters, Split
from letterocr.data.synthetic import load
from letterocr.reproduce.digit_claims import judge_digit_arithmetic
from letterocr.reproduce.finding import FAILS, HOLDS, NOT_MEASURED, Material

BOTH = ALPHABETS["all"]
L, T, B, EYE, THREE = (BOTH.index(name) for name in "LTBI3")


def material(columns: torch.Tensor, alphabet: str = BOTH, data: SourceConfig | None = None) -> Material:
    letters = Letters(columns.mT.float().contiguous(), torch.arange(len(alphabet)), alphabet=alphabet)
    return Material(Split(letters, letters), data or SyntheticConfig(classes="all"), Path("unused"))


def blots() -> torch.Tensor:
    return torch.rand(900, 36, generator=torch.Generator().manual_seed(0))


def test_an_exact_sum_holds() -> None:
    columns = blots()
    columns[:, EYE] = columns[:, L] + columns[:, T] - columns[:, B] + columns[:, THREE]
    finding = judge_digit_arithmetic(material(columns))
    assert finding.verdict == HOLDS
    assert finding.numbers["L + T + 3 - B = I"] == "0.0 %"
    assert "the 3 is number 1 by nearness" in finding.evidence
    (table,) = finding.tables
    assert (table.head[1], table.rows[0][1]) == ("3", "0 %")
    assert list(finding.figures) == ["digit"]


def test_a_sum_with_other_coefficients_does_not() -> None:
    columns = blots()
    columns[:, EYE] = 0.5 * columns[:, L] + 0.25 * columns[:, T] - 0.5 * columns[:, B] + columns[:, THREE]
    finding = judge_digit_arithmetic(material(columns))
    assert finding.verdict.endswith("as in 0.50 L + 0.25 T - 0.50 B + 1.00 * 3 ~ I")


def test_characters_without_relations_have_none() -> None:
    finding = judge_digit_arithmetic(material(torch.eye(900)[:, :36]))
    assert finding.verdict == FAILS
    assert finding.numbers["distance of I from the span of all others"] == "100.0 %"


def test_the_digits_come_from_the_same_source() -> None:
    data = SyntheticConfig(train_per_letter=4, test_per_letter=1)
    found = Material(load(data), data, Path("unused"))
    letters = found.train_with_digits
    assert letters.alphabet == BOTH
    assert found.A.shape == (900, 26)
    assert judge_digit_arithmetic(found).verdict.startswith((HOLDS, FAILS))


@pytest.mark.parametrize("data", [ArraysConfig(), ImagesConfig(path="none.npz")])
def test_letters_without_digits_are_not_judged(data: SourceConfig) -> None:
    finding = judge_digit_arithmetic(material(blots()[:, :26], ALPHABETS["letters"], data))
    assert finding.verdict == NOT_MEASURED
    assert finding.evidence.startswith("It needs the digit 3, which these letters lack. data")
    assert finding.figures == {}
