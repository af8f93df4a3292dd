"""Arrays in a page: raw bytes, compressed by deflate and written as base64, with their type and shape.

A browser unpacks them by `unpack.js`. Weights take 16 bits each, with one scale for each row of a matrix.
Half-precision floats take as much, but spend five bits on an exponent that the weights of one row do not need: the
outputs of a trained network then differ by 2e-4, and with the scales by less than 1e-4.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from torch import Tensor

Packed = dict[str, Any]
LARGEST = 32767  # of 16-bit integers


def pack_array(array: np.ndarray, dtype: str) -> Packed:
    """Return an array as JSON: its type, its shape and its bytes.

    Args:
        array: numbers of any shape.
        dtype: type of the numbers in the page: `float32`, or integers: `int8`, `uint8`, `int16`, `uint16`.
    """
    raw = np.ascontiguousarray(array.astype(f"<{np.dtype(dtype).str[1:]}")).tobytes()
    data = base64.b64encode(zlib.compress(raw, 9)).decode()
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def pack_weights(weight: Tensor) -> Packed:
    """Return a weight matrix [out, in] as 16-bit integers, with the weight that 1 stands for in each row."""
    values = weight.detach().double().cpu().numpy()
    scales = np.abs(values).max(1, initial=0).astype(np.float32) / LARGEST
    scales[scales == 0] = 1
    return pack_array(np.round(values / scales[:, None]), "int16") | {"scales": pack_array(scales, "float32")}


def pack_images(images: Tensor) -> Packed:
    """Return images [N, 900] in 0..1 as 8-bit levels, which the page divides by 255."""
    return pack_array((images.double() * 255).round().cpu().numpy(), "uint8")
