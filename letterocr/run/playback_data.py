"""Playback of a run as data of the play page: what its view Playback shows at each snapshot."""

from __future__ import annotations

import numpy as np

from letterocr.figures.learned_weights import find_scale
from letterocr.pages.play.packing import Packed, pack_array
from letterocr.run.playback import Playback

LEVELS = 127  # of 8-bit integers; a vector is only shown as a picture


def pack_playback(playback: Playback, replicas: int, same_letters: bool) -> Packed:
    """Return the snapshots as JSON: about 5 KB for each one.

    Args:
        playback: K snapshots of a chain of matrices, the first of which sees the pixels.
        replicas: networks of the run.
        same_letters: whether the page has the test letters of the run; if not, its worst letters can't be shown.
    """
    first, last = playback.layers[0], playback.layers[-1]
    worst = {"letters": playback.worst.tolist(), "read": playback.outputs.argmax(2).tolist()}
    return {
        "samples": playback.samples.tolist(),
        "networks": (playback.networks + 1).tolist() if replicas > 1 else None,
        "confusion": pack_array(playback.confusion, "uint16"),
        "worst": worst if same_letters else None,
        "values": [pack_array(layer.values, "float32") for layer in playback.layers],
        "right": _pack_vectors(first.right),
        "left": _pack_vectors(last.left),
    }


def _pack_vectors(vectors: np.ndarray) -> Packed:
    """Return unit vectors [K, k, n] in 8 bits; 127 stands for the number with the full colour."""
    scales = np.array([[find_scale(vector) for vector in row] for row in vectors])[:, :, None]
    return pack_array(np.rint(LEVELS * np.clip(vectors / scales, -1, 1)), "int8")
