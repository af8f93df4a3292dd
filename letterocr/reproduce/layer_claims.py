"""Claims about layers: linear hidden layer, sigmoid, symmetry (28), solution of least norm (21-31)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from letterocr.base.randomness import make_generator
from letterocr.figures.linear_algebra import draw_conditioning
from letterocr.figures.png import make_figure
from letterocr.matrix.arithmetic import collapse, find_relation, ranks
from letterocr.matrix.conditioning import hidden_activations, measure_conditioning, measure_through_hidden_layer
from letterocr.matrix.normal_equations import minimum_norm_solution
from letterocr.matrix.symmetry import HiddenLayer, measure_changes, relative_change, transform
from letterocr.models.chain import draw_hidden_layer
from letterocr.reproduce.finding import FAILS, HOLDS, WIDTH, Finding, Material, Table, deny, phrase_condition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPERATURES = (1.0, 5.0, 15.0, 50.0, 150.0, 500.0, 1500.0)
PAPERS = 150.0  # temperature of the paper


def judge_linear_hidden_layer(material: Material) -> Finding:
    """Judge (21-27): a hidden layer escapes the limits of (12) even if it is linear."""
    A = material.A.clone()
    for text in ("L + F = E", "F + T - E = I"):
        stated = find_relation(A, text, material.split.train.alphabet)
        A[:, stated.target] = sum(c * A[:, k] for c, k in stated.terms)
    W_h, b_h = draw_hidden_layer(biases=True)
    W_q, b_q = _draw_output_layer(W_h.shape[0], material.split.train.classes)
    W, b = collapse([W_h, W_q], [b_h, b_q])
    two = HiddenLayer(W_h, b_h, W_q, b_q).outputs(A)
    off = relative_change(two, W @ A + b[:, None])
    activations = {t: hidden_activations(A, W_h, b_h, t) for t in (None, PAPERS)}
    linear, bent = (ranks(h).with_ones for h in activations.values())
    before = ranks(A).with_ones
    return Finding(
        "A hidden layer escapes the limits of (12) even when it is linear (21-27).",
        FAILS if linear == before and off < 1e-9 else HOLDS,
        f"W_q (W_h A + b_h 1^T) + b_q 1^T equals W A + b 1^T with one W and one b, to {off:.0e}: (27) is (23). For "
        f"letters with two exact relations, rank [A; 1^T] = {before} becomes {linear} after a linear hidden layer and "
        f"{bent} after the sigmoid.",
        {
            "two linear layers and the one they collapse to, relative difference": f"{off:.1e}",
            "rank [A; 1^T], E = L + F and I = F + T - E made exact": before,
            "after 1800 linear hidden units": linear,
            f"after 1800 hidden units at T = {PAPERS:g}": bent,
        },
        {"linear": _draw_ranks(A, activations)},
        f"Singular values with a row of ones: those of the letters and of a linear hidden layer end after {before} and "
        f"{linear}, those after the sigmoid after {bent}",
    )


def _draw_ranks(A: torch.Tensor, activations: dict[float | None, torch.Tensor]) -> Figure:
    """Draw the singular values, with a row of ones, of the letters and of the hidden layers, largest 1."""
    figure = make_figure(WIDTH, 3.6)
    axis = figure.subplots()
    names = {"letters": A, "linear hidden layer": activations[None], f"sigmoid, T = {PAPERS:g}": activations[PAPERS]}
    for (label, matrix), marker in zip(names.items(), "osx", strict=True):
        values = torch.linalg.svdvals(torch.cat([matrix, torch.ones(1, matrix.shape[1], dtype=matrix.dtype)]))
        axis.plot(range(1, len(values) + 1), values / values[0], marker, markersize=4, label=label)
    axis.set(yscale="log", xlabel="number", ylabel="singular value, largest = 1")
    axis.grid(alpha=0.3)
    axis.legend()
    return figure


def judge_sigmoid(material: Material) -> Finding:
    """Judge (21-27): what a hidden layer gains when it is not linear."""
    layer = draw_hidden_layer()
    pixels, hidden = measure_conditioning(material.A), measure_through_hidden_layer(material.A, *layer, TEMPERATURES)
    figure = make_figure(WIDTH, 3.6)
    draw_conditioning(figure.subplots(), pixels, hidden)
    own = pixels.centred_ranks.entropy
    buys = [c.temperature for c in hidden if c.temperature and c.centred_ranks.entropy >= own + 1]
    if PAPERS in buys:
        verdict = HOLDS
    else:
        verdict = phrase_condition(f"s is not linear: T of {max(buys):g} or less with these weights") if buys else FAILS
    at_papers = next(c for c in hidden if c.temperature == PAPERS)
    return Finding(
        "A hidden layer tells apart letters that a linear map can't (21-27).",
        verdict,
        f"Without the mean letter, the letters have an effective rank (entropy) of {own:.1f} as pixels, "
        f"{hidden[0].centred_ranks.entropy:.1f} after the hidden layer at T = {hidden[0].temperature:g} and "
        f"{at_papers.centred_ranks.entropy:.1f} at T = {PAPERS:g}, where s is still nearly linear before training.",
        {"weights": "normal with standard deviation 15, as runs at T = 150 start; the same at every T"},
        {"sigmoid": figure},
        f"Effective rank against the temperature: it falls from {hidden[0].centred_ranks.entropy:.1f} to that of the "
        f"pixels, {own:.1f}",
        (
            Table(
                "Letters without the mean letter",
                ["", "effective rank", "condition number"],
                [
                    [name, f"{c.centred_ranks.entropy:.2f}", f"{c.centred_condition:.1f}"]
                    for name, c in [("pixels", pixels), *((f"T = {c.temperature:g}", c) for c in hidden)]
                ],
            ),
        ),
    )


def judge_symmetry(material: Material) -> Finding:
    """Judge (28): other weights of the hidden layer give the same outputs."""
    width = 300
    W_h, b_h = draw_hidden_layer(width, biases=True)
    layer = HiddenLayer(W_h, b_h, *_draw_output_layer(width, material.split.train.classes))
    draw = torch.randn(width, width, generator=make_generator(0, "claims", "symmetry"), dtype=torch.float64)
    V = torch.linalg.qr(draw).Q
    linear = relative_change(layer.outputs(material.A), transform(layer, V).outputs(material.A))
    temperatures = (*TEMPERATURES, 15_000.0)
    with_bias = measure_changes(layer, V, material.A, temperatures)
    without = measure_changes(layer, V, material.A, temperatures, with_bias=False)
    permuted = torch.eye(width, dtype=torch.float64)[
        torch.randperm(width, generator=make_generator(0, "claims", "permutation"))
    ]
    exchanged = max(measure_changes(layer, permuted, material.A, temperatures).values())
    figure = make_figure(WIDTH, 3.6)
    axis = figure.subplots()
    for label, found in (("b_q is changed too", with_bias), ("b_q is not changed", without)):
        axis.plot(list(found), list(found.values()), "o-", markersize=3, linewidth=1, label=label)
    axis.set(xscale="log", yscale="log", xlabel="temperature", ylabel="change of the outputs, relative")
    axis.grid(alpha=0.3)
    axis.legend()
    return Finding(
        "W_q V and V^T (V V^T)^-1 W_h give the same network as W_q and W_h (28).",
        phrase_condition("s is linear, or V permutes the hidden values")
        if linear < 1e-9 and with_bias[PAPERS] > 0.01
        else HOLDS,
        f"With a random orthogonal V the outputs of a linear layer change by {linear:.0e} of the differences between "
        f"letters. With the sigmoid at T = {PAPERS:g} they change by {100 * with_bias[PAPERS]:.0f} % if "
        f"s(0) W_q (1 - V 1) is added to b_q, and by {100 * without[PAPERS]:.0f} % if not; a permutation "
        "changes nothing.",
        {"linear": f"{linear:.1e}", "V a permutation, at every T": f"{exchanged:.1e}"},
        {"symmetry": figure},
        f"Change of the outputs against the temperature: {100 * with_bias[PAPERS]:.0f} % at T = {PAPERS:g} "
        "if b_q changes too",
        (
            Table(
                "Change of the outputs, relative to the differences between letters",
                ["temperature", "b_q changed", "b_q not changed"],
                [[f"{t:g}", f"{with_bias[t]:.2g}", f"{float(f'{without[t]:.2g}'):,.10g}"] for t in temperatures],
            ),
        ),
    )


def _draw_output_layer(width: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw a random W_q [classes, width] and b_q [classes]."""
    generator = make_generator(0, "claims", "output", width)
    return (
        torch.randn(classes, width, generator=generator, dtype=torch.float64),
        torch.randn(classes, generator=generator, dtype=torch.float64),
    )


