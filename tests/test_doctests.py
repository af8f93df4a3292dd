"""The examples of the docstrings do what they show."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import letterocr

PACKAGE = Path(letterocr.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NAMES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert result.attempted > 0
    assert result.failed == 0
    assert not list(tmp_path.iterdir())


def test_the_public_face_has_examples() -> None:
    assert {"letterocr.api.fitting", "letterocr.api.trained_run", "letterocr.compose.keywords"} <= set(NAMES)


def test_the_first_example_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = PACKAGE.parent / "README.md"
    if not readme.is_file():
        pytest.skip("needs the checkout, as the wheel has no README.md")
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(readme), module_relative=False, optionflags=FLAGS)
    assert result.attempted >= 9
    assert result.failed == 0
