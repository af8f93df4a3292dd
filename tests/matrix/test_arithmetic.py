"""The search against brute force, ranks and null relations by construction, biases and collapsed layers exactly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from helpers import one_sentence, random_network
from scipy.linalg import null_space, subspace_angles

from letterocr.base.errors import UserError
from letterocr.data.letters import ALPHABET
from letterocr.matrix.arithmetic import (
    Relation,
    best_combination,
    collapse,
    distances_from_others,
    find_mending_bias,
    find_relation,
    null_relations,
    ranks,
    search,
    select_distinct,
)
from letterocr.matrix.letter_matrix import with_ones

E, F, L = (ALPHABET.index(letter) for letter in "EFL")
EYE = ALPHABET.index("I")


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute_force(A: np.ndarray, size: int, target: int) -> list[tuple[float, str]]:
    """Every combination, one after another, on the letters themselves."""
    found = []
    for letters in itertools.combinations([k for k in range(26) if k != target], size):
        for coefficients in itertools.product((-2, -1, 1, 2), repeat=size):
            gap = A[:, letters] @ np.array(coefficients, float) - A[:, target]
            terms = tuple(zip(coefficients, letters, strict=True))
            found.append(
                (float(np.linalg.norm(gap) / np.linalg.norm(A[:, target])), Relation(terms, target, 0, ALPHABET).text)
            )
    return sorted(found)


@pytest.mark.parametrize(("size", "count"), [(2, 30), (3, 5)])
def test_the_search_finds_what_brute_force_finds(size, count):
    A = draw(12, 26)  # 12 pixels: 26 letters depend on each other
    expected = brute_force(A.numpy(), size, E)[:count]
    found = search(A, count, (size,), target="E")
    assert [r.text for r in found] == [text for _, text in expected]
    assert [r.residual for r in found] == pytest.approx([residual for residual, _ in expected], rel=1e-9)


def test_all_letters_are_searched_and_the_best_come_first():
    A = draw(12, 26)
    found = search(A, 8, (2,))
    everything = sorted(pair for k in range(26) for pair in brute_force(A.numpy(), 2, k))
    assert [r.text for r in found] == [text for _, text in everything[:8]]


@pytest.mark.parametrize("text", ["F + L = E", "E + T - F = I", "-L + 2T = I", "L + T - 2B = I"])
def test_an_exact_relation_comes_first(text):
    A = draw(900, 26, seed=1)
    stated = find_relation(A, text)
    A[:, stated.target] = sum(c * A[:, letter] for c, letter in stated.terms)
    best = search(A, 1, target=ALPHABET[stated.target])[0]
    assert {*best.terms} == {*stated.terms}
    assert best.residual < 1e-15


def test_a_relation_reads_and_writes_its_text():
    A = draw(900, 26)
    r = find_relation(A, "L+F - 2I =E")
    assert r.terms == ((1, L), (1, F), (-2, EYE))
    assert r.text == "L + F - 2I = E"
    assert r.residual == pytest.approx(
        ((A[:, L] + A[:, F] - 2 * A[:, EYE] - A[:, E]).norm() / A[:, E].norm()).item(), rel=1e-12
    )
    assert find_relation(A, "- F + L = E").text == "L - F = E"
    assert find_relation(A, "-F - 2L = E").text == "-F - 2L = E"
    d = torch.zeros(26, dtype=torch.float64)
    d[L], d[F], d[EYE], d[E] = 1, 1, -2, -1
    assert torch.equal(r.null_vector, d)
    assert r.coefficient_sum == d.sum() == -1


@pytest.mark.parametrize("alphabet", [ALPHABET[:10], ALPHABET + "0123456789"])
def test_the_number_of_classes_is_that_of_the_alphabet(alphabet):
    classes = len(alphabet)
    A = draw(900, classes, seed=2)
    last = alphabet[-1]
    text = f"A - 2B = {last}"
    A[:, -1] = A[:, 0] - 2 * A[:, 1]
    r = find_relation(A, text, alphabet)
    assert r.text == text
    assert r.null_vector.tolist() == [1, -2, *[0] * (classes - 3), -1]
    (best,) = search(A, 1, (2,), target=last, alphabet=alphabet)
    assert best.text == text
    assert len({found.target for found in search(A, 1000, (2,), alphabet=alphabet)}) > 1
    coefficients, residual = best_combination(A, "AB", last, alphabet)
    torch.testing.assert_close(coefficients, torch.tensor([1.0, -2.0], dtype=torch.float64))
    assert residual < 1e-12
    assert distances_from_others(A, alphabet).shape == (classes,)
    assert distances_from_others(A, alphabet)[-1] < 1e-12


def test_digits_may_be_letters():
    alphabet = ALPHABET + "0123456789"
    r = find_relation(draw(900, 36), "L + T - B + 23 = I", alphabet)  # (9b), with twice its 3
    assert r.terms[-1] == (2, alphabet.index("3"))
    assert r.text == "L + T + 2*3 - B = I"
    again = find_relation(draw(900, 36), r.text)  # 36 columns are letters and digits unless they are named
    assert torch.equal(again.null_vector, r.null_vector)
    assert search(draw(900, 36), 1, (2,), target="3")[0].target == 29
    with pytest.raises(UserError) as refused:
        find_relation(draw(900, 10), "L + F = E")
    one_sentence(refused.value, "A..J")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "L + F",
        "L + F = 3",
        "L + f = E",
        "L F = E",
        "L + F = E = I",
        "+ = E",
        "L + = E",
        "0L + F = E",
        "L + 03F = E",
    ],
)
def test_what_is_no_relation_is_refused(text):
    with pytest.raises(UserError) as refused:
        find_relation(draw(9, 26), text)
    one_sentence(refused.value, repr(text), "L + F - 2I = E")


@pytest.mark.parametrize("text", ["L + L = E", "L + E = E"])
def test_a_letter_stands_in_a_relation_once(text):
    with pytest.raises(UserError) as refused:
        find_relation(draw(9, 26), text)
    one_sentence(refused.value, repr(text), "twice")


def test_distances_from_the_other_letters_have_a_closed_form():
    A = draw(60, 26)
    gram = np.linalg.inv((A.mT @ A).numpy())
    expected = 1 / np.sqrt(np.diag(gram)) / np.linalg.norm(A.numpy(), axis=0)
    np.testing.assert_allclose(distances_from_others(A), expected, rtol=1e-9)
    A[:, E] = A[:, L] + A[:, F]
    assert distances_from_others(A)[[E, F, L]].max() < 1e-13
    assert distances_from_others(A)[EYE] > 0.1


def test_relations_that_say_the_same_are_told_once():
    A = draw(12, 26)
    texts = ["E + T - F = I", "F + I - T = E", "-E + F + I = T", "E + T = I", "-E + I = T", "2E + T = I"]
    kept = [r.text for r in select_distinct([find_relation(A, text) for text in texts])]
    assert kept == ["E + T - F = I", "E + T = I", "2E + T = I"]


def test_the_best_real_coefficients_are_numpys():
    A = draw(60, 26)
    coefficients, residual = best_combination(A, "LFT", "E")
    B = A.numpy()[:, [L, F, ALPHABET.index("T")]]
    expected, squares, *_ = np.linalg.lstsq(B, A.numpy()[:, E], rcond=None)
    np.testing.assert_allclose(coefficients, expected, rtol=1e-10)
    assert residual == pytest.approx(math.sqrt(squares[0]) / np.linalg.norm(A[:, E]))


def test_null_relations_span_scipys_null_space():
    A = draw(40, 10) @ draw(10, 26, seed=1)
    basis = null_relations(A)
    assert basis.shape == (26, 16)
    assert np.abs(subspace_angles(basis.numpy(), null_space(A.numpy()))).max() < 1e-7  # arccos near 1
    torch.testing.assert_close(basis.mT @ basis, torch.eye(16).double())
    assert (A @ basis).abs().max() < 1e-12
    assert null_relations(draw(7, 26)).shape == (26, 19)
    assert null_relations(draw(40, 26)).shape == (26, 0)
    assert null_relations(draw(40, 26) + 1e6 * torch.ones(26), tolerance=1e-3).shape == (26, 25)


@pytest.mark.parametrize(
    ("texts", "binding"),
    [
        ([], 0),
        (["L + F = E"], 0),  # 1 + 1 - 1 is not 0: a bias mends it
        (["E + T - F = I"], 1),  # 1 + 1 - 1 - 1 is 0: it binds
        (["L + F = E", "L + T - B = I"], 1),
        (["L + F = E", "L + T = I"], 1),  # each alone could be mended, but not both
    ],
)
def test_a_bias_mends_one_relation_at_most(texts, binding):
    A = draw(900, 26)
    for text in texts:
        stated = find_relation(A, text)
        A[:, stated.target] = sum(c * A[:, letter] for c, letter in stated.terms)
    found = ranks(A)
    assert (found.letters, found.relations, found.binding) == (26 - len(texts), len(texts), binding)
    assert found.letters == np.linalg.matrix_rank(A.numpy())
    assert found.with_ones == np.linalg.matrix_rank(with_ones(A).numpy()) == 26 - binding


def test_the_mending_bias_makes_a_network_right_where_none_was():
    A = draw(900, 26)
    A[:, E] = A[:, L] + A[:, F]
    without = torch.linalg.pinv(A)
    assert (without @ A - torch.eye(26)).abs().max() > 0.3
    b = find_mending_bias(find_relation(A, "L + F = E").null_vector)
    assert b is not None
    W = (torch.eye(26).double() - b[:, None]) @ torch.linalg.pinv(A)
    torch.testing.assert_close(W @ A + b[:, None], torch.eye(26).double(), rtol=0, atol=1e-12)  # (12) is right


def test_a_relation_whose_coefficients_sum_to_one_has_no_mending_bias():
    A = draw(900, 26)
    assert find_mending_bias(find_relation(A, "E + T - F = I").null_vector) is None
    assert find_mending_bias(torch.tensor([0.1, 0.2, -0.3] + [0.0] * 23, dtype=torch.float64)) is None  # up to rounding
    assert find_mending_bias(find_relation(A, "L + F = E").null_vector) is not None


@pytest.mark.parametrize("bias", [True, False])
def test_linear_layers_collapse_to_one(bias):
    """(27) is (23): W = W_q W_h, b = W_q b_h + b_q."""
    network = random_network([50, 70, 60, 26], None, bias=bias).replica(0)
    W, b = collapse(network.weights, network.biases)
    assert W.shape == (26, 50)
    a = draw(9, 50)
    one_layer = a @ W.mT + b
    size = math.sqrt(50 * 70 * 60)  # of the outputs, each a sum of so many random terms
    torch.testing.assert_close(network.forward(a)[-1], one_layer, rtol=0, atol=1e-12 * size)
    assert bias or not b.any()