def judge_normal_equations(material: Material) -> Finding:
    """Judge (29-31): the weights at which the mean gradient is zero are (8)."""
    found = minimum_norm_solution(material.A)
    values = torch.linalg.svdvals(material.A).square() / material.A.shape[1]
    figure = make_figure(WIDTH, 3.2)
    axis = figure.subplots()
    axis.semilogy(range(1, len(values) + 1), values, "o-", markersize=3, linewidth=1)
    axis.axvspan(len(values) + 0.5, 45, color="0.9")
    axis.text(36, float(values[len(values) // 2]), "zero", ha="center")
    axis.set(xlabel="number, of 900", ylabel="eigenvalue of R", xlim=(0, 45))
    axis.grid(alpha=0.3)
    return Finding(
        "The best W solves R W = z with R = (1/p) sum a_k a_k^T (29-31).",
        deny("R W^T = Z = (1/p) A C^T is right; R is singular, and (8) is its solution of least norm"),
        f"R of 900 by 900 has rank {found.rank}; the least-norm solution of R W^T = Z differs from (8) by "
        f"{found.difference:.0e} of its length and leaves a residual of {found.residual:.0e}.",
        {
            "rank of R": found.rank,
            "|R W^T - Z| / |Z|": f"{found.residual:.1e}",
            "|W - A^+| / |A^+|": f"{found.difference:.1e}",
        },
        {"normal": figure},
        f"Eigenvalues of R: {found.rank} fall from {values[0]:.3g} to {values[-1]:.2g}, all others of the 900 are zero",
    )
