"""Paths of the user: `~`, and the folder for what can be made again. A container may give its user no home folder."""

from __future__ import annotations

import os
from pathlib import Path

from letterocr.base.errors import UserError


def expand_path(text: str | Path) -> Path:
    """Return a path, with `~` at its start replaced by the home folder.

    Raises:
        UserError: there is no such home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        home = str(text).partition("/")[0]
        why = "HOME is not set, and the user has no home folder" if home == "~" else "there is no such user"
        raise UserError(f"{text}: {home} can't be replaced by a home folder ({why}): write the whole path.") from error


def find_cache_folder(name: str = "letterocr") -> Path | None:
    """Return the folder for what can be made again, by the XDG rules; None where the user has no home folder.

    Args:
        name: name of the program.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / name
    except RuntimeError:
        return None


def show_whole(path: str | Path) -> str:
    """Return a path as it was given; if it is relative, with the whole path behind it.

    Example:
        >>> show_whole("/data/letters.npz")
        '/data/letters.npz'
    """
    given = expand_path(path)
    return str(path) if given.is_absolute() else f"{path} ({given.absolute()})"
