"""Page of a comparison, results.html: one chart and one sentence that answer the question, then curves and tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from letterocr.base.files import write_text
from letterocr.compare.figure_formats import describe_crowd, format_triple, format_values
from letterocr.compare.problems import Problem
from letterocr.compare.protocol import BASELINE, KINDS, Standing
from letterocr.compare.results import make_error_curve, summarise
from letterocr.pages.charts import describe_end, make_chart, make_error_chart, make_layout
from letterocr.pages.template import Html, make_columns, make_element, make_heading, make_page, make_table

HEAD = [
    "optimizer",
    "final test error, %",
    "samples to target",
    "multiply-adds to target, 10^6",
    "seconds to target",
    "reached",
    "diverged",
    "µs a sample",
    "hyperparameters",
]


def write_comparison_page(standings: dict[Problem, Standing], facts: dict[str, Any], path: Path) -> None:
    """Write the page of a comparison.

    Args:
        standings: the results by problem.
        facts: command, samples, trials, seeds, workers and machine.
        path: the page.
    """
    figures = {
        problem: {
            kind: {name: summarise(final, standing.target) for name, final in standing.finals[kind].items()}
            for kind in KINDS
        }
        for problem, standing in standings.items()
    }
    about = (
        f"Every run learns {facts['samples']:,} samples. Each optimizer was tried at the same {facts['trials']} points "
        f"of its search space; the best point was trained with {facts['seeds']} seeds. Figures are medians and "
        "quartiles over seeds. "
        f"The target is the median validation error that tuned {BASELINE} ends with. Times are those of one thread "
        f"{describe_crowd(facts['workers'])}, on {facts['machine']}."
    )
    parts = [_make_headline(figures), *_draw_headline(figures), make_element("p", about)]
    parts.append(make_element("pre", make_element("code", str(facts["command"]))))
    for problem, standing in standings.items():
        parts += _make_problem(problem, standing, figures[problem])
    write_text(path, make_page("Optimizers compared", parts))


def _make_headline(figures: dict[Problem, dict[str, Any]]) -> Html:
    """Return the sentence that answers which optimizer is best when all are tuned alike."""
    parts = []
    for problem, kinds in figures.items():
        errors = {name: s["final_error"][1] for name, s in kinds["tuned"].items() if math.isfinite(s["final_error"][1])}
        if not errors:
            parts.append(f"every optimizer diverged ({problem.label})")
            continue
        best = min(errors, key=lambda name: errors[name])
        rest = (
            f", against {100 * errors[BASELINE]:.1f} % of {BASELINE}" if BASELINE in errors and best != BASELINE else ""
        )
        parts.append(f"{best} ends with the lowest test error, {100 * errors[best]:.1f} %{rest} ({problem.label})")
    text = "; ".join(parts)
    return make_element("p", f"Tuned alike, {text}.", class_="big")


def _draw_headline(figures: dict[Problem, dict[str, Any]]) -> list[Html]:
    """Draw the final test error of every tuned optimizer: median and quartiles."""
    traces, order = [], dict[str, float]()
    for problem, kinds in figures.items():
        found = {name: s["final_error"] for name, s in kinds["tuned"].items() if math.isfinite(s["final_error"][1])}
        order |= {name: order.get(name, 0) + values[1] for name, values in found.items()}
        names = list(found)
        middle = [100 * found[name][1] for name in names]
        above = [100 * (found[n][2] - found[n][1]) if math.isfinite(found[n][2]) else 0 for n in names]
        below = [100 * (found[n][1] - found[n][0]) for n in names]
        trace = {"x": middle, "y": names, "mode": "markers", "name": problem.label, "marker": {"size": 9}}
        trace["error_x"] = {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5}
        traces.append(trace | {"hovertemplate": "%{y}: %{x:.1f} %<extra></extra>"})
    if not order:
        return []
    ranked = sorted(order, key=lambda name: -order[name])
    height = 110 + 24 * len(ranked)
    axis = {"categoryorder": "array", "categoryarray": ranked}
    layout = make_layout("final test error, %", "", len(traces), height, xaxis={"rangemode": "tozero"}, yaxis=axis)
    alt = f"Final test error of the tuned optimizers; from the lowest to the highest: {', '.join(reversed(ranked))}."
    missing = sorted({n for kinds in figures.values() for n in kinds["tuned"]} - set(order))
    caption = "Median over seeds, with a line from the lower to the upper quartile."
    caption += f" Without {', '.join(missing)}, which diverged." if missing else ""
    return [make_chart(traces, layout, alt, caption)]


def _make_problem(problem: Problem, standing: Standing, kinds: dict[str, Any]) -> list[Html]:
    """Return the curves and tables of one problem."""
    charts = []
    for kind in KINDS:
        curves = [(name, *make_error_curve(final, "samples")) for name, final in standing.finals[kind].items()]
        alt = f"Test error against samples learned, {kind} hyperparameters: {describe_end(curves)}."
        title = make_heading(f"{kind.capitalize()} hyperparameters", level=3)
        charts.append(make_element("div", title, make_error_chart(curves, alt)))
    target = f"Target: {100 * standing.target:.1f} % of the validation letters misread."
    parts = [
        make_heading(problem.label[:1].upper() + problem.label[1:]),
        make_element("p", target),
        make_columns(*charts),
    ]
    for kind in KINDS:
        rows = [_make_row(name, s, len(standing.finals[kind][name].outcomes)) for name, s in kinds[kind].items()]
        parts += [
            make_heading(f"{kind.capitalize()} hyperparameters, in numbers", level=3),
            make_table(rows, HEAD, sortable=True),
        ]
    return parts


def _make_row(name: str, s: dict[str, Any], seeds: int) -> list[str]:
    return [
        name,
        format_triple(s["final_error"], ".1f", 100, "diverged"),
        format_triple(s["to_target"]["samples"], ",.0f"),
        format_triple(s["to_target"]["multiply-adds"], ",.0f", 1e-6),
        format_triple(s["to_target"]["seconds"], ".3g"),
        f"{s['reached']} of {seeds}",
        f"{s['diverged']} of {seeds}",
        f"{s['microseconds']:,.0f}" if math.isfinite(s["microseconds"]) else "–",
        format_values(s["hyperparameters"]),
    ]
