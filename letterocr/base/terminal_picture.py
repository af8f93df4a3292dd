"""Pictures in the terminal, by the kitty graphics protocol or the inline images protocol of iTerm2.

The terminal is known by environment variables; it is not asked, so that nothing waits for its answer. No variable tells
whether a terminal shows sixel graphics.

Sources: https://sw.kovidgoyal.net/kitty/graphics-protocol/ and https://iterm2.com/documentation-images.html.
"""

from __future__ import annotations

import os
import shutil
import sys
from base64 import standard_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

CHUNK = 4096  # characters in one escape code of kitty's protocol
WIDEST = 100  # columns of text
Encoder = Callable[[bytes, int], str]


def show_in_terminal(path: Path) -> bool:
    """Show a PNG file if the output is a terminal that is known to show pictures; return whether it was shown."""
    encode = find_encoder(os.environ)
    if encode is None or not sys.stdout.isatty():
        return False
    print(encode(path.read_bytes(), min(WIDEST, shutil.get_terminal_size().columns)), flush=True)
    return True


def find_encoder(environment: Mapping[str, str]) -> Encoder | None:
    """Return what encodes pictures for the terminal; None if it may not show them, as within tmux and screen."""
    if environment.get("TMUX") or environment.get("STY"):
        return None
    if environment.get("TERM") in ("xterm-kitty", "xterm-ghostty") or environment.get("KITTY_WINDOW_ID"):
        return encode_for_kitty
    if environment.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "mintty"):
        return encode_for_iterm
    return encode_for_iterm if environment.get("LC_TERMINAL") == "iTerm2" else None  # this one passes through ssh


def encode_for_kitty(png: bytes, columns: int) -> str:
    """Return the escape codes that show a PNG picture (f=100) at once (a=T), without an answer (q=2)."""
    text = standard_b64encode(png).decode()
    parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    keys = [f"a=T,f=100,q=2,c={columns},", *[""] * (len(parts) - 1)]
    more = [1] * (len(parts) - 1) + [0]
    return "".join(f"\033_G{key}m={m};{part}\033\\" for key, m, part in zip(keys, more, parts, strict=True))


def encode_for_iterm(png: bytes, columns: int) -> str:
    """Return the escape code that shows a PNG picture."""
    return f"\033]1337;File=inline=1;size={len(png)};width={columns}:{standard_b64encode(png).decode()}\a"
