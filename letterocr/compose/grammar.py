"""Hydra's grammar of values, as far as it is needed to write texts in it and to split the values of a sweep."""

from __future__ import annotations

import re

PLAIN = re.compile(r"(?!(?:true|false|inf|nan)$)(?:[a-z_]|\.{0,2}/)[\w./-]*|\.{1,2}", re.ASCII | re.IGNORECASE)
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
FUNCTION = re.compile(r"(?:choice|glob|range|shuffle|sort|str|tag)\(.*\)")
INTERPOLATION = "${"  # a reference to another field, or a resolver, as in ${seed} and ${oc.env:HOME}
OPEN, CLOSE = "([{", ")]}"


def quote(text: str) -> str:
    r"""Return a text in single quotes, which Hydra reads as that text.

    Example:
        >>> print(quote("Anna's.npz"))
        'Anna\'s.npz'
    """
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)  # backslashes count only before a quote
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped)
    return f"'{escaped}'"


def write_text(text: str) -> str:
    """Return a text as it is if that is safe in Hydra's grammar, else in quotes.

    Example:
        >>> write_text("my/letters.npz"), write_text("letters (1).npz"), write_text("007")
        ('my/letters.npz', "'letters (1).npz'", "'007'")
    """
    return text if PLAIN.fullmatch(text) else quote(text)


def read_text(written: str) -> str:
    """Return the text that Hydra reads from what `quote` wrote; any other text as it is."""
    if not QUOTED.fullmatch(written):
        return written
    inside = re.sub(rf"(\\*)\\{written[0]}", lambda found: found[1][: len(found[1]) // 2] + written[0], written[1:-1])
    return re.sub(r"(\\+)$", lambda found: found[1][: len(found[1]) // 2], inside)


def is_written(text: str) -> bool:
    """Return whether a text is already written for Hydra: in quotes, a function, an interpolation, or null."""
    return bool(QUOTED.fullmatch(text) or FUNCTION.fullmatch(text)) or INTERPOLATION in text or text in ("", "null")


def split_values(text: str) -> list[str]:
    """Split the values of a sweep at the commas that stand in no quotes and no brackets.

    Example:
        >>> split_values("1,[2,3],'a,b',choice(4,5)")
        ['1', '[2,3]', "'a,b'", 'choice(4,5)']
    """
    parts, depth, closing, begun = [""], 0, "", False
    for place, letter in enumerate(text):
        if closing:
            closing = "" if letter == closing and text[place - 1] != "\\" else closing
        elif letter in "'\"" and not begun:  # a quote opens only at the start of a value: Anna's.npz
            closing = letter
        elif letter == "," and not depth:
            parts.append("")
            begun = False
            continue
        depth += 0 if closing else (letter in OPEN) - (letter in CLOSE)
        begun = letter not in " ,[({:"
        parts[-1] += letter
    return parts
