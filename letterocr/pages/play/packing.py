"""Arrays in a page: raw bytes, compressed by deflate and written as base64, with their type and shape.

A browser unpacks them by `unpack.js`. Weights become 16-bit floats with one power of two for each matrix, so that
neither large nor small ones leave the range of these numbers.
"""

from __future__ import annotations

import base64
import math
import zlib
from typing import Any

import numpy as np
from torch import Tensor

Packed = dict[str, Any]


def pack_array(array: np.ndarray, dtype: str) -> Packed:
    """Return an array as JSON: its type, its shape and its bytes.

    Args:
        array: numbers of any shape.
        dtype: type of the numbers in the page: `float16`, `float32` or `uint8`.
    """
    raw = np.ascontiguousarray(array.astype(f"<{np.dtype(dtype).str[1:]}")).tobytes()
    data = base64.b64encode(zlib.compress(raw, 9)).decode()
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def pack_weights(weight: Tensor) -> Packed:
    """Return a weight matrix [out, in] as 16-bit floats; times `scale` they are the weights."""
    values = weight.detach().double().cpu().numpy()
    largest = float(np.abs(values).max(initial=0))
    scale = 2.0 ** (math.frexp(largest)[1] - 15) if largest else 1.0
    return pack_array(values / scale, "float16") | {"scale": scale}


def pack_images(images: Tensor) -> Packed:
    """Return images [N, 900] in 0..1 as 8-bit levels, which the page divides by 255."""
    return pack_array((images.double() * 255).round().cpu().numpy(), "uint8")
