"""Material on which a claim is measured, and the finding about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.config.data import ALPHABETS, CharactersConfig, SourceConfig
from letterocr.data.letters import Letters, Split
from letterocr.matrix.letter_matrix import alphabet_matrix

HOLDS = "holds"
FAILS = "does not hold"
NOT_MEASURED = "is not measured"
WIDTH = 5.5  # inches of every figure, so that it is legible on a narrow screen


def phrase_condition(condition: str) -> str:
    """Return the verdict on a claim that is true only under a condition that the paper does not state.

    Example:
        >>> phrase_condition("s is linear")
        'holds only if s is linear'
    """
    return f"holds only if {condition}"


def deny(what: str) -> str:
    """Return the verdict on a claim that does not hold, with what is found in its place.

    Example:
        >>> deny("only the first one does")
        'does not hold: only the first one does'
    """
    return f"{FAILS}: {what}"


@dataclass(frozen=True)
class Table:
    """A table of numbers with several columns.

    Attributes:
        title: what it shows.
        head: titles of the columns, that of the names in the first column too.
        rows: name and numbers of each row.
    """

    title: str
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Material:
    """The letters of one source, and the amount of training for claims about training.

    Attributes:
        split: training and test letters.
        data: config of the letters, for the runs.
        runs: folder of the run folders.
        samples: training samples of each run.
        replicas: networks trained side by side, for medians and quartiles.
        every: samples between two measurements of the test error.
        threads: CPU threads of each run; 0 for all.
    """

    split: Split
    data: SourceConfig
    runs: Path
    samples: int = 20_000
    replicas: int = 10
    every: int = 50
    threads: int = 0

    @cached_property
    def A(self) -> Tensor:
        """The alphabet matrix of all training letters, [900, classes] float64."""
        return alphabet_matrix(self.split.train)

    @cached_property
    def train_with_digits(self) -> Letters:
        """The training letters of the source with its digits.

        Raises:
            UserError: the source has no digits.
        """
        if self.split.train.alphabet == ALPHABETS["all"]:
            return self.split.train
        if not isinstance(self.data, CharactersConfig):
            raise UserError(f"data={self.data.name} has letters of one alphabet only; take another source.")
        return registry.load_letters(replace(self.data, classes="all")).train

    @cached_property
    def single_writers(self) -> list[Tensor]:
        """The alphabet matrices of the training writers who wrote every letter; empty if the writers are not known."""
        train = self.split.train
        if train.writers is None:
            return []
        pairs = {(int(w), int(k)) for w, k in zip(train.writers, train.labels, strict=True)}
        writers = sorted({w for w, _ in pairs})
        return [alphabet_matrix(train, w) for w in writers if all((w, k) in pairs for k in range(train.classes))]


@dataclass(frozen=True)
class Finding:
    """The finding about one claim.

    Attributes:
        stated: the claim as the paper states it.
        verdict: "holds", "does not hold", "does not hold: ...", "holds only if ..." or "is not measured"
        evidence: the numbers that decide, in one or two sentences.
        numbers: numbers by name, in the order in which they are shown.
        figures: Matplotlib figures by file name without `.png`.
        seen: what the figures show, for readers who cannot see them.
        tables: numbers that need several columns.
    """

    stated: str
    verdict: str
    evidence: str
    numbers: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    seen: str = ""
    tables: tuple[Table, ...] = ()
