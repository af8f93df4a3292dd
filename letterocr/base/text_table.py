"""Tables for a terminal: one line for each row; the last column, a path or a name to copy, is never cut."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence

LEAST = 12  # characters that a column keeps at least when it is cut
NUMBER = re.compile(r"[-–\d]")


def find_width() -> int:
    """Return the columns of the terminal; 160 if standard output is no terminal, so that a file has more."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def lay_out_table(rows: Sequence[Sequence[str]], head: Sequence[str], width: int, cut: int) -> list[str]:
    """Return the lines of a table: its head, then one line for each row.

    If a row is too long, its column number `cut` is cut and ends with an ellipsis. The last column is always whole, so
    that a line may be longer than the width.

    Args:
        rows: the cells of each row.
        head: titles of the columns.
        width: columns of the terminal.
        cut: index of the column that is cut.

    Example:
        >>> lay_out_table([["7.5 %", "three layers", "a"]], ["error", "run", "folder"], 80, cut=1)
        ['error  run           folder', '7.5 %  three layers  a']
    """
    table = [list(head), *(list(row) for row in rows)]
    sizes = [max(len(row[i]) for row in table) for i in range(len(head))]
    over = sum(sizes) + 2 * (len(sizes) - 1) - width
    if over > 0:
        sizes[cut] = max(sizes[cut] - over, min(LEAST, sizes[cut]))
    right = [all(NUMBER.match(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in table:
        cells = [
            _fit(text, size) if i < len(row) - 1 else text
            for i, (text, size) in enumerate(zip(row, sizes, strict=True))
        ]
        lines.append(
            "  ".join(c.rjust(n) if r else c.ljust(n) for c, n, r in zip(cells, sizes, right, strict=True)).rstrip()
        )
    return lines


def _fit(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"
