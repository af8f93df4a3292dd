"""Claims about the alphabet matrix: left inverse, letter arithmetic, bias, singular values (7-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

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
from letterocr.reproduce.finding import FAILS, HOLDS, Finding, Material, phrase_condition


def judge_misreading(material: Material) -> Finding:
    """Judge Fig. 3: the left inverse of the alphabet misreads a handwritten E as L, with several other spikes."""
    inverse = left_inverse(material.A)
    reading = read_letters(inverse.pinv, material.split.test)
    found = reading.confusion("E", "L")
    several = found and max((reading.spikes(int(p)) for p in found.examples), key=len)
    shown = [*([found] if found else []), *[c for c in reading.confusions if c is not found][:3]]
    figure = make_figure(12, 6)
    for i, confusion in enumerate(shown):
        axis = figure.add_subplot(2, 2, i + 1)
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
        verdict = phrase_condition("another letter than E is meant, or another reading than L")
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
    )


def judge_arithmetic(material: Material) -> Finding:
    """Judge (9): letters are nearly sums and differences of other letters."""
    A, alphabet = material.A, material.split.train.alphabet
    stated = find_relation(A, "L + F = E", alphabet)
    best = select_distinct(search(A, 60, alphabet=alphabet))[:12]
    alone, e = _nearest_multiple(A), stated.target
    near = [r for r in best if r.residual < alone[r.target]]
    figure = make_figure(8, 7)
    for axis, shown in zip(figure.subplots(4, 1), [stated, *best[:3]], strict=True):
        draw_relation(axis, A, shown)
    distance = distances_from_others(A, alphabet)
    (c_l, c_f), real = best_combination(A, "LF", "E", alphabet)
    mixed = f"{c_l:.2f} L + {c_f:.2f} F"
    if stated.residual < alone[e]:
        verdict = HOLDS
    elif real < alone[e]:
        verdict = phrase_condition(f"the coefficients need not be whole: {mixed} ~ E")
    else:
        verdict = phrase_condition(f"other letters are combined, such as {best[0].text}") if near else FAILS
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
            f"best for {name}": ", ".join(
                f"{r.text} ({r.residual:.0%})" for r in search(A, 3, target=name, alphabet=alphabet)
            )
            for name in "EI"
        }
        | {
            "distance of E from the span of all other letters": f"{distance[e]:.1%}",
            "the same for all letters, least and largest": f"{distance.min():.1%}, {distance.max():.1%}",
            "(9b)": "contains the digit 3, which is not in this alphabet",
        },
        {"arithmetic": figure},
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
        | {f"{text} made exact: relations without and with bias": f"{a}, {b}" for text, (a, b) in exact.items()}
        | {"of the 100 nearest relations, those that a bias can't mend": binding},
    )


def judge_reconstruction(material: Material) -> Finding:
    """Judge Fig. 4: B is readable from about five singular values."""
    A, alphabet = material.A, material.split.train.alphabet
    b = alphabet.index("B")
    readable = readable_ranks(A)
    median, off = int(readable.median()), relative_errors(A, reconstruct(A, 5))
    figure = make_figure(12, 4)
    top, bottom = figure.subplots(2, 1)
    draw_reconstructions(top, A, "B", (1, 2, 3, 5, 8, 13, 20), alphabet)
    draw_reconstructions(bottom, A, "B", (1, 2, 3, 5, 8, 13, 20), alphabet, from_mean=True)
    single = [int(readable_ranks(M)[b]) for M in material.single_writers[:50]]
    return Finding(
        "The letter B is readable from the first 5 or so singular values of A (13; Fig. 4).",
        HOLDS if median <= 6 else phrase_condition(f"the first {median} are taken"),
        f"With r = {median} or more, half of the rebuilt letters are nearer to themselves than to any other letter; "
        f"all are with {int(readable.max())} or more, B with {int(readable[b])} or more. At r = 5, B differs from the "
        f"rebuilt B by {off[b]:.0%} of its length, the median letter by {off.median():.0%}.",
        {
            "r from which on each letter is itself": ", ".join(
                f"{letter} {int(r)}" for letter, r in zip(alphabet, readable, strict=True)
            ),
            "B, singular values of A without the mean letter": int(readable_ranks(A, from_mean=True)[b]),
            **({"B in the alphabets of single writers": _format_spread(single)} if single else {}),
        },
        {"fig4": figure},
    )


def judge_singular_values(material: Material) -> Finding:
    """Judge Fig. 5: the first two singular values dominate."""
    A = material.A
    values = singular_values(A)
    energy = values.square() / values.square().sum()
    figure = make_figure(7, 4)
    axis = figure.subplots()
    draw_singular_values(axis, values, "A")
    draw_singular_values(axis, singular_values(subtract_mean(A)), "A without the mean letter")
    first, second = float(values[0] / values[1]), float(values[1] / values[2])
    single = [singular_values(M) for M in material.single_writers]
    both = energy_rank(values, 0.5) <= 2 and second >= 1.5
    return Finding(
        f"Of the {len(values)} singular values of A the first two dominate (Fig. 5).",
        HOLDS if both else phrase_condition("it is said of the first alone, which is nearly the mean letter"),
        f"The first has {energy[0]:.0%} of the energy and the second {energy[1]:.0%}; the first is {first:.1f} times "
        f"the second, and the second {second:.2f} times the third.",
        {"singular values": ", ".join(f"{v:.2f}" for v in values)}
        | (
            {
                "single writers: first over second": _format_spread([float(v[0] / v[1]) for v in single]),
                "single writers: second over third": _format_spread([float(v[1] / v[2]) for v in single]),
            }
            if single
            else {}
        ),
        {"fig5": figure},
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
        {
            label: "; ".join(
                f"{column} {values[name]:.1f}" if isinstance(values[name], float) else f"{column} {values[name]}"
                for column, values in columns.items()
            )
            for name, label in RANK_NAMES.items()
        },
    )
