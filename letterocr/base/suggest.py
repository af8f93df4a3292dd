"""What a mistyped word may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: object, known: Iterable[str], otherwise: str) -> str:
    """A question that names the nearest known word, or `otherwise` where no word is near."""
    near = difflib.get_close_matches(str(word), list(known), 1)
    return f"did you mean {near[0]}?" if near else otherwise
