"""Page of runs side by side: how their configs differ, their curves, the letters that only one reads, their spectra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from letterocr.base.files import write_text
from letterocr.compose.defaults import list_fields
from letterocr.config.label import describe_value, list_varying, make_labels, name_field
from letterocr.curvature.rank_figures import singular_values
from letterocr.figures.tiles import draw_letter
from letterocr.pages.charts import COLOURS, describe_end, make_chart, make_error_chart, make_layout
from letterocr.pages.template import Html, make_columns, make_element, make_heading, make_page, make_table, make_tiles
from letterocr.run.run_view import RunView
from letterocr.run.terminal import format_percent

MOST_LETTERS = 8  # letters of each run that only it reads


def write_side_by_side(views: Sequence[RunView], notes: Sequence[str], path: Path) -> Path:
    """Write the page of several runs and return its path.

    Args:
        views: the runs, at least two.
        notes: a sentence for each run that can't be shown.
        path: the page.
    """
    for view, label in zip(views, make_labels([list_fields(view.config) for view in views]), strict=True):
        view.label = label
    _tell_apart(views)
    sections = (_make_differences, _make_curves, _make_letters, _make_spectra)
    made = [part for section in sections for part in section(views)]
    told = [*notes, *(f"{view.label}: {note}" for view in views for note in view.notes)]
    head = [_make_lead(views), *(make_element("p", note, class_="faint") for note in told)]
    write_text(path, make_page(f"{len(views)} runs side by side", [*head, *made]))
    return path


def _tell_apart(views: Sequence[RunView]) -> None:
    """Add the folder's name to labels that are alike: runs of one config, trained in several folders."""
    labels = [view.label for view in views]
    for view in views:
        if labels.count(view.label) > 1:
            view.label += f" ({view.folder.parent.name}/{view.folder.name})"


def _make_lead(views: Sequence[RunView]) -> Html:
    rows = []
    for view in views:
        errors = None if view.curve is None else np.median(view.curve[1], axis=1)
        final = "–" if errors is None else "diverged" if view.state == "diverged" else format_percent(float(errors[-1]))
        best = "–" if errors is None else format_percent(float(errors.min()))
        samples = "–" if view.curve is None else f"{view.curve[0][-1]:,}"
        rows.append((view.label, final, best, samples, view.state, view.folder.name))
    return make_table(rows, ["run", "test error", "lowest", "samples", "state", "folder"])


def _make_differences(views: Sequence[RunView]) -> list[Html]:
    runs = [list_fields(view.config) for view in views]
    names = list_varying(runs)
    heading = make_heading("How their settings differ")
    if not names:
        return [heading, make_element("p", "They have the same settings.")]
    rows = [(name_field(n), *(describe_value(n, run[n]) if n in run else "–" for run in runs)) for n in names]
    return [heading, make_table(rows, ["field", *(view.label for view in views)])]


def _make_curves(views: Sequence[RunView]) -> list[Html]:
    curves = [(view.label, *view.curve) for view in views if view.curve is not None]
    if not curves:
        return []
    caption = "Medians of the networks trained side by side, with a band of their quartiles where there are several."
    alt = f"Test error against samples learned: {describe_end(curves)}."
    return [make_heading("Test error"), make_error_chart(curves, alt, caption)]


def _make_letters(views: Sequence[RunView]) -> list[Html]:
    """Return the test letters that exactly one of the runs reads."""
    shown = [view for view in views if view.outputs is not None and view.letters is not None]
    heading = make_heading("Letters that only one of them reads")
    if len(shown) < 2:
        return [
            heading,
            make_element("p", "Fewer than two of the runs have networks and letters that can be compared."),
        ]
    first = shown[0].letters
    assert first is not None
    if len({view.letters.test.fingerprint() for view in shown if view.letters}) > 1:
        return [heading, make_element("p", "The runs have different test letters, so that no letter can be compared.")]
    truth, alphabet = first.test.labels.numpy(), first.test.alphabet
    read = np.stack([view.outputs.argmax(1) for view in shown if view.outputs is not None])
    right = read == truth
    parts = []
    for r, view in enumerate(shown):
        own = np.flatnonzero(right[r] & (right.sum(0) == 1))
        tiles = []
        for i in own[:MOST_LETTERS]:
            others = ", ".join(dict.fromkeys(alphabet[k] for k in np.delete(read[:, i], r)))
            picture = draw_letter(first.test.images[i].numpy())
            tiles.append((picture, f"handwritten {alphabet[truth[i]]}", f"{alphabet[truth[i]]}; others read {others}"))
        count = f"{len(own):,} of {len(truth):,} test letters" + (
            f"; the first {MOST_LETTERS}:" if len(own) > MOST_LETTERS else ""
        )
        parts.append(
            make_element("div", make_heading(view.label, level=3), make_element("p", count), make_tiles(tiles))
        )
    nobody, everybody = int((~right.any(0)).sum()), int(right.all(0).sum())
    said = f"All of them read {everybody:,} letters right, none of them {nobody:,}."
    return [heading, make_element("p", said), make_columns(*parts)]


def _make_spectra(views: Sequence[RunView]) -> list[Html]:
    """Return the singular values of the weights, one chart for each layer."""
    loaded = [(view.label, view.loaded[0].weights) for view in views if view.loaded is not None]
    colours = {view.label: COLOURS[place % len(COLOURS)] for place, view in enumerate(views)}  # as in the curves
    charts = []
    for k in range(max((len(weights) for _, weights in loaded), default=0)):
        lines = [(label, singular_values(w[k].to(torch.float64)).numpy()) for label, w in loaded if k < len(w)]
        traces = [
            {"x": np.arange(1, len(v) + 1), "y": v, "name": label, "mode": "lines", "line": {"color": colours[label]}}
            for label, v in lines
        ]
        layout = make_layout("number of the singular value", "singular value", len(lines), yaxis={"type": "log"})
        alt = "; ".join(f"{label}: largest singular value {v[0]:.3g}" for label, v in lines)
        alone = f" ({lines[0][0]})" if len(lines) == 1 else ""
        title = make_heading(f"Weights of layer {k + 1}{alone}", level=3)
        charts.append(
            make_element("div", title, make_chart(traces, layout, f"Singular values of layer {k + 1}. {alt}."))
        )
    return [make_heading("Spectra of the weights"), make_columns(*charts)] if charts else []
