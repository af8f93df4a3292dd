"""How much a picture is like the letters that a network learned: what is like no letter is not read.

Two things are measured of an image: the distance from the training letters, and its strokes (`pen_strokes`).

- The distance is that from the nearest letters, in the leading singular space of the directions of strokes. What
  differs within a class counts less there, as in a linear discriminant analysis (Fisher 1936).
- A logistic regression on these measures, their squares and products has learned to tell the training letters, and
  the same as small pictures show them, from drawn things that are no letters (`data.non_letters`). Each training
  letter is measured without itself, and without the other letters of its writer if the writers are known.

Shapes: images [N, 900]; space [512, k]; known [M, k]; measures [N, 6].
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from letterocr.base.files import replace_file
from letterocr.base.npz import read_arrays
from letterocr.data.letters import SIDE, Letters
from letterocr.data.non_letters import draw_non_letters
from letterocr.matrix.pen_strokes import count_directions, measure_strokes

VECTORS = 64  # singular vectors
PER_LETTER = 60  # training letters of each class that are kept
LEAST_OTHERS, OTHERS = 100, 1000  # drawn things that are no letters: as many as letters, within these bounds
SOFT_STEP = 2  # every second letter is learned as a small picture shows it, too
SMALL, SOFT = 25, 0.7  # pixels of the side of that picture, and its blur
NEAREST = 3  # letters whose mean distance counts
INCLUDED = 0.99  # share of the training letters that are less unlike than the limit less its slack
SLACK = 1.17  # the limit's distance from the typical letter, as a share of theirs: other writers differ more
LETTERS_COUNT = 10  # weight of all letters, if that of all other things is 1
FARTHEST = 6.0  # standard deviations; what is further off counts as this far
NEAREST_OF_ALL = 2.0  # standard deviations; a letter that is nearer to the known ones is no more familiar
LARGEST = 3.0  # how unlike a letter a thing can be
NEAR = 0.25  # of the median distance between letters: what is nearer counts as this near
FEW = 20  # the fewer letters, the less they show how letters vary: 20 of them double the slack
LEAST_SPREAD = torch.tensor([0.1, 0.1, 0.1, 0.03, 0.1, 0.15])  # of the measures, for the same reason
LEAST_LIMIT = 2.0  # how far the limit is above what the regression gives for the median letter, at least


@dataclass(frozen=True)
class Familiarity:
    """What is kept of the training letters to tell letters from other things.

    Attributes:
        mean: [512] mean of the directions of the letters.
        space: [512, k] from directions to the space in which distances are measured.
        known: [M, k] some letters in that space.
        near: distance below which all distances count as this.
        centre: [6] mean of the measures of the letters.
        spread: [6] their standard deviations.
        weights: [28] of the measures, their products and 1 in the logistic regression.
        typical: what the regression gives for the median letter; that is half as unlike as is allowed.
        limit: what it gives for the last letter that is allowed.
    """

    mean: Tensor
    space: Tensor
    known: Tensor
    near: float
    centre: Tensor
    spread: Tensor
    weights: Tensor
    typical: float
    limit: float

    def measure(self, images: Tensor) -> Tensor:
        """Return how unlike the letters images are: at most 1 for nearly every letter.

        Args:
            images: [N, 900] in 0..1 with ink 1.

        Returns:
            [N] in 0..3.
        """
        directions, strokes = _describe(images)
        distances = torch.cdist((directions - self.mean) @ self.space, self.known)
        measures = _join(distances.clamp(min=self.near), strokes)
        found = _expand(measures, self.centre, self.spread) @ self.weights
        return (0.5 + 0.5 * (found - self.typical) / (self.limit - self.typical)).clamp(0, LARGEST)

    def save(self, path: Path) -> None:
        """Write the arrays into one .npz file, which takes its place as a whole."""
        halves = {name: getattr(self, name).numpy().astype(np.float16) for name in ("mean", "space", "known")}
        wholes = {name: getattr(self, name).numpy() for name in ("centre", "spread", "weights")}
        with replace_file(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **halves, **wholes, limits=np.array([self.near, self.typical, self.limit]))


def load_familiarity(path: Path) -> Familiarity:
    """Read what `Familiarity.save` wrote.

    Raises:
        Exception: of any kind, if the file is missing or damaged.
        KeyError: an early version wrote other arrays.
    """
    names = ("mean", "space", "known", "centre", "spread", "weights")
    stored = read_arrays(path)
    arrays = {name: torch.from_numpy(stored[name].astype(np.float32)) for name in names}
    near, typical, limit = stored["limits"].tolist()
    return Familiarity(near=near, typical=typical, limit=limit, **arrays)


def learn_familiarity(letters: Letters) -> Familiarity:
    """Learn from training letters what letters are like.

    Args:
        letters: at least one letter; the limit is better, the more there are.
    """
    kept = _take_evenly(letters, PER_LETTER)
    count = len(kept)
    directions, strokes = _describe(torch.cat([kept.images, _soften(kept.images[::SOFT_STEP])]))
    mean, space = _find_space(directions[:count], kept.labels)
    places = (directions - mean) @ space
    known = places[:count]
    between = torch.cdist(places, known)
    near = NEAR * float(between[:count].median())
    names = torch.arange(count) if kept.writers is None else kept.writers
    own = _join(_set_apart(between, names).clamp(min=near), strokes)
    other_directions, other_strokes = _describe(draw_non_letters(kept, min(max(LEAST_OTHERS, count), OTHERS)))
    others = _join(torch.cdist((other_directions - mean) @ space, known).clamp(min=near), other_strokes)
    centre, spread = own.mean(0), own.std(0, correction=0).maximum(LEAST_SPREAD)
    weights = _fit_logistic(_expand(own, centre, spread), _expand(others, centre, spread))
    found = _expand(own, centre, spread) @ weights
    as_read = _expand(_join(between.clamp(min=near), strokes), centre, spread) @ weights  # as `measure` finds them
    typical, far = float(found[:count].median()), float(found.maximum(as_read).quantile(INCLUDED))
    limit = typical + (SLACK + FEW / count) * max(far - typical, LEAST_LIMIT)
    return Familiarity(mean, space, known, near, centre, spread, weights, typical, limit)


def _take_evenly(letters: Letters, count: int) -> Letters:
    """Select up to `count` letters of each class at equal steps, so that they are of as many writers as possible."""
    places = [torch.nonzero(letters.labels == c).flatten() for c in range(letters.classes)]
    steps = [torch.arange(n := min(len(own), count)) * len(own) // max(1, n) for own in places]
    return letters.select(torch.cat([own[step] for own, step in zip(places, steps, strict=True)]))


def _soften(images: Tensor) -> Tensor:
    """Return letters [N, 900] as they look in a small picture that is enlarged, or in one that is out of focus."""
    squares = images.view(-1, SIDE, SIDE).float().numpy()
    small = [cv2.resize(square, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for square in squares]
    soft = [cv2.resize(cv2.GaussianBlur(image, (0, 0), SOFT), (SIDE, SIDE)) for image in small]
    large = torch.from_numpy(np.stack(soft)).flatten(1)
    return large / large.amax(1, keepdim=True).clamp(min=1e-6)


def _describe(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the directions [N, 512] and the strokes [N, 5] of images."""
    drawn, strokes = zip(*(measure_strokes(image) for image in images.float().numpy()), strict=True)
    return count_directions(torch.from_numpy(np.stack(drawn))), torch.from_numpy(np.stack(strokes))


