"""Gradients through matrix functions and factors: finite differences, PyTorch where it is finite, closed forms."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor
from torch.autograd import gradcheck

from letterocr.matrix.backprop import eigen, matrix_log, matrix_sqrt, of_singular, of_symmetric, pseudo_inverse, svd
from letterocr.matrix.divided_differences import Scalar, logarithm, square_root

EPSILON = 0.01
IDENTITY = Scalar(lambda s: s, lambda a, b: torch.ones_like(a * b))
CUBE = Scalar(lambda s: s**3, lambda a, b: a * a + a * b + b * b)
POLAR = Scalar(torch.sign, lambda a, b: torch.where((a > 0) & (b > 0), 0, 1 / torch.maximum(a, b)))
# Distinct, repeated, zero, and repeated zero eigenvalues.
SPECTRA = [[0.5, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def basis(m: int, n: int, seed: int) -> Tensor:
    """Orthonormal columns [m, n]."""
    return torch.linalg.qr(random(m, n, seed=seed))[0]


def symmetric(values: list[float], seed: int = 1) -> Tensor:
    U = basis(len(values), len(values), seed)
    X = U @ torch.tensor(values, dtype=torch.float64).diag() @ U.T
    return (X + X.T) / 2


def rectangular(m: int, n: int, values: list[float]) -> Tensor:
    return basis(m, len(values), 2) @ torch.tensor(values, dtype=torch.float64).diag() @ basis(n, len(values), 3).T


def gradient(function, X: Tensor, G: Tensor | None = None) -> Tensor:
    """Of the loss <G, function(X)>, or of function(X) itself."""
    X = X.clone().requires_grad_()
    Y = function(X)
    return torch.autograd.grad((Y if G is None else (G * Y)).sum(), X)[0]


def sym(X: Tensor) -> Tensor:
    return (X + X.mT) / 2


# Functions of a symmetric matrix


@pytest.mark.parametrize("values", SPECTRA, ids=str)
def test_logarithm_and_root_are_scipys(values):
    X = symmetric(values)
    shifted = (X + EPSILON * torch.eye(4)).numpy()
    np.testing.assert_allclose(matrix_log(X, EPSILON), scipy.linalg.logm(shifted), atol=1e-12)
    np.testing.assert_allclose(matrix_sqrt(X, EPSILON), scipy.linalg.sqrtm(shifted), atol=1e-12)


@pytest.mark.parametrize("values", SPECTRA, ids=str)
def test_the_logarithms_gradient_is_its_frechet_derivative(values):
    """By SciPy's own method: log of [[X, G], [0, X]] holds the derivative in its corner (Higham 2008, 3.6)."""
    X, G = symmetric(values), sym(random(4, 4))
    shifted = X + EPSILON * torch.eye(4)
    double = torch.cat([torch.cat([shifted, G], 1), torch.cat([torch.zeros(4, 4), shifted], 1)])
    corner = scipy.linalg.logm(double.numpy())[:4, 4:]
    np.testing.assert_allclose(gradient(lambda Z: matrix_log(Z, EPSILON), X, G), corner, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("values", SPECTRA[:3], ids=str)
@pytest.mark.parametrize("f", [logarithm(EPSILON), square_root(0.0), CUBE], ids=["log", "sqrt", "cube"])
def test_functions_of_symmetric_matrices_pass_gradcheck(values, f):
    batch = torch.stack([symmetric(values, 1), symmetric(values, 5)]).requires_grad_()
    assert gradcheck(lambda Z: of_symmetric(Z, f), batch)


def test_at_the_identity_the_logarithm_has_a_closed_form():
    """D log(X + epsilon)[G] = G/(1 + epsilon); PyTorch's own chain is not finite there."""
    G = random(5, 5)
    X = torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(gradient(lambda Z: matrix_log(Z, EPSILON), X, G), sym(G) / (1 + EPSILON))

    def chained(Z: Tensor) -> Tensor:
        values, U = torch.linalg.eigh(sym(Z))
        return (U * (values + EPSILON).log()) @ U.T

    assert not gradient(chained, X, G).isfinite().all()


def test_where_pytorch_is_finite_it_agrees():
    X, G = symmetric([0.5, 1.0, 2.0, 3.0]), random(4, 4)

    def chained(Z: Tensor) -> Tensor:
        values, U = torch.linalg.eigh(sym(Z))
        return (U * (values + EPSILON).log()) @ U.T

    torch.testing.assert_close(gradient(lambda Z: matrix_log(Z, EPSILON), X, G), gradient(chained, X, G))


@pytest.mark.parametrize("gap", [1e-4, 1e-7, 1e-10, 1e-13, 1e-15])
def test_nearly_equal_eigenvalues_lose_no_digits(gap):
    """The gradient of sqrt solves Y D + D Y = G (Sylvester), which knows no gaps."""
    X, G = symmetric([1.0, 1.0 + gap, 2.0, 2.0 - gap]), sym(random(4, 4))
    root = scipy.linalg.sqrtm(X.numpy())
    expected = scipy.linalg.solve_sylvester(root, root, G.numpy())
    np.testing.assert_allclose(gradient(matrix_sqrt, X, G), expected, rtol=1e-10)


def test_the_root_of_a_singular_matrix_is_right_along_its_own_rank():
    """X = B B^T of rank 2 stays of rank 2 with B: the derivative along B by finite differences."""
    B, direction, G = random(5, 2), random(5, 2, seed=4), random(5, 5, seed=5)
    step = 1e-5

    def loss(C: Tensor) -> Tensor:
        return (G * matrix_sqrt(C @ C.T)).sum()

    numerical = (loss(B + step * direction) - loss(B - step * direction)) / (2 * step)
    torch.testing.assert_close((gradient(loss, B) * direction).sum(), numerical, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("values", SPECTRA, ids=str)
def test_single_precision_is_finite_too(values):
    X, G = symmetric(values).float(), random(4, 4).float()
    single = gradient(lambda Z: matrix_log(Z, EPSILON), X, G)
    double = gradient(lambda Z: matrix_log(Z, EPSILON), X.double(), G.double())
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=2e-3)  # 1/epsilon times single rounding


def test_what_is_not_finite_gives_nan_and_leaves_the_rest_of_the_batch():
    X = torch.stack([symmetric(SPECTRA[0]), torch.full((4, 4), torch.nan)]).requires_grad_()
    Y = matrix_log(X, EPSILON)
    assert torch.equal(Y[0], matrix_log(X[0], EPSILON))
    assert Y[1].isnan().all()
    assert torch.autograd.grad(Y[0].sum(), X)[0][0].isfinite().all()


# Pseudo-inverse and functions of singular values


def golub_pereyra(A: Tensor, G: Tensor) -> Tensor:
    """The gradient of <G, A^+> where the rank stays: the adjoint of Golub and Pereyra 1973, (4.12)."""
    P = torch.from_numpy(np.linalg.pinv(A.numpy(), rcond=1e-10))
    left, right = torch.eye(len(A)) - A @ P, torch.eye(A.shape[1]) - P @ A
    return -P.T @ G @ P.T + left @ G.T @ P @ P.T + P.T @ P @ G.T @ right


@pytest.mark.parametrize(("m", "n"), [(6, 4), (4, 6), (5, 5)])
@pytest.mark.parametrize("values", [[3.0, 2.0, 1.0], [2.0, 2.0, 2.0], [1.0], [2.0, 2.0, 1.0, 1.0]], ids=str)
def test_the_pseudo_inverse_at_any_rank_is_golub_and_pereyras(m, n, values):
    A, G = rectangular(m, n, values), random(n, m)
    torch.testing.assert_close(pseudo_inverse(A), torch.from_numpy(np.linalg.pinv(A.numpy(), rcond=1e-10)))
    torch.testing.assert_close(gradient(pseudo_inverse, A, G), golub_pereyra(A, G))


@pytest.mark.parametrize(("m", "n"), [(6, 4), (4, 6), (4, 4)])
def test_the_pseudo_inverse_passes_gradcheck_and_agrees_with_pytorch(m, n):
    batch = torch.stack([random(m, n), rectangular(m, n, [2.0, 2.0, 1.0, 1.0])]).requires_grad_()
    assert gradcheck(pseudo_inverse, batch)
    G = random(n, m)
    torch.testing.assert_close(gradient(pseudo_inverse, batch[0], G), gradient(torch.linalg.pinv, batch[0], G))


def test_the_pseudo_inverse_of_zero_is_finite():
    A, G = torch.zeros(4, 3, dtype=torch.float64), random(3, 4)
    assert not pseudo_inverse(A).any()
    assert not gradient(pseudo_inverse, A, G).any()


def test_a_tolerance_cuts_small_singular_values():
    A = rectangular(5, 4, [1.0, 0.5, 1e-3])
    cut = rectangular(5, 4, [1.0, 0.5])  # not the same subspaces: only the rank is compared
    assert torch.linalg.matrix_rank(pseudo_inverse(A, 0.01)) == torch.linalg.matrix_rank(cut) == 2


@pytest.mark.parametrize(("m", "n"), [(6, 4), (4, 6), (4, 4)])
@pytest.mark.parametrize("values", [[3.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0], [2.0, 2.0], [0.0]], ids=str)
def test_rebuilding_a_matrix_from_its_singular_values_costs_no_gradient(m, n, values):
    """|U S V^T - M|^2 is |X - M|^2 whatever the singular values: its gradient is 2 (X - M)."""
    X, M = rectangular(m, n, values), random(m, n)
    rebuilt = gradient(lambda Z: (of_singular(Z, IDENTITY) - M).square().sum(), X)
    torch.testing.assert_close(rebuilt, 2 * (X - M))


@pytest.mark.parametrize(("m", "n"), [(6, 4), (4, 6), (4, 4)])
@pytest.mark.parametrize("values", [[3.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0], [2.0, 2.0], [0.0]], ids=str)
def test_the_cube_of_the_singular_values_is_a_product(m, n, values):
    """U S^3 V^T = X X^T X, with the product's own gradient at repeated and at zero values."""
    X, G = rectangular(m, n, values), random(m, n)
    torch.testing.assert_close(
        gradient(lambda Z: of_singular(Z, CUBE), X, G), gradient(lambda Z: Z @ Z.T @ Z, X, G), rtol=1e-9, atol=1e-9
    )


# Eigenvectors and singular vectors by themselves


def signless(U: Tensor) -> Tensor:
    """What does not depend on the signs of the columns."""
    return torch.einsum("...ik,...jk->...kij", U, U)


@pytest.mark.parametrize("values", [SPECTRA[0], [-2.0, -0.5, 0.0, 1.0]], ids=str)
def test_eigenvectors_at_distinct_eigenvalues(values):
    batch = torch.stack([symmetric(values, 1), symmetric(values, 5)]).requires_grad_()
    assert gradcheck(lambda Z: eigen(Z)[0], batch)
    assert gradcheck(lambda Z: signless(eigen(Z)[1]), batch)
    G = random(4, 4, 4)
    for layer in (lambda Z: signless(eigen(Z)[1]), lambda Z: eigen(Z)[0][:, None, None]):
        expected = gradient(lambda Z, layer=layer: layer(Z), batch[0].detach(), G)

        def own(Z: Tensor, layer=layer) -> Tensor:
            values, U = torch.linalg.eigh(sym(Z))
            return signless(U) if layer(Z).shape[-1] == 4 else values[:, None, None]

        torch.testing.assert_close(expected, gradient(own, batch[0].detach(), G))


@pytest.mark.parametrize(("m", "n"), [(6, 4), (4, 6), (4, 4)])
def test_singular_vectors_at_distinct_singular_values(m, n):
    batch = torch.stack([random(m, n), random(m, n, seed=1)]).requires_grad_()

    def outer(factors) -> tuple[Tensor, Tensor]:
        U, s, Vh = factors
        return torch.einsum("...ik,...kj->...kij", U, Vh), s

    assert gradcheck(lambda Z: outer(svd(Z)), batch)
    for part, G in ((0, random(4, m, n)), (1, random(4))):
        own = gradient(lambda Z, part=part: outer(svd(Z))[part], batch[0].detach(), G)
        torchs = gradient(
            lambda Z, part=part: outer(torch.linalg.svd(Z, full_matrices=False))[part], batch[0].detach(), G
        )
        torch.testing.assert_close(own, torchs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("values", SPECTRA, ids=str)
def test_factors_have_finite_gradients_everywhere(values, dtype):
    G = random(4, 4).to(dtype)
    for X in (symmetric(values).to(dtype), torch.tensor(values, dtype=dtype).diag()):
        assert gradient(lambda Z: eigen(Z)[1], X, G).isfinite().all()
        assert gradient(lambda Z: svd(Z)[0] + svd(Z)[2], X, G).isfinite().all()


def test_a_whole_eigenspace_has_the_gradient_of_its_projector():
    """The upper two of 0.5, 0.5, 2, 2: P = (X - 0.5)/1.5 here, dP = (P dX Q + Q dX P)/1.5 (Kato 1966)."""
    G = sym(random(4, 4))
    for X in (symmetric([0.5, 0.5, 2.0, 2.0]), torch.tensor([0.5, 0.5, 2.0, 2.0], dtype=torch.float64).diag()):
        P = (X - 0.5 * torch.eye(4)) / 1.5
        Q = torch.eye(4) - P
        expected = (P @ G @ Q + Q @ G @ P) / 1.5
        torch.testing.assert_close(gradient(lambda Z: eigen(Z)[1][:, 2:] @ eigen(Z)[1][:, 2:].T, X, G), expected)
    top = torch.linalg.eigh
    assert not gradient(lambda Z: top(sym(Z))[1][:, 2:] @ top(sym(Z))[1][:, 2:].T, X, G).isfinite().all()


@pytest.mark.parametrize(("m", "n"), [(6, 4), (4, 6), (4, 4)])
@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 1.0, 1.0], [3.0, 2.0, 1.0, 0.5]], ids=str)
def test_the_polar_factor_is_exact_at_repeated_singular_values(m, n, values):
    """U V^T = X (X^T X)^(-1/2), or its mirror, whose gradient needs no factors."""
    X, G = rectangular(m, n, values), random(m, n)

    def polar(Z: Tensor) -> Tensor:
        if m < n:
            return pseudo_inverse(matrix_sqrt(Z @ Z.T)) @ Z
        return Z @ pseudo_inverse(matrix_sqrt(Z.T @ Z))

    expected = gradient(polar, X, G)
    torch.testing.assert_close(gradient(lambda Z: svd(Z)[0] @ svd(Z)[2], X, G), expected, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(gradient(lambda Z: of_singular(Z, POLAR), X, G), expected, rtol=1e-8, atol=1e-9)


def test_symmetric_functions_of_repeated_values_are_exact():
    """The sum of cubes: gradient 3 X^2."""
    X = symmetric([2.0, 2.0, 0.5, 0.5])
    torch.testing.assert_close(gradient(lambda Z: eigen(Z)[0] ** 3, X), 3 * X @ X)


def test_rebuilding_from_the_factors_themselves_misses_what_the_module_says():
    """At X = 1 the gradient of |U S V^T - M|^2 keeps its diagonal in U, V and its skew part; the rest is unknowable."""
    X, M = torch.eye(4, dtype=torch.float64), random(4, 4)
    U, _, Vh = torch.linalg.svd(X)
    inner = U.T @ (2 * (X - M)) @ Vh.T
    known = U @ ((inner - inner.T) / 2 + inner.diag().diag()) @ Vh
    rebuilt = gradient(lambda Z: (lambda u, s, v: ((u * s) @ v - M).square().sum())(*svd(Z)), X)
    torch.testing.assert_close(rebuilt, known)
