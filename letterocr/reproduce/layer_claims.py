"""Claims about layers: linear hidden layer, sigmoid, symmetry (28), solution of least norm (21-31)."""

from __future__ import annotations

import torch

from letterocr.base.randomness import make_generator
from letterocr.figures.linear_algebra import draw_conditioning
from letterocr.figures.png import make_figure
from letterocr.matrix.arithmetic import collapse, find_relation, ranks
from letterocr.matrix.conditioning import hidden_activations, measure_conditioning, measure_through_hidden_layer
from letterocr.matrix.normal_equations import minimum_norm_solution
from letterocr.matrix.symmetry import HiddenLayer, measure_changes, relative_change, transform
from letterocr.models.chain import draw_hidden_layer
from letterocr.reproduce.finding import FAILS, HOLDS, Finding, Material, phrase_condition

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
    )


def judge_sigmoid(material: Material) -> Finding:
    """Judge (21-27): what a hidden layer gains when it is not linear."""
    layer = draw_hidden_layer()
    pixels, hidden = measure_conditioning(material.A), measure_through_hidden_layer(material.A, *layer, TEMPERATURES)
    figure = make_figure(7, 4)
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
        {"pixels: effective rank, condition number": f"{own:.2f}, {pixels.centred_condition:.1f}"}
        | {f"T = {c.temperature:g}": f"{c.centred_ranks.entropy:.2f}, {c.centred_condition:.1f}" for c in hidden}
        | {"weights": "normal with standard deviation 15, as runs at T = 150 start; the same at every T"},
        {"sigmoid": figure},
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
    figure = make_figure(7, 4)
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
        f"letters. With the sigmoid at T = {PAPERS:g} they change by {with_bias[PAPERS]:.0%} if s(0) W_q (1 - V 1) is "
        f"added to b_q, and by {without[PAPERS]:.0%} if not; a permutation changes nothing.",
        {"linear": f"{linear:.1e}", "V a permutation, at every T": f"{exchanged:.1e}"}
        | {f"T = {t:g}: b_q changed, not changed": f"{with_bias[t]:.2g}, {without[t]:.2g}" for t in temperatures},
        {"symmetry": figure},
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
    return Finding(
        "The best W solves R W = z with R = (1/p) sum a_k a_k^T (29-31).",
        phrase_condition(
            "it is corrected to R W^T = Z = (1/p) A C^T; R is singular, and (8) is the solution of least norm"
        ),
        f"R of 900 by 900 has rank {found.rank}; the least-norm solution of R W^T = Z differs from (8) by "
        f"{found.difference:.0e} of its length and leaves a residual of {found.residual:.0e}.",
        {
            "rank of R": found.rank,
            "|R W^T - Z| / |Z|": f"{found.residual:.1e}",
            "|W - A^+| / |A^+|": f"{found.difference:.1e}",
        },
    )
