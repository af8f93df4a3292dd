"""Claims about layers: their verdicts follow from algebra, whatever the letters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import random_letters

from letterocr.config.data import SyntheticConfig
from letterocr.data.letters import Letters, Split
from letterocr.reproduce import layer_claims as claims
from letterocr.reproduce.finding import FAILS, Material


@pytest.fixture(scope="module")
def material() -> Material:
    letters = random_letters(400, seed=0)
    return Material(Split(letters, letters), SyntheticConfig(), Path("unused"))


def test_a_linear_hidden_layer_does_not_help(material):
    finding = claims.judge_linear_hidden_layer(material)
    assert finding.verdict == FAILS
    assert list(finding.numbers.values())[1:] == [25, 25, 26]


def test_the_sigmoid_helps_where_it_is_bent(material):
    """Letters that are mixtures of three pictures are told apart by steep sigmoids only."""
    images = material.split.train.images[:3]
    shares = torch.rand(26, 3, generator=torch.Generator().manual_seed(0))
    mixtures = Letters(shares / shares.sum(1, keepdim=True) @ images, torch.arange(26))
    finding = claims.judge_sigmoid(Material(Split(mixtures, mixtures), SyntheticConfig(), Path("unused")))
    assert finding.verdict.startswith("holds")
    pixels, coldest = (float(row[1]) for row in finding.tables[0].rows[:2])
    assert pixels < 3 < coldest
    assert list(finding.figures) == ["sigmoid"]


def test_the_symmetry_is_one_of_linear_layers(material):
    finding = claims.judge_symmetry(material)
    assert finding.verdict == "holds only if s is linear, or V permutes the hidden values"
    assert float(finding.numbers["linear"]) < 1e-12
    assert float(finding.numbers["V a permutation, at every T"]) < 1e-10


def test_the_normal_equations_are_mended(material):
    finding = claims.judge_normal_equations(material)
    assert "R W^T = Z" in finding.verdict
    assert finding.numbers["rank of R"] == 26
    assert float(finding.numbers["|W - A^+| / |A^+|"]) < 1e-10
