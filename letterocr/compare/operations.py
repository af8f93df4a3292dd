"""Multiply-adds a sample, by the equations of each method, for updates of one sample.

Counted are the terms that grow with a weight matrix or with a square of its sides; operations on a layer's single
vectors, such as s and s', are left out, as are additions alone, random draws and square roots. No engine's tricks are
counted: a product W a costs out in, whatever of it is shared, deferred or skipped.

Legend: of weight matrix k, m = outputs, n = inputs, P = sum of m n over all matrices, P' = the same without the first.

    forward      P         W h for every matrix
    backward     P'        W^T v for every matrix but the first
    update       P         W <- W + l r^T
    vanilla      forward + backward + update = 2 P + P'; momentum adds 2 P (mu M, alpha M), weight decay P
    sgd          vanilla, and P for a mask of single weights; masks of rows, columns or layers act on v and h alone
    asgd         vanilla, and P for the running mean, in the part of the run that is averaged
    newton       forward + update, and 2 n^2: R^-1 a, and the rank-one update of R^-1 (recursive least squares)
    gauss_newton vanilla, and 26 P' (the unit errors sent back), 26^2 m for each matrix (J J^T), 26^3 / 3 (to solve
                 with it)
    smd          vanilla, and 2 (P + P') for the curvature-vector product (forward with V and W, backward, outer
                 product), 8 P elementwise: the gains (3), the step (2), the effects (3)
    diagonal     vanilla, and 2 P' (backward with squared weights, and the squares), P for the curvatures' outer
                 product, 4 P elementwise: the mean (2), the quotient (1), the step (1)
    kfac         vanilla, and P' (noise sent back), and for each matrix 4 n^2 + 4 m^2: S^-1 h (1), the update of rank
                 two (2), A^-1 h (1), and the same for G
    learned      vanilla, and for each weight and bias one pass through the rule's network, which takes as many
                 multiply-adds as its matrices have entries
    learned_factored   vanilla, and one such pass for each entry of every v, and of every h with its bias
    Adam         vanilla, and 7 P elementwise: m (1), v (3), the root's scale (1), the quotient (1), the step (1)
"""

from __future__ import annotations

import math
from itertools import pairwise

from letterocr.config.train import TrainConfig
from letterocr.data.letters import ALPHABET
from letterocr.models.chain import layer_sizes

OUTPUTS = len(ALPHABET)


def multiply_adds(config: TrainConfig) -> float:
    """Multiply-adds for each sample that a run learns, the mean over the run.

    Raises:
        KeyError: an optimizer of PyTorch that the legend has not.
    """
    sizes = list(pairwise(layer_sizes(config.model)))
    weights = sum(n * m for n, m in sizes)
    behind = weights - sizes[0][0] * sizes[0][1]
    vanilla = 2 * weights + behind
    optimizer, squares = config.optimizer, sum(n * n + m * m for n, m in sizes)
    match optimizer.name:
        case "vanilla":
            return vanilla + (2 * weights if optimizer.momentum else 0) + (weights if optimizer.weight_decay else 0)
        case "sgd":
            return vanilla + (weights if optimizer.mask == "weight" else 0)
        case "asgd":
            return vanilla + (1 - optimizer.start) * weights
        case "newton":
            return 2 * weights + 2 * sizes[0][0] ** 2
        case "gauss_newton":
            outputs = sum(m for _, m in sizes)
            return vanilla + OUTPUTS * behind + OUTPUTS**2 * outputs + OUTPUTS**3 / 3
        case "smd":
            return vanilla + 2 * (weights + behind) + 8 * weights
        case "diagonal":
            return vanilla + 2 * behind + 5 * weights
        case "kfac":
            return vanilla + behind + 4 * squares
        case "learned":
            from letterocr.optimizers.learned.learned import SHAPES

            biases = sum(m for _, m in sizes) if config.model.bias else 0
            return vanilla + (weights + biases) * _count_entries(SHAPES)
        case "learned_factored":
            from letterocr.optimizers.learned.learned_factored import SHAPES

            return vanilla + sum(
                m * _count_entries(SHAPES, "v.") + (n + 1) * _count_entries(SHAPES, "h.") for n, m in sizes
            )
        case "Adam":
            return vanilla + 7 * weights
    raise KeyError(optimizer.name)


def _count_entries(shapes: dict[str, tuple[int, ...]], prefix: str = "") -> int:
    """How many entries the matrices of a rule's network have."""
    return sum(math.prod(s) for name, s in shapes.items() if name.startswith(prefix) and not name.endswith("bias"))
