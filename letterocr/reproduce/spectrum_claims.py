"""Claims about the singular values of the alphabet matrix: Fig. 4 and 5 (13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from letterocr.figures.linear_algebra import RANK_NAMES, draw_reconstructions, draw_singular_values
from letterocr.figures.png import make_figure
from letterocr.matrix.spectrum import (
    effective_ranks,
    energy_rank,
    readable_ranks,
    reconstruct,
    relative_errors,
    singular_values,
    subtract_mean,
)
from letterocr.reproduce.finding import FAILS, HOLDS, WIDTH, Finding, Material, Table, deny, phrase_condition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_RANKS = (1, 2, 3, 5, 8, 13, 20)  # numbers of singular values in Fig. 4
ROWS = ("singular values of A", "singular values of A without the mean letter")


def judge_reconstruction(material: Material) -> Finding:
    """Judge Fig. 4: B is readable from about five singular values."""
    A, alphabet = material.A, material.split.train.alphabet
    b = alphabet.index("B")
    readable = readable_ranks(A)
    median, off = int(readable.median()), relative_errors(A, reconstruct(A, 5))
    figure = make_figure(WIDTH, 3.2)
    for axis, from_mean, title in zip(figure.subplots(2, 1), (False, True), ROWS, strict=True):
        draw_reconstructions(axis, A, "B", SHOWN_RANKS, alphabet, from_mean=from_mean)
        axis.set_title(title, fontsize=10, loc="left")
    single = [int(readable_ranks(M)[b]) for M in material.single_writers[:50]]
    return Finding(
        "The letter B is readable from the first 5 or so singular values of A (13; Fig. 4).",
        HOLDS if median <= 6 else deny(f"the first {median} are needed"),
        f"With r = {median} or more, half of the rebuilt letters are nearer to themselves than to any other letter; "
        f"all are with {int(readable.max())} or more, B with {int(readable[b])} or more. At r = 5, B differs from the "
        f"rebuilt B by {100 * off[b]:.0f} % of its length, the median letter by {100 * off.median():.0f} %.",
        {
            "r from which on B is nearest to itself, without the mean letter": int(
                readable_ranks(A, from_mean=True)[b]
            ),
            **({"the same with it, in the alphabets of single writers": _format_spread(single)} if single else {}),
        },
        {"fig4": figure},
        f"B rebuilt from the first {', '.join(map(str, SHOWN_RANKS))} singular values, of A above and of A without the "
        "mean letter below; its strokes appear from about 5 on",
        (
            Table(
                "r from which on each letter is nearest to itself",
                ["letter", *alphabet],
                [["r", *(str(int(r)) for r in readable)]],
            ),
        ),
    )


def judge_singular_values(material: Material) -> Finding:
    """Judge Fig. 5: the first two singular values dominate."""
    A = material.A
    values = singular_values(A)
    energy = values.square() / values.square().sum()
    centred = singular_values(subtract_mean(A))
    figure = make_figure(WIDTH, 3.6)
    axis = figure.subplots()
    draw_singular_values(axis, values, "A")
    draw_singular_values(axis, centred[centred > 1e-9 * centred[0]], "A without the mean letter")
    first, second = float(values[0] / values[1]), float(values[1] / values[2])
    single = [singular_values(M) for M in material.single_writers]
    both = energy_rank(values, 0.5) <= 2 and second >= 1.5
    return Finding(
        f"Of the {len(values)} singular values of A the first two dominate (Fig. 5).",
        HOLDS if both else deny("the first alone dominates, and it is nearly the mean letter"),
        f"The first has {100 * energy[0]:.0f} % of the energy and the second {100 * energy[1]:.0f} %; "
        f"the first is {first:.1f} times "
        f"the second, and the second {second:.2f} times the third.",
        {"first over second": f"{first:.2f}", "second over third": f"{second:.2f}"}
        | (
            {
                "single writers: first over second": _format_spread([float(v[0] / v[1]) for v in single]),
                "single writers: second over third": _format_spread([float(v[1] / v[2]) for v in single]),
            }
            if single
            else {}
        ),
        {"fig5": figure},
        f"Singular values on a logarithmic axis: the first is {values[0]:.1f}, the second {values[1]:.1f}, then they "
        f"fall evenly to {values[-1]:.1f}",
        (
            Table(
                "Singular values",
                ["number", *(str(i + 1) for i in range(len(values)))],
                [["A", *(f"{v:.2f}" for v in values)], ["without the mean", *(f"{v:.2f}" for v in centred)]],
            ),
        ),
    )


def _format_spread(values: Sequence[float | Tensor]) -> str:
    """Format median and range of the values, one for each writer."""
    t = torch.tensor(values, dtype=torch.float64)
    return f"{float(t.median()):.3g} ({float(t.min()):.3g} to {float(t.max()):.3g}; {len(values)} writers)"


def judge_rank(material: Material) -> Finding:
    """Judge Fig. 5: the effective rank is about 5, the effective null space has up to 21 dimensions."""
    A = material.A
    columns = {"A": asdict(effective_ranks(A)), "without the mean": asdict(effective_ranks(subtract_mean(A)))}
    if material.single_writers:
        columns["first writer alone"] = asdict(effective_ranks(material.single_writers[0]))
    near = [RANK_NAMES[name] for name, value in columns["A"].items() if 4 <= value <= 6]
    low, high = min(columns["A"].values()), max(columns["A"].values())
    return Finding(
        "The effective rank of A is about 5, and its effective null space has up to 21 dimensions (Fig. 5).",
        phrase_condition(f"effective rank means {' or '.join(near)}") if near else FAILS,
        f"Seven definitions give from {low:.1f} to {high:.0f}; A itself has rank {columns['A']['numerical']}: "
        "it has no null space, only directions with small singular values.",
        {},
        {"rank": _draw_ranks(columns)},
        "Bars of seven definitions of the effective rank beside a line at 5: "
        + ", ".join(f"{label} {columns['A'][name]:.3g}" for name, label in RANK_NAMES.items()),
        (
            Table(
                "Effective rank by definition",
                ["definition", *columns],
                [
                    [label, *(_format_rank(values[name]) for values in columns.values())]
                    for name, label in RANK_NAMES.items()
                ],
            ),
        ),
    )


def _format_rank(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _draw_ranks(columns: dict[str, dict[str, Any]]) -> Figure:
    """Draw every definition of the effective rank as bars, with a line at the paper's 5."""
    figure = make_figure(WIDTH, 4)
    axis = figure.subplots()
    for i, (label, values) in enumerate(columns.items()):
        places = [k + 0.8 / len(columns) * (i - (len(columns) - 1) / 2) for k in range(len(RANK_NAMES))]
        axis.barh(places, [values[name] for name in RANK_NAMES], height=0.75 / len(columns), label=label)
    axis.axvline(5, color="0.3", linestyle="--", linewidth=1)
    axis.text(5.2, len(RANK_NAMES) - 0.45, "5", color="0.3", va="center")
    axis.set_yticks(range(len(RANK_NAMES)), list(RANK_NAMES.values()))
    axis.invert_yaxis()
    axis.set(xlabel="effective rank")
    axis.legend(loc="lower right")
    return figure
