"""Page of the findings: one folder with `index.html` and its PNG figures, readable without network and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from letterocr.base.files import write_json, write_text
from letterocr.figures.png import save_png
from letterocr.pages.template import Html, make_element, make_heading, make_page, make_picture, make_table
from letterocr.reproduce.finding import FAILS, HOLDS, Finding


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
        make_element("p", "N. Kantack 2020, claim by claim."),
        make_table(about.items()),
        make_heading("Verdicts"),
        make_table(verdicts),
    ]
    for name, finding in findings.items():
        parts += _list_parts(name, titles[name], finding)
    write_text(folder / "index.html", make_page("The paper, measured", parts))
    return folder / "index.html"


def _format_verdict(finding: Finding) -> Html:
    kind = {HOLDS: "good", FAILS: "bad"}.get(finding.verdict, "middling")
    return make_element("span", finding.verdict, class_=f"verdict {kind}")


def _list_parts(name: str, title: str, finding: Finding) -> list[Html]:
    """Return the section of one claim."""
    return [
        make_heading(title, name),
        make_element("p", f"The paper: {finding.stated}", class_="faint"),
        make_element("p", _format_verdict(finding), f". {finding.evidence}"),
        *(make_picture(f"{figure}.png", f"{title}: figure of the measurements") for figure in finding.figures),
        make_table(finding.numbers.items()),
    ]
