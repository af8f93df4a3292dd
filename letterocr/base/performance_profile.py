"""The performance profile (Dolan, More 2002).

For pairs p of a problem and a seed, and contenders s, with t the cost to reach the target of the problem:

    r(p, s) = t(p, s) / min_s t(p, s),        rho_s(tau) = (share of the pairs with r(p, s) <= tau)

Shapes: costs and ratios [P, S], infinite where the target is not reached.
"""

from __future__ import annotations

import numpy as np


def performance_ratios(costs: np.ndarray) -> np.ndarray:
    """r(p, s) [P, S]; infinite for the whole row of a pair that nobody solved, which still counts as a pair."""
    best = costs.min(axis=1, keepdims=True)
    solved = np.isfinite(costs)
    first = np.where(solved & (costs == best), 1.0, np.inf)  # a cost of nothing is the best there can be
    return np.divide(costs, best, out=first, where=solved & (best > 0))


def performance_profile(ratios: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """rho_s(tau) [S, len(tau)]."""
    return (ratios[:, :, None] <= tau).mean(axis=0)
