"""Performance profiles, which compare optimizers on many problems (Dolan, Moré 2002).

For pairs p of a problem and a seed, and contenders s, with t the cost to reach the target of the problem:

    r(p, s) = t(p, s) / min_s t(p, s),        rho_s(tau) = (share of the pairs with r(p, s) <= tau)

Shapes: costs and ratios [P, S], infinite where the target is not reached.
"""

from __future__ import annotations

import numpy as np


def performance_ratios(costs: np.ndarray) -> np.ndarray:
    """Performance ratios r(p, s).

    Args:
        costs: [P, S], infinite where the target is not reached.

    Returns:
        [P, S]; a pair that no contender solved is infinite in its whole row, and still counts as a pair.

    Example:
        >>> performance_ratios(np.array([[10.0, 20.0], [30.0, np.inf]])).tolist()
        [[1.0, 2.0], [1.0, inf]]
    """
    best = costs.min(axis=1, keepdims=True)
    solved = np.isfinite(costs)
    first = np.where(solved & (costs == best), 1.0, np.inf)  # a cost of 0 is the best possible
    return np.divide(costs, best, out=first, where=solved & (best > 0))


def performance_profile(ratios: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Performance profiles rho_s(tau).

    Args:
        ratios: [P, S], as `performance_ratios` returns them.
        tau: [T], at least 1.

    Returns:
        [S, T], the share of the pairs whose ratio is at most tau.

    Example:
        >>> performance_profile(np.array([[1.0, 2.0], [1.0, np.inf]]), np.array([1.0, 4.0])).tolist()
        [[1.0, 1.0], [0.0, 0.5]]
    """
    return (ratios[:, :, None] <= tau).mean(axis=0)
