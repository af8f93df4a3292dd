"""Labels of a file of pictures: characters, or whole numbers that are places in the alphabet.

Shapes: labels [N].
"""

from __future__ import annotations

import numpy as np

from letterocr.base.errors import UserError
from letterocr.config.data import ALPHABETS
from letterocr.data.letters import describe_alphabet, describe_missing


def parse_labels(labels: np.ndarray, classes: str, name: str) -> np.ndarray:
    """Return the places [N] of labels in the alphabet; -1 for a letter or digit that is not in it.

    Args:
        labels: characters, or whole numbers from 0.
        classes: the classes asked for, as in `data.classes`.
        name: name of the file in messages.

    Raises:
        UserError: a label is neither a letter nor a digit, a number has no place, or no label is of these classes.

    Example:
        >>> parse_labels(np.array(["C", "a", "3"]), "letters", "own.npz").tolist()
        [2, 0, -1]
    """
    alphabet = ALPHABETS[classes]
    wanted = f"with data.classes={classes} a label is one of {describe_alphabet(alphabet)}"
    wanted += f" or a number 0..{len(alphabet) - 1}"
    if labels.dtype.kind in "US":
        texts = [t.decode("latin-1") if isinstance(t, bytes) else str(t) for t in labels]
        wrong = [t for t in texts if len(t) != 1 or not t.isascii() or t.upper() not in ALPHABETS["all"]]
        if wrong:
            raise UserError(f"{name}: labels holds {wrong[0]!r}; {wanted}.")
        places = np.array([alphabet.find(t.upper()) for t in texts], dtype=np.int64)
        if (places < 0).all():
            raise UserError(f"{name} has no {describe_missing(alphabet)}: take another data.classes.")
        return places
    if labels.dtype.kind not in "ui":
        raise UserError(f"{name}: labels is of type {labels.dtype}; {wanted}.")
    wrong_number = labels[(labels < 0) | (labels >= len(alphabet))]
    if len(wrong_number):
        raise UserError(f"{name}: labels holds {wrong_number[0]}; {wanted}.")
    return labels.astype(np.int64)
