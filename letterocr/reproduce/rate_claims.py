"""The claim about learning rates: the best one is 1/lambda_max of R (29)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from letterocr.figures.png import make_figure
from letterocr.matrix import rate_bounds
from letterocr.reproduce.finding import WIDTH, Finding, Material, phrase_condition

STEPS = 200


def judge_best_rate(material: Material) -> Finding:
    """Judge (29): the best learning rate is 1/lambda_max of R = (1/p) A A^T, for p letters."""
    letters = rate_bounds.with_bias(material.A.mT, bias=False)
    values = rate_bounds.eigenvalues(letters)
    largest, smallest = float(values[0]), float(values[-1])
    lecun, limit = rate_bounds.lecun_rate(largest), rate_bounds.stability_limit(largest)
    best, sample = rate_bounds.best_fixed_rate(largest, smallest), rate_bounds.sample_limit(letters, 0.5)
    radius = rate_bounds.epoch_radius(rate_bounds.coordinates(letters), lecun, 0.5)
    kept = {name: 1 - measure_left_over(letters, alpha) for name, alpha in (("lecun", lecun), ("best", best))}
    left = measure_left_over(letters, 1.02 * limit)
    return Finding(
        "The best learning rate is 1/lambda_max of R (29).",
        phrase_condition(
            "all letters are learned at once and the loss is half of (4); 2/(lambda_max + smallest), "
            f"{best / lecun:.2f} times as large, is faster even then"
        ),
        f"lambda_max is {largest:.3g}, the smallest non-zero eigenvalue {smallest:.2g}. After {STEPS} steps from W = 0 "
        f"the loss has fallen by {100 * kept['lecun']:.2f} % with rate {lecun:.3g} and by "
        f"{100 * kept['best']:.2f} % with {best:.3g}; "
        f"with 1.02 times {limit:.3g} it has grown to {float(f'{left:.1g}'):,.0f} times its start. With one "
        f"letter at a time the safe bound is 2/max|a|^2 = {sample:.3g}; with {lecun:.3g} an epoch multiplies the error "
        f"by {radius:.3g}.",
        {
            "lambda_max of R": f"{largest:.4g}",
            "smallest non-zero eigenvalue": f"{smallest:.3g}",
            "1/lambda_max": f"{lecun:.4g}",
            "2/(lambda_max + smallest), fastest for all letters at once": f"{best:.4g}",
            "2/lambda_max, limit for the half-loss": f"{limit:.4g}",
            "1/lambda_max, limit for (4)": f"{limit / 2:.4g}",
            "2/max|a|^2, safe for one letter at a time": f"{sample:.4g}",
            "spectral radius of a per-sample epoch at 1/lambda_max": f"{radius:.3g}",
        },
        {"rates": _draw_spectrum(letters, lecun, limit)},
        f"Loss left after {STEPS} steps against the learning rate: it falls until 2/lambda_max and then rises",
    )


def measure_left_over(letters: Tensor, alpha: float) -> float:
    """The half-loss after `STEPS` full-batch steps from W = 0, divided by the half-loss at W = 0.

    Along each eigenvector of the letters' Gram matrix a step multiplies the output error by 1 - alpha lambda: no W is
    needed.

    Args:
        letters: [C, 900], one of each class.
        alpha: the learning rate.

    Example:
        >>> letters = torch.eye(2, dtype=torch.float64)  # both eigenvalues of R are 1/2: 1/lambda_max is 2
        >>> [f"{measure_left_over(letters, alpha):.1f}" for alpha in (2.0, 4.0)]
        ['0.0', '1.0']
    """
    values, vectors = torch.linalg.eigh(letters @ letters.mT / len(letters))
    kept = (1 - alpha * values) ** (2 * STEPS)
    return float((vectors.square() * kept).sum() / len(letters))


def _draw_spectrum(letters: Tensor, lecun: float, limit: float) -> object:
    """Draw the loss that is left against the learning rate."""
    alphas = np.geomspace(limit / 100, 1.05 * limit, 200)
    figure = make_figure(WIDTH, 3.4)
    axis = figure.subplots()
    axis.semilogx(alphas, [min(measure_left_over(letters, a), 1.5) for a in alphas])
    axis.axvline(lecun, color="grey", linestyle="--", linewidth=1)
    axis.axvline(limit, color="grey", linestyle=":", linewidth=1)
    axis.text(lecun, 1.3, "1/λ ", ha="right")
    axis.text(limit, 1.3, "2/λ ", ha="right")
    axis.set(xlabel="learning rate", ylabel=f"loss left after {STEPS} steps", ylim=(0, 1.5))
    return figure
