"""A Triton kernel for the scalars of a block of updates: `momentum.make_tables` for R replicas at once."""

import torch
import triton
import triton.language as tl

from letterocr.engine.gpu.launch_plan import round_up


@triton.jit(do_not_specialize=["n"])
def fill_tables(rates, settings, w_table, m_table, n, COLUMNS: tl.constexpr):
    """Fill both tables [n + 1, n + 2] of a replica; `settings` holds momentum and weight decay."""
    r = tl.program_id(0).to(tl.int64)
    rates += r * n
    w_table += r * (n + 1) * (n + 2)
    m_table += r * (n + 1) * (n + 2)
    c = tl.arange(0, COLUMNS)
    momentum, decay = tl.load(settings), tl.load(settings + 1)
    zero = tl.zeros((COLUMNS,), rates.dtype.element_ty)
    w, m = tl.where(c == 0, zero + 1, zero), tl.where(c == 1, zero + 1, zero)
    tl.store(w_table + c, w, mask=c < n + 2)
    tl.store(m_table + c, m, mask=c < n + 2)
    for t in range(1, n + 1):
        m = momentum * m + decay * w + tl.where(c == t + 1, zero + 1, zero)
        w = w - tl.load(rates + t - 1) * m
        tl.store(w_table + t * (n + 2) + c, w, mask=c < n + 2)
        tl.store(m_table + t * (n + 2) + c, m, mask=c < n + 2)


def make_tables_together(rates: torch.Tensor, settings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the tables of `make_tables` for R replicas.

    Args:
        rates: [R, n] float64, together in memory.
        settings: momentum and weight decay, float64.

    Returns:
        The tables of W and of M [R, n + 1, n + 2].
    """
    replicas, n = rates.shape
    w, m = (rates.new_empty(replicas, n + 1, n + 2) for _ in range(2))
    fill_tables[(replicas,)](rates, settings, w, m, n, COLUMNS=round_up(n + 2), num_warps=1)
    return w, m
