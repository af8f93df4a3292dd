"""The claim about letters and a digit: L + T - B + 3 ~ I (9b)."""

from __future__ import annotations

from letterocr.base.errors import UserError
from letterocr.figures.linear_algebra import draw_relation
from letterocr.figures.png import make_figure
from letterocr.matrix.arithmetic import (
    best_combination,
    distances_from_others,
    find_relation,
    measure_relation,
    nearest_multiples,
    search,
)
from letterocr.matrix.letter_matrix import alphabet_matrix
from letterocr.reproduce.finding import FAILS, HOLDS, NOT_MEASURED, WIDTH, Finding, Material, Table, deny

STATED = "Letters are nearly linear combinations of others and of digits: L + T - B + 3 ~ I (9b)."


def judge_digit_arithmetic(material: Material) -> Finding:
    """Judge (9b): L + T - B + 3 is nearly I."""
    try:
        letters = material.train_with_digits
    except UserError as error:
        return Finding(STATED, NOT_MEASURED, f"It needs the digit 3, which these letters lack. {error}", {})
    A, alphabet = alphabet_matrix(letters, digits=True), letters.alphabet
    stated = find_relation(A, "L + T - B + 3 = I", alphabet)
    *others, (_, three) = stated.terms
    swapped = [measure_relation(A, (*others, (1, k)), stated.target, alphabet) for k in _list_free(alphabet)]
    swapped.sort(key=lambda relation: relation.residual)
    place = 1 + [relation.terms[-1][1] for relation in swapped].index(three)
    coefficients, real = best_combination(A, "LTB3", "I", alphabet)
    mixed = _write_sum(coefficients.tolist(), "LTB3")
    alone, i = nearest_multiples(A), stated.target
    best = search(A, 9, target="I", alphabet=alphabet)
    if stated.residual < alone[i]:
        verdict = HOLDS
    elif real < alone[i]:
        verdict = deny(f"the coefficients must not be whole, as in {mixed} ~ I")
    else:
        verdict = FAILS
    figure = make_figure(WIDTH, 6)
    shown = [stated, *swapped[:1], *best[:2]] if place > 1 else [stated, *best[:3]]
    for axis, relation in zip(figure.subplots(4, 1), shown, strict=True):
        draw_relation(axis, A, relation)
    return Finding(
        STATED,
        verdict,
        f"In parts of I's length, the distance from I is {100 * stated.residual:.0f} % for L + T - B + 3, "
        f"{100 * real:.0f} % for {mixed} and {100 * alone[i]:.0f} % for the nearest multiple of one character. Of the "
        f"{len(swapped)} characters that can stand in place of the 3, the 3 is number {place} by nearness; the nearest "
        f"gives {swapped[0].text} with {100 * swapped[0].residual:.0f} %.",
        {relation.text: f"{100 * relation.residual:.1f} %" for relation in [stated, *best]}
        | {"distance of I from the span of all others": f"{100 * distances_from_others(A, alphabet)[i]:.1f} %"},
        {"digit": figure},
        "Sums of characters beside the letter that they approximate: " + ", ".join(relation.text for relation in shown),
        (
            Table(
                "L + T - B + X against I, nearest first",
                ["X", *(alphabet[relation.terms[-1][1]] for relation in swapped[:12])],
                [["distance", *(f"{100 * relation.residual:.0f} %" for relation in swapped[:12])]],
            ),
        ),
    )


def _write_sum(coefficients: list[float], names: str) -> str:
    """Return a sum such as 0.50 L - 1.00 B + 0.25 * 3."""
    text = ""
    for c, name in zip(coefficients, names, strict=True):
        sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
        text += f"{sign}{abs(c):.2f} {'* ' if name.isdecimal() else ''}{name}"
    return text


def _list_free(alphabet: str) -> list[int]:
    """Return the characters that can stand in place of the 3: all that the relation does not have."""
    return [k for k, name in enumerate(alphabet) if name not in "LTBI"]
