"""Claims about the alphabet, on letters where the answer is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from letterocr.config.data import SyntheticConfig
from letterocr.data.letters import ALPHABET, Letters, Split
from letterocr.data.synthetic import load
from letterocr.matrix.letter_matrix import alphabet_matrix
from letterocr.reproduce import letter_claims as claims
from letterocr.reproduce import spectrum_claims as spectra
from letterocr.reproduce.finding import FAILS, HOLDS, Material

SMALL = SyntheticConfig(train_per_letter=6, test_per_letter=3, repetitions=2)


def material(split: Split) -> Material:
    return Material(split, SMALL, Path("unused"))


@pytest.fixture(scope="module")
def written() -> Material:
    return material(load(SMALL))


def made(columns: torch.Tensor) -> Material:
    """Letters that are these columns [900, 26], once each, as training and test letters."""
    letters = Letters(columns.mT.float().contiguous(), torch.arange(26))
    return material(Split(letters, letters))


def blots() -> torch.Tensor:
    return torch.rand(900, 26, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "claim",
    [
        claims.judge_misreading,
        claims.judge_arithmetic,
        claims.judge_bias,
        spectra.judge_reconstruction,
        spectra.judge_singular_values,
        spectra.judge_rank,
    ],
)
def test_every_claim_gives_a_verdict_a_sentence_and_numbers(written, claim):
    finding = claim(written)
    assert finding.verdict.startswith((HOLDS, FAILS))
    assert finding.figures
    assert finding.seen
    assert finding.evidence.endswith(".")
    assert finding.stated.endswith(".")
    assert all(str(value) for value in finding.numbers.values())


def test_the_alphabet_and_that_of_each_writer(written):
    torch.testing.assert_close(written.A, alphabet_matrix(written.split.train))
    assert len(written.single_writers) == 3
    torch.testing.assert_close(written.single_writers[0], alphabet_matrix(written.split.train, 0))
    assert made(blots()).single_writers == []  # nobody knows who wrote them


def test_an_e_that_is_written_as_an_l_is_found():
    columns = blots()
    train = Letters(columns.mT.contiguous(), torch.arange(26))
    twist = 0.9 * columns[:, 11] + 0.8 * columns[:, 5] + 0.7 * columns[:, 8]  # L, with spikes at F and I
    finding = claims.judge_misreading(material(Split(train, Letters(twist[None], torch.tensor([4])))))
    assert finding.verdict == HOLDS
    assert "1 times of 1" in finding.evidence
    assert "L, F, I" in finding.evidence
    assert list(finding.figures) == ["fig3"]


def test_letters_that_are_read_rightly_do_not_show_it():
    assert claims.judge_misreading(made(blots())).verdict == FAILS


def test_other_letters_that_are_misread_are_named():
    columns = blots()
    train = Letters(columns.mT.contiguous(), torch.arange(26))
    finding = claims.judge_misreading(
        material(Split(train, Letters(columns[:, [3]].mT.contiguous(), torch.tensor([14]))))
    )
    assert finding.verdict == "does not hold: other letters are misread, or with fewer spikes"
    assert "O as D 1x" in finding.evidence


def test_an_exact_sum_of_letters_holds():
    columns = blots()
    columns[:, 4] = columns[:, 11] + columns[:, 5]
    finding = claims.judge_arithmetic(made(columns))
    assert finding.verdict == HOLDS
    assert finding.numbers["L + F = E"] == "0.0 %"
    columns[:, 4] = 0.5 * columns[:, 11] + 0.25 * columns[:, 5]
    assert claims.judge_arithmetic(made(columns)).verdict.endswith("0.50 L + 0.25 F ~ E")


def test_letters_without_relations_have_none():
    finding = claims.judge_arithmetic(made(torch.eye(900)[:, :26]))
    assert finding.verdict == FAILS
    assert finding.numbers["distance of E from the span of all other letters"] == "100.0 %"


def test_one_bias_mends_one_relation():
    assert claims.judge_bias(made(blots())).verdict == HOLDS


def test_singular_values_of_which_two_dominate():
    u, v = (torch.linalg.qr(torch.randn(n, 26, generator=torch.Generator().manual_seed(n))).Q for n in (900, 26))
    values = torch.tensor([10.0, 8.0, *[1.0] * 24])
    assert spectra.judge_singular_values(made(u * values @ v.mT)).verdict == HOLDS
    values[1] = 1.0
    assert "first alone dominates" in spectra.judge_singular_values(made(u * values @ v.mT)).verdict
    values[:] = 1
    assert spectra.judge_rank(made(u * values @ v.mT)).verdict == FAILS
    values[5:] = 0.01
    assert "90 % of the energy" in spectra.judge_rank(made(u * values @ v.mT)).verdict


def test_orthogonal_letters_of_equal_weight_are_readable_late():
    lengths = torch.linspace(2, 1, 26)
    finding = spectra.judge_reconstruction(made(torch.eye(900)[:, :26] * lengths))
    assert finding.verdict == "does not hold: the first 13 are needed"
    (table,) = finding.tables
    assert (table.head[-1], table.rows[0][-1]) == (ALPHABET[25], "26")
