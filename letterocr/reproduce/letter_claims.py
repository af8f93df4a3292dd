"""Claims about the alphabet matrix: left inverse, letter arithmetic, bias, singular values (7-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from letterocr.figures.linear_algebra import (
    RANK_NAMES,
    draw_outputs,
    draw_reconstructions,
    draw_relation,
    draw_singular_values,
)
from letterocr.figures.png import make_figure
from letterocr.matrix.arithmetic import (
    best_combination,
    distances_from_others,
    find_mending_bias,
    find_relation,
    ranks,
    search,
    select_distinct,
)
from letterocr.matrix.letter_matrix import left_inverse, read_letters
from letterocr.matrix.spectrum import (
    effective_ranks,
    energy_rank,
    readable_ranks,
    reconstruct,
    relative_errors,
    singular_values,
    subtract_mean,
)
from letterocr.reproduce.finding import FAILS, HOLDS, Finding, Material, Table, deny, phrase_condition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 5.5  # inches of every figure, so that it is legible on a narrow screen
SHOWN_RANKS = (1, 2, 3, 5, 8, 13, 20)  # numbers of singular values in Fig. 4
ROWS = ("singular values of A", "singular values of A without the mean letter")


def judge_misreading(material: Material) -> Finding:
    """Judge Fig. 3: the left inverse of the alphabet misreads a handwritten E as L, with several other spikes."""
    inverse = left_inverse(material.A)
    reading = read_letters(inverse.pinv, material.split.test)
    found = reading.confusion("E", "L")
    several = found and max((reading.spikes(int(p)) for p in found.examples), key=len)
    shown = [*([found] if found else []), *[c for c in reading.confusions if c is not found][:3]]
    figure = make_figure(WIDTH, 2.4 * max(len(shown), 1))
    for i, confusion in enumerate(shown):
        axis = figure.add_subplot(len(shown), 1, i + 1)
        place = int(confusion.examples[0])
        truth = int(reading.truth[place])
        draw_outputs(axis, reading.outputs[place], truth, reading.alphabet, material.split.test.images[place])
    top = ", ".join(f"{c.truth} as {c.read} {c.count}x" for c in reading.confusions[:8])
    if found and several and len(several) >= 3:
        verdict = HOLDS
        written = int((reading.truth == reading.alphabet.index("E")).sum())
        evidence = (
            f"E is read as L {found.count} times of {written}, once with outputs of at least half the largest one for "
            f"{', '.join(several)}."
        )
    elif reading.confusions:
        verdict = deny("other letters are misread, or with fewer spikes")
        how = "E is read as L with fewer spikes" if found else "E is never read as L"
        evidence = f"{how} here; the most frequent misreadings are {top}."
    else:
        verdict, evidence = FAILS, "No test letter is misread here."
    return Finding(
        "W = (A^T A)^-1 A^T (8) misreads a handwritten E as L, with several other spikes in the output (Fig. 3).",
        verdict,
        evidence,
        {
            "largest entry of |W A - I|, by singular values": f"{inverse.pinv_error:.1e}",
            "the same by the normal equations": f"{inverse.normal_error:.1e}",
            "condition number of A": f"{inverse.condition:.1f}",
            "condition number of A^T A": f"{inverse.gram_condition:.0f}",
            "error on the test letters": f"{reading.error:.1%}",
            "misread most often": top or "none",
        },
        {"fig3": figure},
        "Bars of the outputs for misread letters, each beside the written letter: "
        + ", ".join(f"{c.truth} read as {c.read}" for c in shown),
    )


def judge_arithmetic(material: Material) -> Finding:
    """Judge (9): letters are nearly sums and differences of other letters."""
    A, alphabet = material.A, material.split.train.alphabet
    stated = find_relation(A, "L + F = E", alphabet)
    best = select_distinct(search(A, 60, alphabet=alphabet))[:12]
    alone, e = _nearest_multiple(A), stated.target
    near = [r for r in best if r.residual < alone[r.target]]
    figure = make_figure(WIDTH, 6)
    for axis, shown in zip(figure.subplots(4, 1), [stated, *best[:3]], strict=True):
        draw_relation(axis, A, shown)
    distance = distances_from_others(A, alphabet)
    (c_l, c_f), real = best_combination(A, "LF", "E", alphabet)
    mixed = f"{c_l:.2f} L + {c_f:.2f} F"
    if stated.residual < alone[e]:
        verdict = HOLDS
    elif real < alone[e]:
        verdict = deny(f"the coefficients must not be whole, as in {mixed} ~ E")
    else:
        verdict = deny(f"other letters are combined, as in {best[0].text}") if near else FAILS
    evidence = (
        f"In parts of E's length, the distance from E is {stated.residual:.0%} for L + F, {real:.0%} for {mixed} and "
        f"{alone[e]:.0%} for the nearest multiple of one letter; the best of all pairs and triples is {best[0].text} "
        f"with {best[0].residual:.0%}."
    )
    return Finding(
        "Letters are nearly linear combinations of others: L + F ~ E (9a), L + T - B + 3 ~ I (9b).",
        verdict,
        evidence,
        {r.text: f"{r.residual:.1%}" for r in [stated, *best]}
        | {
            "distance of E from the span of all other letters": f"{distance[e]:.1%}",
            "the same for all letters, least": f"{distance.min():.1%}",
            "the same for all letters, largest": f"{distance.max():.1%}",
            "(9b)": "contains the digit 3, which is not in this alphabet",
        },
        {"arithmetic": figure},
        "Sums of letters beside the letter that they approximate: " + ", ".join(r.text for r in [stated, *best[:3]]),
        (
            Table(
                "Nearest relations for E and I",
                ["letter", "nearest", "second", "third"],
                [
                    [name, *(f"{r.text} ({r.residual:.0%})" for r in search(A, 3, target=name, alphabet=alphabet))]
                    for name in "EI"
                ],
            ),
        ),
    )


def _nearest_multiple(A: Tensor) -> Tensor:
    """Return the least |c a_j - a_k| / |a_k| over all letters j and real c, for each k: [C]; the sine of an angle."""
    unit = A / A.norm(dim=0)
    cosines = (unit.mT @ unit).abs().fill_diagonal_(0).amax(0)
    return (1 - cosines.square()).clamp(min=0).sqrt()


def judge_bias(material: Material) -> Finding:
    """Judge (12): one bias mends only one relation, and none whose coefficients sum to zero."""
    own, alphabet = ranks(material.A), material.split.train.alphabet
    exact: dict[str, Any] = {}
    for texts in (["L + F = E"], ["F + T - E = I"], ["L + F = E", "L + T = I"]):
        A = material.A.clone()
        for text in texts:
            stated = find_relation(A, text, alphabet)
            A[:, stated.target] = sum(c * A[:, k] for c, k in stated.terms)
        found = ranks(A)
        exact[" and ".join(texts)] = found.relations, found.binding
    best = select_distinct(search(material.A, 500, alphabet=alphabet))[:100]
    binding = sum(find_mending_bias(r.null_vector) is None for r in best)
    return Finding(
        "If letters are linearly dependent, no linear map reads them all, and one bias mends only one relation (12).",
        HOLDS if [b for _, b in exact.values()] == [0, 1, 1] else FAILS,
        f"Of the 100 nearest relations among these letters {binding} have coefficients that sum to zero, "
        "so that no bias changes them (all letters share the mean letter, which must cancel); if two relations are "
        "made exact, one remains with a bias.",
        {
            "rank of A": own.letters,
            "rank of [A; 1^T]": own.with_ones,
            "exact relations among the letters": own.relations,
        }
        | {"of the 100 nearest relations, those that a bias can't mend": binding},
        {"bias": _draw_relations(exact)},
        "Bars of the number of exact relations among the letters, without and with a bias: "
        + "; ".join(f"{text}: {a} and {b}" for text, (a, b) in exact.items()),
        (
            Table(
                "Exact relations that limit a linear map",
                ["made exact", "without bias", "with bias"],
                [[text, str(a), str(b)] for text, (a, b) in exact.items()],
            ),
        ),
    )


def _draw_relations(exact: dict[str, Any]) -> Figure:
    """Draw how many exact relations limit a linear map, without and with a bias."""
    figure = make_figure(WIDTH, 3.2)
    axis = figure.subplots()
    for i, label in enumerate(("without bias", "with bias")):
        places = [k + 0.38 * (i - 0.5) for k in range(len(exact))]
        bars = axis.bar(places, [pair[i] for pair in exact.values()], width=0.36, label=label)
        axis.bar_label(bars)
    axis.set_xticks(range(len(exact)), [text.replace(" and ", "\nand ") for text in exact])
    axis.set(ylabel="relations that limit the map", xlabel="made exact")
    axis.margins(y=0.15)
    axis.legend()
    return figure


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
        f"rebuilt B by {off[b]:.0%} of its length, the median letter by {off.median():.0%}.",
        {
            "B, singular values of A without the mean letter": int(readable_ranks(A, from_mean=True)[b]),
            **({"B in the alphabets of single writers": _format_spread(single)} if single else {}),
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
        f"The first has {energy[0]:.0%} of the energy and the second {energy[1]:.0%}; the first is {first:.1f} times "
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
