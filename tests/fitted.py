"""A run of the tiny alphabet by `letterocr.fit`, and how two of them are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tiny import letters

import letterocr

TINY: dict[str, Any] = {
    "model": "three_layer",
    "model__hidden": [40],
    "threads": 1,
    "samples": 300,
    "data": "images",
    "data__path": letters(),
    "data__test_per_letter": 1,
}


def assert_same_curves(run: letterocr.Run, other: letterocr.Run) -> None:
    np.testing.assert_array_equal(run.curve.loss, other.curve.loss)
    np.testing.assert_array_equal(run.curve.test_error, other.curve.test_error)
    for weight, other_weight in zip(run.network.weights, other.network.weights, strict=True):
        assert torch.equal(weight, other_weight)
