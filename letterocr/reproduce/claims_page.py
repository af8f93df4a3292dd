"""Page of the findings: one folder with `index.html` and its PNG figures, readable without network and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from letterocr.base.files import write_json, write_text
from letterocr.figures.png import save_png
from letterocr.pages.maths import make_equation
from letterocr.pages.template import Html, make_element, make_heading, make_page, make_picture, make_table
from letterocr.reproduce.equations import EQUATIONS, typeset
from letterocr.reproduce.finding import FAILS, HOLDS, NOT_MEASURED, Finding, Table

SYMBOLS = {
    "a": "a letter: a 30x30 image as 900 numbers, ink 1 and paper 0",
    "A": "the alphabet matrix: each column is the mean of one letter (7); 900 rows, p columns",
    "p": "the number of letters of the alphabet: 26, or 36 with the digits",
    "W": "a weight matrix; with one matrix the outputs are q = W a (2), with a bias b added in (12)",
    "W_h, W_q": "the weights of the hidden and of the output layer, with the biases b_h and b_q (16)",
    "s, T": "the activation function s and its temperature T (15); at T = 150 it is nearly linear at the start",
    "C": "the right outputs: the unit vector of each letter (3); here the identity matrix",
    "R, Z": "R = A A^T / p (29) and Z = A C^T / p (31), whose equation R W^T = Z the best W solves",
}
TYPESET = {"a": "a", "A": "A", "p": "p", "W": "W", "W_h, W_q": "W_h, W_q", "s, T": "s, T", "C": "C", "R, Z": "R, Z"}


def write_figures(folder: Path, finding: Finding) -> None:
    """Write each figure of the finding as a PNG in the folder."""
    for name, figure in finding.figures.items():
        save_png(figure, folder / f"{name}.png")


def write_page(
    folder: Path, titles: Mapping[str, str], findings: Mapping[str, Finding], about: Mapping[str, str]
) -> Path:
    """Write `index.html` and `findings.json`; the figures have been written before.

    Args:
        folder: folder of the page.
        titles: title of each claim.
        findings: the findings, in the order of the page.
        about: facts about letters, versions and the like, by name.

    Returns:
        The path of the page.
    """
    facts = {name: asdict(replace(f, figures={})) | {"figures": list(f.figures)} for name, f in findings.items()}
    write_json(folder / "findings.json", {"about": dict(about), "findings": facts})
    verdicts = [(make_element("a", titles[name], href=f"#{name}"), _format_verdict(f)) for name, f in findings.items()]
    parts = [
        *_make_introduction(),
        make_table(about.items()),
        make_heading("Verdicts"),
        make_table(verdicts, ["claim", "verdict"]),
    ]
    for name, finding in findings.items():
        parts += _list_parts(name, titles[name], finding)
    write_text(folder / "index.html", make_page("The paper, measured", parts))
    return folder / "index.html"


def _make_introduction() -> list[Html]:
    """Return what the reader must know: the paper, the question, the symbols, and what a verdict says."""
    paper = make_element(
        "p",
        "N. Kantack, ",
        make_element(
            "cite",
            "Linear Algebra for Deep Learning: Matrix Factorization and a Matrix Perspective on Gradient Descent",
        ),
        ", term paper, 2020, describes networks that read handwritten capital letters as products of matrices. "
        "This page measures each of its claims on the letters named below. Numbers in parentheses are its equations.",
    )
    verdicts = make_element(
        "p",
        "A claim ",
        _colour(HOLDS),
        ", ",
        _colour(FAILS),
        ", or ",
        _colour("holds only if"),
        " a condition is met that the paper does not state. A claim that needs digits ",
        _colour(NOT_MEASURED),
        " if the letters come without digits.",
    )
    symbols = [(make_equation(TYPESET[name]), typeset(text)) for name, text in SYMBOLS.items()]
    return [paper, verdicts, make_table(symbols, ["symbol", "meaning"])]


def _colour(verdict: str, text: object = None) -> Html:
    kind = "good" if verdict == HOLDS else "bad" if verdict.startswith(FAILS) else "middling"
    return make_element("span", verdict if text is None else text, class_=f"verdict {kind}")


def _format_verdict(finding: Finding) -> Html:
    return _colour(finding.verdict, typeset(finding.verdict))


def _list_parts(name: str, title: str, finding: Finding) -> list[Html]:
    """Return the section of one claim."""
    equation = [make_equation(EQUATIONS[name], block=True)] if name in EQUATIONS else []
    seen = finding.seen or "figure of the measurements"
    numbers = [
        (typeset(key), value if str(value)[:1].isdigit() else typeset(value)) for key, value in finding.numbers.items()
    ]
    return [
        make_heading(title, name),
        make_element("p", "The paper: ", typeset(finding.stated), class_="faint"),
        *(make_element("div", part, class_="wide", tabindex="0") for part in equation),
        make_element("p", _format_verdict(finding), ". ", typeset(finding.evidence)),
        *(make_picture(f"{figure}.png", f"{title}. {seen}.") for figure in finding.figures),
        *([make_table(numbers)] if numbers else []),
        *(part for table in finding.tables for part in _make_wide_table(table)),
    ]


def _make_wide_table(table: Table) -> list[Html]:
    head = [typeset(title) for title in table.head]
    return [make_heading(table.title, level=3), make_table(table.rows, head)]
