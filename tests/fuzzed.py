"""Hostile files: how a whole file is damaged, and what a reader may do with the result.

A reader may give what it always gives, or refuse with one sentence. It may neither raise anything else nor take more
than `MOST_MEMORY`. `make fuzz` tries `LETTEROCR_FUZZ` damages of each file; without it a few are tried, always the
same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from letterocr.base.errors import UserError

MOST_MEMORY = 600_000_000  # bytes that one input may take, beyond what the process had
INPUTS = int(os.environ.get("LETTEROCR_FUZZ", "0"))
TOKENS = [  # what the formats give a meaning
    *(b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"9" * 40, b"[" * 200, b"{}", b'""', b"\\u0000", b"\xff\xfe"),
    *(b"*a", b"&a ", b"!!python/object/apply:os.system [x]", b"${oc.env:HOME}", b"${x}", b"<<: ", b"../../x", b"\n"),
    *(b"\0" * 8, b"\xff" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80", b"PK\x05\x06", b"|O", b"(-1,)"),
]


def tries(few: int, many: float = 1) -> settings:
    """How many damages of one file are tried: `few`, or with `make fuzz` the share `many` of what it asks for."""
    count, always_same = (max(few, round(INPUTS * many)), False) if INPUTS else (few, True)
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=always_same,
        database=None,
        suppress_health_check=quiet,
        phases=[Phase.generate],  # what was found is shown as it is: to shrink it takes long where a file is written
    )


@dataclass(frozen=True)
class Refused:
    """What a reader said of a file."""

    text: str


Damage = tuple[str, float, float, bytes]


def damages(most: int = 3) -> st.SearchStrategy[list[Damage]]:
    """Some damages: what is done, from where to where as shares of the file, and what is put there."""
    share = st.floats(0, 1, exclude_max=True)
    kinds = st.sampled_from(["flip", "flip", "put", "insert", "remove", "repeat", "cut"])
    return st.lists(
        st.tuples(kinds, share, share, st.sampled_from(TOKENS) | st.binary(max_size=6)), min_size=1, max_size=most
    )


def flips() -> st.SearchStrategy[list[Damage]]:
    """One bit."""
    share = st.floats(0, 1, exclude_max=True)
    return st.lists(st.tuples(st.just("flip"), share, share, st.just(b"")), min_size=1, max_size=1)


def damage(data: bytes, done: list[Damage]) -> bytes:
    """Return the file as it is after the damages."""
    for kind, start, length, given in done:
        at = int(start * len(data))
        end = min(len(data), at + 1 + int(length * min(64, len(data))))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ (1 << int(8 * length))]) + data[at + 1 :]
        elif kind == "put":
            data = data[:at] + given + data[at + len(given) :]
        elif kind == "insert":
            data = data[:at] + given + data[at:]
        elif kind == "remove":
            data = data[:at] + data[end:]
        elif kind == "repeat":
            data = data[:end] + data[at:end] + data[end:]
        elif kind == "cut":
            data = data[:at]
    return data


def attempt(read: Callable[[], object], name: str) -> object:
    """Read a file; return what was read, or what was said of it, after a check that it is a sentence with the name."""
    before = _reset_peak()
    found: object
    try:
        found = read()
    except UserError as error:
        text = str(error)
        assert "\n" not in text, text
        assert name in text, text
        assert text.endswith((".", "?")), text
        found = Refused(text)
    taken = _read_memory("VmHWM") - before
    assert taken < MOST_MEMORY, f"{taken / 1e6:.0f} MB"
    return found


def _reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return _read_memory("VmRSS")


def _read_memory(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0
