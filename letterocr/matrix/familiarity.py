"""How much a picture is like the letters that a network learned: what is like no letter is not read.

The measures of an image, each as a share of the value that nearly all training letters stay below:

- its distance from the nearest training letter of the class that is read, in two parts at a right angle: what its
  projection on the first singular vectors of the letters leaves (Turk and Pentland 1991), and the distance of the
  projections; images are softened and have length 1;
- the mean and the largest thickness of its strokes, their length, how uneven their level is, how many strokes a row and
  a column cross, and how many corners the outline has.

Shapes: images [N, 900]; classes [N]; basis [k, 900]; known [M, k], labels [M].
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from letterocr.base.files import replace_file
from letterocr.data.letters import SIDE, Letters, take_per_letter

VECTORS = 48  # singular vectors
PER_LETTER = 40  # training letters of each class that are kept
MOST_HELD = 1040  # training letters that decide the limits
INCLUDED = 0.997  # share of the letters below each limit
# Factor of each limit: other writers may have another pen, but their letters are not much further from those known.
SLACK = torch.tensor([0.95, 1.4, 1.35, 1.1, 1.2, 1.05, 1.05])
SOFTER = 2  # times that an image is averaged over 3x3 pixels before distances are measured
LEAST = torch.tensor([0.5, 6.0, 8.0, 50.0, 0.12, 4.0, 18.0])  # of each limit: a few letters do not show how they vary
FINER = 3  # strokes are measured on an image that is enlarged by this factor


@dataclass(frozen=True)
class Familiarity:
    """What is kept of the training letters to tell letters from other things.

    Attributes:
        mean: [900] mean of the letters, each of length 1.
        basis: [k, 900] first right singular vectors of the letters less their mean, as rows.
        known: [M, k] projections of some letters.
        labels: [M] their classes.
        limits: [7] what nearly all letters stay below, in the order of the module's list.
    """

    mean: Tensor
    basis: Tensor
    known: Tensor
    labels: Tensor
    limits: Tensor

    def measure(self, images: Tensor, classes: Tensor) -> Tensor:
        """Return how unlike the letters images are: the largest of the measures; at most 1 for nearly every letter.

        Args:
            images: [N, 900] in 0..1 with ink 1.
            classes: [N] the class as which each is read.

        Returns:
            [N].
        """
        return (self._measure_each(images, classes) / self.limits).max(1).values

    def _measure_each(self, images: Tensor, classes: Tensor, least: float = 0.0) -> Tensor:
        centred = _soften(images) - self.mean
        places = centred @ self.basis.T
        left = (centred.square().sum(1) - places.square().sum(1)).clamp(min=0)
        near = torch.cdist(places, self.known)
        near = near.masked_fill((self.labels[None] != classes[:, None]) | (near < least), 2.0).min(1).values
        strokes = torch.from_numpy(np.stack([measure_strokes(image) for image in images.numpy()]))
        return torch.cat([(left + near.square()).sqrt()[:, None], strokes], 1)

    def save(self, path: Path) -> None:
        """Write the arrays into one .npz file, which takes its place as a whole."""
        arrays = {name: getattr(self, name).numpy() for name in ("mean", "basis", "known", "limits")}
        halves = {name: array.astype(np.float16) for name, array in arrays.items() if name != "limits"}
        with replace_file(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **halves, limits=arrays["limits"], labels=self.labels.numpy().astype(np.uint8))


def load_familiarity(path: Path) -> Familiarity:
    """Read what `Familiarity.save` wrote.

    Raises:
        Exception: of any kind, if the file is missing or damaged.
    """
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        floats = [torch.from_numpy(stored[name].astype(np.float32)) for name in ("mean", "basis", "known", "limits")]
        labels = torch.from_numpy(stored["labels"].astype(np.int64))
    return Familiarity(floats[0], floats[1], floats[2], labels, floats[3])


def learn_familiarity(letters: Letters) -> Familiarity:
    """Learn from training letters what letters are like.

    Args:
        letters: at least one letter; the limits are better, the more there are.
    """
    kept = take_per_letter(letters, PER_LETTER)
    images = _soften(kept.images)
    mean = images.mean(0)
    count = max(1, min(VECTORS, len(kept) - 1))
    vectors = torch.linalg.eigh((images - mean).T @ (images - mean)).eigenvectors
    basis = vectors[:, -count:].T.flip(0).contiguous()
    whole = Familiarity(mean, basis, (images - mean) @ basis.T, kept.labels, torch.ones(len(SLACK)))
    held = letters.select(torch.arange(0, len(letters), max(1, len(letters) // MOST_HELD)))
    least = 1e-3 if len(kept) > 2 * letters.classes else -1.0  # a letter is not its own nearest one
    limits = whole._measure_each(held.images, held.labels, least).quantile(INCLUDED, dim=0) * SLACK
    return Familiarity(mean, basis, whole.known, kept.labels, limits.maximum(LEAST))


def _soften(images: Tensor) -> Tensor:
    """Return images [N, 900], softened and of length 1, so that letters of heavy and of fine pens are alike."""
    soft = images.float().view(-1, 1, SIDE, SIDE)
    for _ in range(SOFTER):
        soft = F.avg_pool2d(soft, 3, stride=1, padding=1)
    soft = soft.flatten(1)
    return soft / soft.norm(dim=1, keepdim=True).clamp(min=1e-6)


def measure_strokes(image: np.ndarray) -> np.ndarray:
    """Measure the strokes of a letter [900]: [6].

    Returns:
        Mean and largest thickness in pixels of the letter, length in pixels, the standard deviation of the level within
        thick strokes, strokes that a row and a column cross on average, corners of the outline.
    """
    fine = cv2.resize(image.reshape(SIDE, SIDE), None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    ink = np.pad(fine > 0.4, 1)
    if not ink.any():
        return np.zeros(len(SLACK) - 1, np.float32)
    distance = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    mean = float(distance[distance > 0].mean())
    core = fine[distance > 1.5 * FINER]
    uneven = float(core.std()) if core.size > 9 * FINER else 0.0
    thickness = 4 * mean / FINER
    length = ink.sum() / FINER**2 / thickness
    crossed = sum(_count_strokes(view) for view in (ink, ink.T))
    outlines = cv2.findContours(ink.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
    corners = sum(len(cv2.approxPolyDP(outline, 1.6 * FINER, True)) for outline in outlines)
    return np.array([thickness, 2 * distance.max() / FINER, length, uneven, crossed, corners], np.float32)


def _count_strokes(ink: np.ndarray) -> float:
    """Count the strokes that a row crosses, on average over the rows with ink; the first column has no ink."""
    return float((ink[:, 1:] & ~ink[:, :-1]).sum() / ink.any(1).sum())
