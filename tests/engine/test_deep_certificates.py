"""The bounds through two hidden layers are never above the true margins, for random networks and any steps."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from letterocr.engine.deep_certificates import DeepBlock, DeepCertificates, bound_norm

LETTERS, CLASSES, SAMPLES = 9, 5, 6


class Case:
    """A network, a block of any error vectors, and what the letters are after each of its samples."""

    def __init__(self, seed: int, widths: tuple[int, int], size: float, scale: float, beta: float, dtype: torch.dtype):
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

        m1, m2 = widths
        self.z, self.w, self.q = scale * draw(LETTERS, m1), scale * draw(CLASSES, m2), size * draw(SAMPLES, CLASSES)
        A, b = scale * draw(m2, m1) / m1**0.5, beta * scale * draw(m2)
        first, v, h = size * draw(SAMPLES, m1), size * draw(SAMPLES, m2), torch.sigmoid(scale * draw(SAMPLES, m1))
        rates, a = torch.linspace(0.1, 0.05, SAMPLES, dtype=dtype), draw(LETTERS, SAMPLES)
        self.bias, self.inputs = beta * draw(CLASSES), torch.sigmoid(draw(SAMPLES, m2))
        self.block = DeepBlock(first, h, v, rates, a, A, b, beta, bound_norm(A), self.w.clone())

    def compare(self) -> tuple[Tensor, Tensor]:
        """The bounds and the true margins of float64: [SAMPLES, LETTERS, CLASSES] each."""
        block = self.block
        letters, found, true = DeepCertificates(block, torch.sigmoid(self.z)), [], []
        for i in range(SAMPLES):
            self.z = self.z - block.rates[i] * block.a[:, i : i + 1] * block.first[i]
            self.w = self.w - block.rates[i] * torch.outer(self.q[i], self.inputs[i])
            h = torch.sigmoid(self.z)
            letters.take(i + 1)
            c, margins = letters.bound_margins(h, self.w, self.bias)
            x = self.evaluate(h, i + 1, torch.float64)
            found.append(margins.double())
            true.append(x.gather(1, c[:, None]) - x)
            own = torch.arange(LETTERS), c
            assert margins[own].isinf().all()
            evaluated = self.evaluate(h, i + 1, h.dtype)
            evaluated = (evaluated.gather(1, c[:, None]) - evaluated).double()
            evaluated[own] = torch.inf
            assert (margins <= evaluated).all()  # the full evaluation, with its own rounding
            found[-1][own], true[-1][own] = 0, 0
        return torch.stack(found), torch.stack(true)

    def evaluate(self, h: Tensor, stop: int, dtype: torch.dtype) -> Tensor:
        """The outputs of the letters: a full evaluation."""
        b, (h, v, earlier, rates) = self.block, (x.to(dtype) for x in (h, self.block.v, self.block.h, self.block.rates))
        z = h @ b.A.to(dtype).mT + b.b.to(dtype) - (rates[:stop] * (h @ earlier[:stop].mT + b.beta)) @ v[:stop]
        return torch.sigmoid(z) @ self.w.to(dtype).mT + self.bias.to(dtype)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.integers(0, 2**30),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.floats(-5, 2),
    st.sampled_from([0.1, 1.0, 10.0]),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_bounds_are_never_above_the_true_margins(
    seed: int, widths: tuple[int, int], size: float, scale: float, beta: float, dtype: torch.dtype
) -> None:
    found, true = Case(seed, widths, 10**size, scale, beta, dtype).compare()
    assert (found <= true + 1e-12 * true.abs()).all()


@pytest.mark.parametrize("size", [1e-3, 1e-2, 1e-1])
def test_bounds_are_tight(size: float) -> None:
    """What a bound gives away is on average less than three times the margin's change."""
    case = Case(3, (200, 150), size, 3.0, 1.0, torch.float64)
    start = case.evaluate(torch.sigmoid(case.z), 0, torch.float64)
    found, true = case.compare()
    c = start.argmax(1)[:, None]
    change = (true - (start.gather(1, c) - start)).abs()
    assert float((true - found).mean()) < 3 * float(change.mean())


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**30), st.integers(1, 30), st.integers(1, 30), st.sampled_from([torch.float32, torch.float64]))
def test_the_norm_is_bounded(seed: int, rows: int, columns: int, dtype: torch.dtype) -> None:
    x = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    largest = float(torch.linalg.matrix_norm(x.double(), 2))
    assert largest * (1 - 1e-12) <= bound_norm(x) < 1.3 * largest
