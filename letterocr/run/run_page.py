"""Page of one run, `page.html` in its folder: curve, letters, what was learned, ranks, settings, command, versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from letterocr.base.files import write_text
from letterocr.compose.defaults import find_defaults, list_differing, list_fields
from letterocr.compose.train_command import write_command
from letterocr.config.label import Value, describe_value, name_field
from letterocr.figures.learned_weights import compute_leading_triplets, find_scale, list_largest
from letterocr.figures.tiles import draw_weights
from letterocr.pages.charts import describe_end, make_error_chart, make_lines_chart
from letterocr.pages.template import (
    Html,
    escape_text,
    make_columns,
    make_element,
    make_heading,
    make_page,
    make_table,
    make_tiles,
)
from letterocr.run.letter_parts import make_confusion, make_worst_letters
from letterocr.run.messages import describe_guessing
from letterocr.run.playback_part import make_playback
from letterocr.run.run_view import RunView
from letterocr.run.terminal import format_duration, format_percent

PAGE = "page.html"
SHOWN_UNITS, SHOWN_VECTORS = 24, 6
RATES = {"learning_rate/used": "learning rate used", "learning_rate/limit": "limit for all letters at once, 2/λ"}
RANKED = {"weight": "weights", "update": "change of the weights", "hidden": "hidden activations"}


def write_run_page(view: RunView, path: Path | None = None) -> Path:
    """Write the page of a run and return its path.

    Args:
        view: the run.
        path: the page; None: `page.html` in the run folder.
    """
    path = path or view.folder / PAGE
    sections = (_make_curve, _make_letters, _make_weights, make_playback, _make_diagnoses, _make_settings)
    made = [part for section in sections for part in section(view)]
    head = [_make_lead(view), *(make_element("p", note, class_="faint") for note in view.notes)]
    label = view.label[:1].upper() + view.label[1:]
    write_text(path, make_page(label, [*head, *made]))
    return path


def _make_lead(view: RunView) -> Html:
    result = view.result
    if view.state == "diverged":
        text = "The run diverged: loss or weights grew without bound, so that it reads nothing."
    elif result:
        error, samples = format_percent(float(result["error"])), int(result["samples"])
        text = f"{error} of the test letters are misread after {samples:,} samples"
        text += f"; the lowest error was {format_percent(float(result['best_error']))}"
        text += f" at sample {result['best_sample']:,}." if "best_sample" in result else "."
        hardly = describe_guessing(float(result["best_error"]), len(view.alphabet))
        text += f" {hardly}." if hardly else ""
    elif view.curve is not None:
        learned, errors = view.curve
        error = format_percent(float(np.median(errors[-1])))
        text = f"{error} of the test letters are misread after {learned[-1]:,} samples."
    else:
        text = "Nothing has been measured yet."
    return make_element("p", text, class_="big")


def _make_curve(view: RunView) -> list[Html]:
    if view.curve is None:
        return []
    curves = [("median of the networks" if view.config.replicas > 1 else "test error", *view.curve)]
    alt = f"Test error against samples learned: {describe_end(curves)}."
    bands = f"The band has the quartiles of {view.config.replicas} networks trained side by side. "
    caption = (bands if view.config.replicas > 1 else "") + "Drag to enlarge a part, double-click to see all."
    return [make_heading("Test error"), make_error_chart(curves, alt, caption)]


def _make_letters(view: RunView) -> list[Html]:
    if view.letters is None or view.outputs is None:
        return []
    test, which = view.letters.test, ""
    if view.config.replicas > 1:
        which = f" They are read by network {view.shown_replica + 1} of {view.config.replicas}."
    about = make_element("p", f"{len(test):,} test letters; those that are read wrongly are coloured.{which}")
    left = make_element("div", *make_confusion(test, view.outputs))
    right = make_element("div", *make_worst_letters(test, view.outputs))
    return [make_heading("Letters"), about, make_columns(left, right)]


def _make_weights(view: RunView) -> list[Html]:
    change = view.change
    if change is None:
        return []
    units, scale = list_largest(change, SHOWN_UNITS), find_scale(change)
    lettered = view.loaded is not None and len(view.loaded[0].weights) == 1  # its units are the outputs
    name = (lambda unit: view.alphabet[unit]) if lettered else (lambda unit: f"unit {unit + 1:,}")
    norms = np.linalg.norm(change, axis=1)
    tiles = [
        (draw_weights(change[u], scale), f"change of the weights of {name(u)}", f"{name(u)}: {norms[u]:.3g}")
        for u in units
    ]
    _, values, vectors = compute_leading_triplets(change, SHOWN_VECTORS)
    share = np.square(values) / max(float(np.square(change).sum()), 1e-300)
    leading = [
        (
            draw_weights(v, find_scale(v)),
            f"singular vector {i + 1}",
            f"{i + 1}: σ = {values[i]:.3g}, {100 * share[i]:.0f} %",
        )
        for i, v in enumerate(vectors)
    ]
    about = (
        "Weights minus initial weights of the first layer, each unit as a 30x30 image; the units that changed most "
        f"come first, with the length of the change. Blue is below zero, red above; the full colour is {scale:.2g}."
    )
    second = "Leading singular vectors of the whole change, with their singular values and their share of the energy."
    return [
        make_heading("What the first layer learned"),
        make_columns(
            make_element("div", make_element("p", about), make_tiles(tiles)),
            make_element("div", make_element("p", second), make_tiles(leading)),
        ),
    ]


def _make_diagnoses(view: RunView) -> list[Html]:
    figures = view.figures
    if not figures:
        return []
    ranks = {
        f"{words}, layer {name.partition('/')[0].rpartition('_')[2]}": figures[name]
        for kind, words in RANKED.items()
        for name in figures
        if name.startswith(kind) and name.endswith("/effective_rank")
    }
    rates = {words: figures[name] for name, words in RATES.items() if name in figures}
    parts = [
        make_element("div", make_heading(title, level=3), make_lines_chart(figures["sample"], lines, y, log))
        for title, y, lines, log in (
            ("Effective ranks", "effective rank", ranks, False),
            ("Learning rate and its limit", "learning rate", rates, True),
        )
        if lines
    ]
    about = (
        "λ is the largest eigenvalue of the Hessian of the loss. Learning one letter at a time may need a lower rate."
    )
    return [make_heading("Ranks and rates"), make_columns(*parts), *([make_element("p", about)] if rates else [])]


def _make_settings(view: RunView) -> list[Html]:
    config, result, start = view.config, view.result, view.environment
    run, defaults = list_fields(config), find_defaults(config)
    rows = [
        (name_field(name), describe_value(name, run[name]), _describe_default(name, defaults.get(name)))
        for name in list_differing(config)
    ]
    facts = {"run folder": str(view.folder.resolve()), "state": view.state, "samples": f"{config.samples:,}"}
    if result:
        facts |= {f"samples to {100 * float(mark):.0f} %": _say(n) for mark, n in result.get("reached", {}).items()}
        facts["training time"] = format_duration(float(result["seconds"]))
    facts |= {
        name: str(start[name])
        for name in ("letterocr", "python", "torch", "numpy", "platform", "device")
        if name in start
    }
    return [
        make_heading("Settings"),
        make_element("p", "The command that trains this run:"),
        make_element("pre", make_element("code", write_command(config))),
        make_columns(
            make_element("div", make_table(rows, ["field", "this run", "default"])),
            make_element("div", make_table((name, escape_text(fact)) for name, fact in facts.items())),
        ),
    ]


def _say(sample: int | None) -> str:
    return "not reached" if sample is None else f"{sample:,}"


def _describe_default(name: str, default: Value | None) -> str:
    return "–" if default in (None, "") else describe_value(name, default)
