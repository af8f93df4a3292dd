"""Every equation and figure of the paper has a function whose docstring cites it."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
from latex2mathml.converter import convert
from scripts_of import load_script

import letterocr

PACKAGE = Path(letterocr.__file__).parent
EQUATIONS = {*map(str, range(1, 32)), "9b"}  # (9) has two lines, and a claim of its own for the second
FIGURES = {f"Fig. {number}" for number in (1, 3, 4, 5, 6, 7, 8)}  # nothing in the package corresponds to Fig. 2


@pytest.fixture(scope="module")
def table() -> ModuleType:
    return load_script("docs/equation_table")


def test_each_equation_and_figure_has_one_row(table: ModuleType) -> None:
    keys = [key for row, _, _ in table.ROWS for key in table.expand_keys(row)]
    assert len(keys) == len(set(keys))
    assert set(keys) == EQUATIONS | FIGURES


def test_each_row_has_functions_that_exist(table: ModuleType) -> None:
    citations = table.find_citations(PACKAGE)
    for row, latex, _ in table.ROWS:
        names = table.list_functions(row, citations)
        assert names, row
        assert not latex or convert(latex).startswith("<math")
    for cited in citations:
        module, *rest = _split(cited.name)
        found = importlib.import_module(module)
        for part in rest:
            found = getattr(found, part)
        assert found.__doc__


def test_no_docstring_cites_an_equation_that_the_paper_lacks(table: ModuleType) -> None:
    for cited in table.find_citations(PACKAGE):
        assert cited.keys <= EQUATIONS | FIGURES, cited


@pytest.mark.parametrize(
    ("summary", "keys"),
    [
        ("The left inverse (8).", "8"),
        ("Error vectors (Kantack 2020, 17-19).", "17 18 19"),
        ("Judge (9b) and (12).", "9b 12"),
        ("Z = A C^T / p (30, mended), in the language of Fig. 4.", "30 Fig.4"),
        ("Normal equations (29-31; Fig. 4, 5).", "29 30 31 Fig.4 Fig.5"),
        ("Costs 4 n^2 (2) and W_q (1 - V 1).", "2"),
        ("The loss (1/N) sum.", ""),
    ],
)
def test_citations_are_read(table: ModuleType, tmp_path: Path, summary: str, keys: str) -> None:
    package = tmp_path / "letterocr"
    (package / "matrix").mkdir(parents=True)
    (package / "matrix" / "some.py").write_text(f'def f():\n    """{summary}"""\n')
    found = {key.replace(" ", "") for cited in table.find_citations(package) for key in cited.keys}
    assert found == set(keys.split())


@pytest.mark.parametrize("name", ["docs/equation_table", "docs/docstrings"])
def test_the_examples_of_the_scripts(name: str) -> None:
    result = doctest.testmod(load_script(name))
    assert result.attempted > 0
    assert result.failed == 0


def _split(name: str) -> list[str]:
    """Divide a full name into its module, which is the longest that is a file, and the names in it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = PACKAGE.parent.joinpath(*parts[:end])
        if path.with_suffix(".py").is_file():
            return [".".join(parts[:end]), *parts[end:]]
    raise AssertionError(name)


def test_the_page_has_the_face_of_the_matrix_view(table: ModuleType) -> None:
    written = set(re.findall(r"^\| \[`(\w+)`\]", table.write_face(PACKAGE), re.M))
    assert written >= set(letterocr.matrix.__all__) - {"backprop"}
