"""Claims about the alphabet matrix: left inverse, letter arithmetic, bias (7-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from letterocr.figures.linear_algebra import draw_outputs, draw_relation
from letterocr.figures.png import make_figure
from letterocr.matrix.arithmetic import (
    best_combination,
    distances_from_others,
    find_mending_bias,
    find_relation,
    nearest_multiples,
    ranks,
    search,
    select_distinct,
)
from letterocr.matrix.letter_matrix import left_inverse, read_letters
from letterocr.reproduce.finding import FAILS, HOLDS, WIDTH, Finding, Material, Table, deny

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
            "error on the test letters": f"{100 * reading.error:.1f} %",
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
    alone, e = nearest_multiples(A), stated.target
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
        f"In parts of E's length, the distance from E is {100 * stated.residual:.0f} % for L + F, "
        f"{100 * real:.0f} % for {mixed} and {100 * alone[e]:.0f} % for the nearest multiple of one letter; the best "
        f"of all pairs and triples is {best[0].text} with {100 * best[0].residual:.0f} %."
    )
    return Finding(
        "Letters are nearly linear combinations of others: L + F ~ E (9a).",
        verdict,
        evidence,
        {r.text: f"{100 * r.residual:.1f} %" for r in [stated, *best]}
        | {
            "distance of E from the span of all other letters": f"{100 * distance[e]:.1f} %",
            "the same for all letters, least": f"{100 * distance.min():.1f} %",
            "the same for all letters, largest": f"{100 * distance.max():.1f} %",
        },
        {"arithmetic": figure},
        "Sums of letters beside the letter that they approximate: " + ", ".join(r.text for r in [stated, *best[:3]]),
        (
            Table(
                "Nearest relations for E and I",
                ["letter", "nearest", "second", "third"],
                [
                    [
                        name,
                        *(f"{r.text} ({100 * r.residual:.0f} %)" for r in search(A, 3, target=name, alphabet=alphabet)),
                    ]
                    for name in "EI"
                ],
            ),
        ),
    )


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
