"""Playback of a run: `snapshots.npz` in the run folder, written with `snapshots=log`; the only module that knows it.

The file holds one array for each name, whose first axis is the snapshot (K of them, in the order of training):

sample        [K] int64, samples learned
network       [K] int64, index of the network that was looked at, from 0
confusion     [K, C, C] uint16, test letters of each class (row) that are read as each class (column)
worst         [K, n] int32, the test letters with the largest loss, the largest first, as indices of the test letters
outputs       [K, n, C] float32, the outputs for them
left_1        [K, k, out] float16, left singular vectors of W - W0 of the first weight matrix, the leading one first
values_1      [K, k] float64, its singular values
right_1       [K, k, in] float16, its right singular vectors; and so on for each further matrix, left_2, ...

W - W0 is close to the sum over j of values[j] left[j] right[j]^T.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.files import replace_file
from letterocr.base.npz import read_arrays

FILE = "snapshots.npz"
Row = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Change:
    """The leading singular triplets of W - W0 of one weight matrix; a vector keeps its sign from snapshot to snapshot.

    Attributes:
        left: [K, k, out] float32, unit vectors.
        values: [K, k] float64, decreasing.
        right: [K, k, in] float32, unit vectors.
    """

    left: np.ndarray
    values: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class Playback:
    """All snapshots of a run, K of them.

    Attributes:
        samples: [K] samples learned, increasing.
        networks: [K] index of the network that was looked at: the first that had not diverged.
        confusion: [K, C, C] test letters of each class (row) that are read as each class (column).
        worst: [K, n] the test letters with the largest loss, as indices.
        outputs: [K, n, C] the outputs for them.
        layers: what each weight matrix learned, the first one first.
    """

    samples: np.ndarray
    networks: np.ndarray
    confusion: np.ndarray
    worst: np.ndarray
    outputs: np.ndarray
    layers: list[Change]

    @functools.cached_property
    def test_error(self) -> np.ndarray:
        """Fraction of the test letters that are misread [K]."""
        right = np.trace(self.confusion, axis1=1, axis2=2)
        return np.asarray(1 - right / np.maximum(self.confusion.sum((1, 2)), 1))


def make_row(
    sample: int,
    network: int,
    confusion: np.ndarray,
    worst: np.ndarray,
    outputs: np.ndarray,
    triplets: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Return one snapshot by the names of the file.

    Args:
        sample: samples learned.
        network: index of the network that was looked at.
        confusion: [C, C] test letters of each class (row) that are read as each class (column).
        worst: [n] the test letters with the largest loss.
        outputs: [n, C] the outputs for them.
        triplets: left vectors [k, out], values [k] and right vectors [k, in] of each weight matrix.
    """
    row = {"sample": np.int64(sample), "network": np.int64(network), "confusion": confusion.astype(np.uint16)}
    row |= {"worst": worst.astype(np.int32), "outputs": outputs.astype(np.float32)}
    for place, (left, values, right) in enumerate(triplets, 1):
        row |= {f"left_{place}": left.astype(np.float16), f"right_{place}": right.astype(np.float16)}
        row[f"values_{place}"] = values.astype(np.float64)
    return {name: np.asarray(value) for name, value in row.items()}


def save_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Write the snapshots of a run, at least one."""
    with replace_file(folder / FILE) as temporary, temporary.open("wb") as file:
        arrays: dict[str, Any] = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        np.savez(file, **arrays)


def load_rows(folder: Path) -> list[dict[str, np.ndarray]]:
    """Read the snapshots of a run, one by one; empty if there are none.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        arrays = read_arrays(path)
        _check_shapes(arrays)
    except Exception as error:  # zipfile and NumPy raise errors of every kind at a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} can't be read ({reason}): the training can't be played back.") from error
    return [{name: array[i] for name, array in arrays.items()} for i in range(len(arrays["sample"]))]


def _check_shapes(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if the arrays are not those that the module says, at least one snapshot of them."""
    layers = sum(name.startswith("values_") for name in arrays)
    sides = {f"{part}_{k}": f"k{k} {part}{k}" for k in range(1, layers + 1) for part in ("left", "right")}
    sides |= {f"values_{k}": f"k{k}" for k in range(1, layers + 1)}
    sides |= {"sample": "", "network": "", "confusion": "C C", "worst": "n", "outputs": "n C"}
    if not layers or set(arrays) != set(sides):
        raise ValueError("arrays are missing")
    known: dict[str, int] = {}
    for name, letters in sides.items():
        axes = ["K", *letters.split()]
        shape = arrays[name].shape
        if len(shape) != len(axes) or any(
            known.setdefault(axis, size) != size for axis, size in zip(axes, shape, strict=True)
        ):
            raise ValueError(f"{name} has the shape {shape}")
        whole = name in ("sample", "network", "confusion", "worst")
        if arrays[name].dtype.kind not in ("iu" if whole else "f") or (whole and arrays[name].min(initial=0) < 0):
            raise ValueError(f"{name} holds other values")
    if not all(known.values()):
        raise ValueError("the arrays are empty")


def read_playback(folder: Path) -> Playback | None:
    """Read the snapshots of a run folder; None if the run was trained without `snapshots=log`.

    Raises:
        UserError: the file is damaged.
    """
    rows = load_rows(folder)
    if not rows:
        return None
    table = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    layers: list[Change] = []
    while f"values_{len(layers) + 1}" in table:
        left, values, right = (table[f"{part}_{len(layers) + 1}"] for part in ("left", "values", "right"))
        layers.append(_align(left.astype(np.float32), values, right.astype(np.float32)))
    return Playback(table["sample"], table["network"], table["confusion"], table["worst"], table["outputs"], layers)


def _align(left: np.ndarray, values: np.ndarray, right: np.ndarray) -> Change:
    """Choose the sign of each triplet such that its right vector is not turned against that of the snapshot before."""
    turned = np.einsum("ski,ski->sk", right[1:], right[:-1]) < 0
    sign = np.cumprod(np.where(turned, -1, 1), axis=0).astype(np.float32)
    sign = np.concatenate([np.ones((1, values.shape[1]), np.float32), sign])[:, :, None]
    return Change(sign * left, values, sign * right)
