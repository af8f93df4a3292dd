"""A Triton kernel for products of large matrices in three-term TF32: as exact as float32, on the tensor cores."""

import torch
import triton
import triton.language as tl

ROWS, COLUMNS, DEPTH, WARPS = 128, 128, 32, 8


@triton.jit
def multiply_tiles(
    A, B, X, a_step, a_row, b_step, b_row, x_step, x_row, rows, columns, depth,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Compute a tile of X = A B^T for A [rows, depth] and B [columns, depth], for each of R pairs of matrices."""
    r = tl.program_id(2).to(tl.int64)
    A += r * a_step
    B += r * b_step
    X += r * x_step
    i = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    j = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    k = tl.arange(0, DEPTH)
    at_a = A + i.to(tl.int64)[:, None] * a_row + k[None, :]
    at_b = B + j.to(tl.int64)[None, :] * b_row + k[:, None]
    total = tl.zeros((ROWS, COLUMNS), X.dtype.element_ty)
    for start in range(0, depth, DEPTH):
        inside = start + k < depth
        a = tl.load(at_a + start, mask=(i < rows)[:, None] & inside[None, :], other=0.0)
        b = tl.load(at_b + start, mask=inside[:, None] & (j < columns)[None, :], other=0.0)
        total += tl.dot(a, b, input_precision=PRECISION, out_dtype=X.dtype.element_ty)
    at_x = X + i.to(tl.int64)[:, None] * x_row + j[None, :]
    tl.store(at_x, total, mask=(i < rows)[:, None] & (j < columns)[None, :])


def multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return A B^T.

    Args:
        a: [R, rows, depth] float32; its rows lie together.
        b: [R, columns, depth], likewise.

    Returns:
        [R, rows, columns].
    """
    replicas, rows, depth = a.shape
    columns = b.shape[1]
    x = a.new_empty(replicas, rows, columns)
    multiply_tiles[(-(-columns // COLUMNS), -(-rows // ROWS), replicas)](
        a, b, x, a.stride(0), a.stride(1), b.stride(0), b.stride(1), x.stride(0), x.stride(1), rows, columns, depth,
        ROWS=ROWS, COLUMNS=COLUMNS, DEPTH=DEPTH, PRECISION="tf32x3", num_warps=WARPS,
    )  # fmt: skip
    return x
