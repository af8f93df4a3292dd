"""Picture files: which there are in a folder, and the grey levels of each."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.home import show_whole
from letterocr.base.untrusted import open_plain
from letterocr.data.grey import make_grey

MOST_PIXELS = 50_000_000  # a larger picture is refused before it is decoded
HEIC = {".heic", ".heif"}  # files of many telephones; Pillow reads them with pillow-heif
SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".pgm", ".ppm", *HEIC}
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM", "HEIF")  # by content, not by name
INSTALL_HEIC = "pip install 'letterocr[heic]'"


def read(path: Path) -> np.ndarray:
    """Read a picture file as grey levels [H, W], 0 black and 1 white.

    The picture is turned upright as its metadata say, and transparent parts become white.

    Raises:
        UserError: the file does not exist, is not a picture, is damaged, or is larger than 50 megapixels.
    """
    from PIL import Image, ImageOps

    if path.is_dir():
        raise UserError(f"{path} is a folder; give a picture file.")
    if path.suffix.lower() in HEIC:
        _open_heic(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on metadata and on the size, which is checked below with a lower bound
            with open_plain(path) as file, Image.open(file, formats=_list_formats()) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Image.DecompressionBombError(f"{picture.width} x {picture.height} pixels")
                return make_grey(ImageOps.exif_transpose(picture))
    except FileNotFoundError as error:
        raise UserError(f"{show_whole(path)}: there is no such file; check the path.") from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{path} is too large ({describe_error(error)}): make it smaller than 50 megapixels."
        ) from error
    except Exception as error:  # Pillow's decoders raise errors of every kind at a damaged file
        raise UserError(
            f"{path} can't be read as a picture ({describe_error(error)}): save it again as PNG."
        ) from error


def _list_formats() -> list[str]:
    """Return those of `FORMATS` that Pillow can read here."""
    from PIL import Image

    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _open_heic(path: Path) -> None:
    """Let Pillow read HEIC files.

    Raises:
        UserError: pillow-heif is not installed.
    """
    if not has_heic():
        raise UserError(f"{path} is a HEIC picture: install what reads it with {INSTALL_HEIC}, or save it as PNG.")
    from pillow_heif import register_heif_opener

    register_heif_opener()


def has_heic() -> bool:
    """Return whether HEIC files can be read."""
    return find_spec("pillow_heif") is not None


def list_pictures(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Sort files into pictures that can be read, in order of their names, and files that are left out.

    Hidden files and folders are in neither, but a folder that is named like a picture is among the pictures.
    """
    known = SUFFIXES if has_heic() else SUFFIXES - HEIC
    pictures, others = [], []
    for file in sorted(files):
        if file.name.startswith("."):
            continue
        if file.suffix.lower() in known:
            pictures.append(file)
        elif not file.is_dir():
            others.append(file)
    return pictures, others


def describe_left_out(others: list[Path], folder: Path) -> str:
    """Return a sentence that counts and names the files that were left out; empty if there are none."""
    if not others:
        return ""
    counts = Counter(file.suffix.lower() or "without an ending" for file in others)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    named = ", ".join(str(file.relative_to(folder)) for file in others[:3]) + (", ..." if len(others) > 3 else "")
    mend = f" To read HEIC: {INSTALL_HEIC}." if not has_heic() and any(kind in HEIC for kind in counts) else ""
    what = "file is no picture that can be read" if len(others) == 1 else "files are no pictures that can be read"
    return f"{folder}: {len(others)} {what}; left out: {kinds} ({named}).{mend}"


def describe_error(error: Exception) -> str:
    """Return the message of another library's error as one line, without the open file that it may name."""
    text = re.sub(r" <_io\.[^>]*>", "", str(error))
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".")
