"""Suggestions for mistyped words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: object, known: Iterable[str], otherwise: str) -> str:
    """Return a question that names the most similar known word, or `otherwise` if no word is similar.

    Args:
        word: what was typed.
        known: the words that are allowed.
        otherwise: the text to return if no word is similar.

    Example:
        >>> suggest("vanila", ["kfac", "vanilla"], "see --help")
        'did you mean vanilla?'
    """
    near = difflib.get_close_matches(str(word), list(known), 1)
    return f"did you mean {near[0]}?" if near else otherwise
