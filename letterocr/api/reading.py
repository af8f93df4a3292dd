"""Reading of pictures by a trained network: their letters in the order of reading, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from letterocr.base.home import expand_path
from letterocr.data import ink
from letterocr.data.layout import WIDEST, find_lines, list_letters
from letterocr.data.letters import PIXELS, SIDE
from letterocr.data.picture_files import read
from letterocr.data.pieces import drop_apart
from letterocr.matrix.familiarity import Familiarity
from letterocr.models.chain import Network

ONE_LETTER = 0.25  # how much better several letters must be than one, in shares of the limit
Scored = tuple[ink.FoundLetter, int, float]  # a letter, its line, and how unlike the learned letters it is
MOST = 0.6  # of the ink must be of letters, or the picture is of something else
EACH_LETTER = 0.2  # what each further letter costs, so that the parts of one letter stay together


@dataclass(frozen=True)
class LetterReading:
    """One letter of a picture.

    Attributes:
        letter: the class with the largest output.
        runner_up: the class with the second largest output.
        outputs: the share of each class: its output, or 0 if that is negative, divided by the sum over all classes.
        box: left, top, right and bottom of the ink in pixels of the picture; right and bottom lie just outside it.
        image: [30, 30] the input of the network, in 0..1 with ink 1.
        line: number of its line in the picture, from 0.
    """

    letter: str
    runner_up: str
    outputs: dict[str, float]
    box: tuple[int, int, int, int]
    image: np.ndarray = field(repr=False, compare=False)
    line: int = 0


@dataclass(frozen=True)
class Reading:
    """The letters that a network reads in one picture.

    Attributes:
        letters: the letters in the order of reading.
        reason: a sentence that says why there are none; empty if there are some.
    """

    letters: tuple[LetterReading, ...]
    reason: str = ""

    @property
    def text(self) -> str:
        """The letters joined to one text, one line for each line of the picture."""
        lines: dict[int, str] = {}
        for part in self.letters:
            lines[part.line] = lines.get(part.line, "") + part.letter
        return "\n".join(lines.values())


@dataclass(frozen=True)
class Reader:
    """A trained network and what reading needs beside it.

    Attributes:
        network: trained networks; the first one reads.
        alphabet: the characters of its outputs.
        box: longer side of the ink, in pixels, in the letters that it was trained on.
        familiarity: what tells letters from other things; None: everything is taken for letters.
    """

    network: Network
    alphabet: str
    box: int
    familiarity: Familiarity | None = None

    def read(self, picture: Any, one: bool = False, name: str = "the picture") -> Reading:
        """Read the letters in a picture.

        Args:
            picture: a letter [900], the path of a picture file, an array [H, W], [H, W, 3] or [H, W, 4], or a Pillow
                image.
            one: whether all ink is taken for one letter, whatever it looks like.
            name: name of an array in messages.

        Raises:
            UserError: the picture can't be read, or with `one` there is no ink in it.
        """
        if np.shape(picture) == (PIXELS,):
            found = ink.FoundLetter(torch.as_tensor(picture, dtype=torch.float32), (0, 0, SIDE, SIDE))
            return Reading((self._read_found(found),))
        if isinstance(picture, str | Path):
            name, picture = str(picture), read(expand_path(picture))
        try:
            found_ink = ink.find_ink(np.asarray(picture), name)
        except ink.BlankError as error:
            if one:
                raise
            return Reading((), str(error))
        whole = ink.cut_letter(replace(found_ink, pieces=drop_apart(found_ink.pieces)), self.box)
        if one:
            return Reading((self._read_found(whole),))
        return self._read_several(found_ink, whole, name)

    def _read_several(self, found: ink.Ink, whole: ink.FoundLetter, name: str) -> Reading:
        """Choose between one letter and several, and leave out what is like no letter."""
        score = float(self._score([whole])[0])
        lines = find_lines(found.pieces)
        several = [part for k, parts in enumerate(lines) for part in self._read_line(found, parts, k)]
        better = sum(s for _, _, s in several) / len(several) < score - ONE_LETTER
        left, top, right, bottom = whole.box
        wide = not self.familiarity and (len(lines) > 1 or right - left > WIDEST * (bottom - top))
        if score > 1 or better or wide:
            familiar = [(letter, k) for letter, k, s in several if s <= 1]
            ink_of = [float(letter.letter.sum()) * _area(letter) for letter, _, _ in several]
            read = sum(area for area, (_, _, s) in zip(ink_of, several, strict=True) if s <= 1)
            letters = [self._read_found(*part) for part in familiar] if read > MOST * sum(ink_of) else []
        else:
            letters = [self._read_found(whole)]
        if letters:
            return Reading(tuple(letters))
        return Reading((), f"{name} shows nothing like a letter: it is unlike all that the network learned.")

    def _read_line(self, found: ink.Ink, parts: list[np.ndarray], line: int) -> list[Scored]:
        """Divide a line into the letters that are most like those learned: each with its line and its score."""
        choices = list_letters(found.pieces, parts)
        letters = [_cut(found, places, self.box) for _, _, places in choices]
        scores = self._score(letters)
        # The least sum from the left: a letter costs its score times its parts.
        none: list[int] = []
        best = [(0.0, none)] + [(np.inf, none)] * len(parts)
        for k, (first, end, _) in enumerate(choices):
            cost = best[first][0] + float(scores[k]) * (end - first) + EACH_LETTER
            if cost < best[end][0]:
                best[end] = cost, [*best[first][1], k]
        return [(letters[k], line, float(scores[k])) for k in best[-1][1]]

    def _score(self, found: Sequence[ink.FoundLetter]) -> Tensor:
        """Return how unlike the learned letters each one is: [N], at most 1 for letters."""
        if not self.familiarity:
            return torch.zeros(len(found))
        images = torch.stack([part.letter for part in found])
        return self.familiarity.measure(images)

    def _read_found(self, found: ink.FoundLetter, line: int = 0) -> LetterReading:
        letter, runner_up, outputs = rank_outputs(self.network, found.letter, self.alphabet)
        return LetterReading(letter, runner_up, outputs, found.box, found.letter.view(SIDE, SIDE).numpy(), line)


def _area(letter: ink.FoundLetter) -> float:
    """Return the area of a letter's box, as far as it has the letter's share of ink."""
    left, top, right, bottom = letter.box
    return float(max(right - left, bottom - top) ** 2)


def _cut(found: ink.Ink, places: np.ndarray, box: int) -> ink.FoundLetter:
    kept = np.zeros(len(found.pieces), bool)
    kept[places] = True
    return ink.cut_letter(replace(found, pieces=found.pieces.select(kept)), box)


def rank_outputs(network: Network, a: Tensor, alphabet: str) -> tuple[str, str, dict[str, float]]:
    """Rank the classes by the outputs of the first network.

    Args:
        network: trained networks.
        a: [900] letter in 0..1 with ink 1.
        alphabet: the characters of the outputs.

    Returns:
        The class with the largest output, the class with the second largest output, and the share of each class.
    """
    q = network.replica(0).forward(a.to(network.weights[0])[None])[-1][0].double()
    best = q.argsort(descending=True, stable=True).tolist()
    positive = q.clamp(min=0)
    shares = positive / positive.sum().clamp(min=1e-12)
    outputs = dict(zip(alphabet, shares.tolist(), strict=True))
    return alphabet[best[0]], alphabet[best[1]] if len(best) > 1 else alphabet[best[0]], outputs
