"""Reading of pictures by a trained network: the letter, the runner-up and the shares of all classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from letterocr.base.home import expand_path
from letterocr.data import ink
from letterocr.data.letters import PIXELS, SIDE
from letterocr.models.chain import Network


@dataclass(frozen=True)
class LetterReading:
    """One letter of a picture.

    Attributes:
        letter: the class with the largest output.
        runner_up: the class with the second largest output.
        outputs: the share of each class: its output, or 0 if that is negative, divided by the sum over all classes.
        box: left, top, right and bottom of the ink in pixels of the picture; right and bottom lie just outside it.
        image: [30, 30] the input of the network, in 0..1 with ink 1.
    """

    letter: str
    runner_up: str
    outputs: dict[str, float]
    box: tuple[int, int, int, int]
    image: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class Reading:
    """The letters that a network reads in one picture.

    Attributes:
        letters: the letters in the order of reading; today always one.
    """

    letters: tuple[LetterReading, ...]

    @property
    def text(self) -> str:
        """The letters joined to one text."""
        return "".join(part.letter for part in self.letters)


def read_picture(network: Network, alphabet: str, box: int, picture: Any, name: str = "the picture") -> Reading:
    """Read the letter in a picture with the first network.

    Args:
        network: trained networks.
        alphabet: the characters of its outputs.
        box: longer side of the ink, in pixels, in the letters that it was trained on.
        picture: a letter [900], the path of a picture file, an array [H, W], [H, W, 3] or [H, W, 4], or a Pillow image.
        name: name of an array in messages.

    Raises:
        UserError: the picture can't be read, or there is no ink in it.
    """
    if np.shape(picture) == (PIXELS,):
        found = ink.FoundLetter(torch.as_tensor(picture, dtype=torch.float32), (0, 0, SIDE, SIDE))
        return _read_found(network, alphabet, found)
    if isinstance(picture, str | Path):
        name, picture = str(picture), ink.read(expand_path(picture))
    return _read_found(network, alphabet, ink.find_letter(np.asarray(picture), name, box))


def _read_found(network: Network, alphabet: str, found: ink.FoundLetter) -> Reading:
    letter, runner_up, outputs = rank_outputs(network, found.letter, alphabet)
    image = found.letter.view(SIDE, SIDE).numpy()
    return Reading((LetterReading(letter, runner_up, outputs, found.box, image),))


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
