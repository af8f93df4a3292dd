"""Suggestions for mistyped words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

DIGITS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}


def suggest(word: object, known: Iterable[str], otherwise: str) -> str:
    """Return a question that names the most similar known word, or `otherwise` if no word is similar.

    Capitals, dashes and digits for number words do not count; a word that begins a known one is similar to it.

    Args:
        word: what was typed.
        known: the words that are allowed.
        otherwise: the text to return if no word is similar.

    Example:
        >>> suggest("vanila", ["kfac", "vanilla"], "see --help"), suggest("3-layer", ["two_layer", "three_layer"], "")
        ('did you mean vanilla?', 'did you mean three_layer?')
    """
    typed = str(word).lower().replace("-", "_")
    plain = {name.lower().replace("-", "_"): name for name in known}
    spelled = "".join(DIGITS.get(letter, letter) for letter in typed)
    for form in (spelled, typed) if typed else ():
        begun = [name for name in plain if name.startswith(form)]
        if len(begun) == 1:
            return f"did you mean {plain[begun[0]]}?"
    near = difflib.get_close_matches(spelled, plain, 1) or difflib.get_close_matches(typed, plain, 1)
    return f"did you mean {plain[near[0]]}?" if near else otherwise
