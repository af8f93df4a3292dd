"""The findings as one folder: `index.html` and its PNG figures, readable without a network and without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from html import escape
from pathlib import Path

from letterocr.base.files import write_json, write_text
from letterocr.figures.png import save_png
from letterocr.reproduce.finding import FAILS, HOLDS, Finding

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #26282e; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-top: 1px solid #dee0e4; padding-top: 1.5rem; }
img { max-width: 100%; display: block; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #dee0e4; }
th { font-weight: 500; }
.holds { color: #18805c; } .fails { color: #c83c30; } .partly { color: #8a6200; }
.verdict { font-weight: 600; } .faint { color: #80848c; }
"""


def write_figures(folder: Path, finding: Finding) -> None:
    """Each figure of the finding as a PNG in the folder."""
    for name, figure in finding.figures.items():
        save_png(figure, folder / f"{name}.png")


def write_page(
    folder: Path, titles: Mapping[str, str], findings: Mapping[str, Finding], about: Mapping[str, str]
) -> Path:
    """Write `index.html` and `findings.json`; the figures are there already.

    Args:
        folder: for everything.
        titles: of each claim.
        findings: what was found, in the order of the page.
        about: letters, versions and the like: name and value.

    Returns:
        The path of the page.
    """
    facts = {name: asdict(replace(f, figures={})) | {"figures": list(f.figures)} for name, f in findings.items()}
    write_json(folder / "findings.json", {"about": dict(about), "findings": facts})
    rows = "".join(
        f'<tr><th><a href="#{name}">{escape(titles[name])}</a></th><td>{_format_verdict(f)}</td></tr>'
        for name, f in findings.items()
    )
    sections = "".join(_format_section(name, titles[name], f) for name, f in findings.items())
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The paper, measured</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>The paper, measured</h1><p>N. Kantack 2020, claim by claim.</p>{_format_table(about)}"
        f"<h2>Verdicts</h2><table>{rows}</table>{sections}</body></html>\n"
    )
    write_text(folder / "index.html", page)
    return folder / "index.html"


def _format_verdict(finding: Finding) -> str:
    kind = {HOLDS: "holds", FAILS: "fails"}.get(finding.verdict, "partly")
    return f'<span class="verdict {kind}">{escape(finding.verdict)}</span>'


def _format_table(numbers: Mapping[str, object]) -> str:
    rows = (f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in numbers.items())
    return f"<table>{''.join(rows)}</table>"


def _format_section(name: str, title: str, finding: Finding) -> str:
    images = "".join(f'<img src="{figure}.png" alt="{escape(title)}">' for figure in finding.figures)
    return (
        f'<h2 id="{name}">{escape(title)}</h2><p class="faint">The paper: {escape(finding.stated)}</p>'
        f"<p>{_format_verdict(finding)}. {escape(finding.evidence)}</p>{images}{_format_table(finding.numbers)}"
    )