def _find_space(directions: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean [512], and the map [512, k] to the space in which letters of one class are near each other."""
    mean = directions.mean(0)
    centred = (directions - mean).double()  # in float32, eigh does not converge for letters that are all alike
    vectors = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -max(1, min(VECTORS, len(labels) - 1)) :]
    places = centred @ vectors
    within = torch.zeros(places.shape[1], places.shape[1], dtype=torch.float64)
    for c in labels.unique():
        own = places[labels == c] - places[labels == c].mean(0)
        within += own.T @ own
    all_of_them = places.square().sum() / len(labels)
    within = within / len(labels)
    within += (0.02 * within.trace() + 0.01 * all_of_them).clamp(min=1e-6) / len(within) * torch.eye(len(within))
    values, turned = torch.linalg.eigh(within)
    return mean, (vectors @ (turned * values.rsqrt())).float()


def _set_apart(between: Tensor, names: Tensor) -> Tensor:
    """Return distances [N + S, N] with those of a letter from itself and from others of its writer infinite.

    Args:
        between: distances of the letters, and then of the soft ones, from the letters.
        names: [N] whose each letter is.
    """
    same = torch.cat([names, names[::SOFT_STEP]])[:, None] == names
    if same.sum(1).max() > len(names) - NEAREST:  # all letters are of one writer, or there are only a few
        return between
    return between.masked_fill(same, torch.inf)


def _join(distances: Tensor, strokes: Tensor) -> Tensor:
    """Return the measures [N, 6] from the distances of all known letters [N, M] and the strokes [N, 5]."""
    nearest = distances.topk(min(NEAREST, distances.shape[1]), largest=False).values.mean(1)
    thickness, length, uneven, crossed, corners = strokes.T
    sizes = nearest.clamp(min=1e-6), thickness + 0.1, length + 0.1, crossed + 1, corners + 1
    distance, *others = (size.log() for size in sizes)
    return torch.stack([distance, others[0], others[1], uneven, others[2], others[3]], 1)


def _expand(measures: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
    """Return the measures in standard deviations, their squares and products, and 1: [N, 28]."""
    z = ((measures - centre) / spread).clamp(-FARTHEST, FARTHEST)
    z[:, 0].clamp_(min=-NEAREST_OF_ALL)
    i, j = torch.triu_indices(z.shape[1], z.shape[1])
    return torch.cat([z, z[:, i] * z[:, j], torch.ones(len(z), 1)], 1)


def _fit_logistic(letters: Tensor, others: Tensor, rounds: int = 40) -> Tensor:
    """Return the weights [28] of a logistic regression with a quadratic penalty, by Newton's method."""
    rows = torch.cat([letters, others]).double()
    wanted = torch.cat([torch.zeros(len(letters)), torch.ones(len(others))]).double()
    shares = [torch.full((len(letters),), LETTERS_COUNT / len(letters)), torch.full((len(others),), 1 / len(others))]
    counts = 300 * torch.cat(shares).double()
    penalty = torch.eye(rows.shape[1]).double()
    penalty[-1, -1] = 1e-9
    weights = torch.zeros(rows.shape[1]).double()
    for _ in range(rounds):
        p = torch.sigmoid(rows @ weights)
        slope = rows.T @ (counts * (p - wanted)) + penalty @ weights
        curvature = (rows * (counts * p * (1 - p))[:, None]).T @ rows + penalty
        weights = weights - 0.7 * torch.linalg.solve(curvature, slope)
    return weights.float()
