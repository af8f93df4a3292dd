"""Alphabet matrices against plain means, left inverses against NumPy, misreadings against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import one_sentence, random_letters

from letterocr.base.errors import UserError
from letterocr.data.letters import ALPHABET, PIXELS, Letters
from letterocr.matrix.letter_matrix import alphabet_matrix, left_inverse, read_letters, with_ones


def written(writers: int = 3, repetitions: int = 2) -> Letters:
    """Every writer writes the whole alphabet a few times."""
    count = 26 * writers * repetitions
    images = torch.rand(count, PIXELS, generator=torch.Generator().manual_seed(0))
    return Letters(images, torch.arange(count) % 26, torch.arange(writers).repeat_interleave(26 * repetitions))


def test_each_column_is_the_mean_of_its_letters():
    letters = random_letters(300, seed=1)
    A = alphabet_matrix(letters)
    assert A.dtype == torch.float64
    assert A.shape == (900, 26)
    for k in range(26):
        mean = letters.images.numpy()[letters.labels.numpy() == k].astype(float).mean(0)
        np.testing.assert_allclose(A[:, k], mean, rtol=1e-12)


def test_the_mean_weighs_every_letter_alike_whoever_wrote_it():
    letters = written()
    uneven = letters.select(torch.arange(26 * 4 + 26))  # the last writer wrote each letter once, the others twice
    torch.testing.assert_close(alphabet_matrix(uneven), uneven.images.double().view(5, 26, PIXELS).mean(0).mT)


@pytest.mark.parametrize("writers", [1, [1], [0, 2]])
def test_the_alphabet_of_chosen_writers(writers):
    letters = written()
    chosen = torch.isin(letters.writers, torch.tensor(writers if isinstance(writers, list) else [writers]))
    expected = letters.images[chosen].double().view(-1, 26, PIXELS).mean(0).mT
    torch.testing.assert_close(alphabet_matrix(letters, writers), expected)


def test_says_which_writer_or_letter_is_missing():
    letters = written()
    with pytest.raises(UserError) as unknown:
        alphabet_matrix(letters, 7)
    one_sentence(unknown.value, "writers=[7]", "no writer 7", "0, 1, 2")
    with pytest.raises(UserError) as missing:
        alphabet_matrix(letters.select(torch.nonzero(letters.labels != 4).flatten()))
    one_sentence(missing.value, "no E")
    with pytest.raises(UserError) as anonymous:
        alphabet_matrix(Letters(letters.images, letters.labels), 0)
    one_sentence(anonymous.value, "writers=[0]", "leave writers out")


def test_the_row_of_ones_stands_below():
    A = alphabet_matrix(written())
    assert torch.equal(with_ones(A)[:900], A)
    assert torch.equal(with_ones(A)[900], torch.ones(26).double())


def test_both_left_inverses_are_numpys_pseudo_inverse():
    A = alphabet_matrix(written())
    inverse = left_inverse(A)
    np.testing.assert_allclose(inverse.pinv, np.linalg.pinv(A.numpy()), atol=1e-13)
    np.testing.assert_allclose(inverse.normal, np.linalg.pinv(A.numpy()), atol=1e-12)
    torch.testing.assert_close(inverse.pinv @ A, torch.eye(26).double(), rtol=0, atol=1e-13)  # I = W A (7)
    assert inverse.rank == 26
    assert inverse.condition == pytest.approx(np.linalg.cond(A.numpy()), rel=1e-10)
    assert inverse.gram_condition == pytest.approx(np.linalg.cond((A.mT @ A).numpy()), rel=1e-8)


def test_the_normal_equations_lose_twice_the_digits():
    u, _, vh = np.linalg.svd(np.random.default_rng(0).normal(size=(900, 26)), full_matrices=False)
    A = torch.from_numpy(u * np.logspace(0, -6, 26) @ vh)
    inverse = left_inverse(A)
    assert inverse.condition == pytest.approx(1e6, rel=1e-6)
    assert inverse.pinv_error < 1e-9  # about eps times the condition number
    assert 1e-7 < inverse.normal_error < 1e-2  # about eps times its square


def test_letters_that_depend_on_others_have_no_left_inverse():
    A = torch.rand(900, 26, generator=torch.Generator().manual_seed(1)).double()
    A[:, 4] = A[:, 11]  # E looks like L
    inverse = left_inverse(A)
    assert inverse.rank == 25
    assert inverse.pinv_error == pytest.approx(0.5)  # it says half E, half L
    A[:, 4] = 0
    assert left_inverse(A).normal is None
    assert left_inverse(A).normal_error == float("inf")


def test_the_prototypes_themselves_are_read_rightly():
    A = alphabet_matrix(written())
    letters = Letters(A.mT.float(), torch.arange(26))
    reading = read_letters(left_inverse(A).pinv, letters)
    assert reading.error == 0
    assert reading.confusions == []
    assert [reading.spikes(k) for k in range(26)] == list(ALPHABET)


@pytest.mark.parametrize("alphabet", [ALPHABET[:10], ALPHABET + "0123456789"])
def test_classes_are_those_of_the_letters(alphabet):
    classes = len(alphabet)
    images = torch.rand(classes, PIXELS, generator=torch.Generator().manual_seed(4))
    letters = Letters(images, torch.arange(classes), alphabet=alphabet)
    A = alphabet_matrix(letters)
    assert torch.equal(A, images.double().mT)
    reading = read_letters(left_inverse(A).pinv.roll(1, 0), letters)  # each is read as its successor
    assert {(c.truth, c.read) for c in reading.confusions} == set(
        zip(alphabet, alphabet[1:] + alphabet[0], strict=True)
    )
    assert reading.spikes(0) == alphabet[1]
    with pytest.raises(UserError) as missing:
        alphabet_matrix(letters.select(torch.arange(classes - 1)))
    one_sentence(missing.value, f"no {alphabet[-1]}", "A..J" if classes == 10 else "A..Z, 0..9")


def test_an_alphabet_with_digits_or_without():
    images = torch.rand(36, PIXELS, generator=torch.Generator().manual_seed(4))
    both = Letters(images, torch.arange(36), alphabet=ALPHABET + "0123456789")
    A = images.double().mT
    assert torch.equal(alphabet_matrix(both, digits=True), A)
    assert torch.equal(alphabet_matrix(both, digits=False), A[:, :26])
    letters = Letters(images[:26], torch.arange(26))
    assert torch.equal(alphabet_matrix(letters, digits=False), A[:, :26])
    with pytest.raises(UserError) as missing:
        alphabet_matrix(letters, digits=True)
    one_sentence(missing.value, "digits=True: these letters are A..Z", "classes='all'")
    ten = Letters(images[26:], torch.arange(10), alphabet="0123456789")
    with pytest.raises(UserError) as missing:
        alphabet_matrix(ten, digits=False)
    one_sentence(missing.value, "digits=False: these letters are 0..9")


def test_confusions_are_sorted_by_count_and_examples_by_how_sure_they_are():
    W = torch.zeros(26, PIXELS, dtype=torch.float64)
    W[:, :26] = torch.eye(26)
    images = torch.zeros(5, PIXELS)
    # an E is read as L, once surely; an A as B; a C rightly
    images[0, 11], images[1, 11], images[1, 4], images[2, 11], images[3, 1], images[4, 2] = 0.5, 1.0, 0.9, 0.9, 1, 1
    reading = read_letters(W, Letters(images, torch.tensor([4, 4, 4, 0, 2])))
    assert [(c.truth, c.read, c.count) for c in reading.confusions] == [("E", "L", 3), ("A", "B", 1)]
    assert reading.confusions[0].examples.tolist() == [2, 0, 1]
    assert reading.error == pytest.approx(0.8)
    assert reading.spikes(1) == "LE"
    assert reading.spikes(1, share=0.95) == "L"
    assert reading.confusion("E", "L") is reading.confusions[0]
    assert reading.confusion("L", "E") is None


def test_the_bias_is_the_last_column_or_a_vector_of_its_own():
    letters = random_letters(50, seed=3)
    draw = torch.Generator().manual_seed(0)
    W, b = torch.randn(26, PIXELS, generator=draw).double(), torch.randn(26, generator=draw).double()
    joined = read_letters(torch.cat([W, b[:, None]], 1), letters)
    apart = read_letters(W, letters, b)
    expected = letters.images.double().numpy() @ W.numpy().T + b.numpy()
    np.testing.assert_allclose(joined.outputs, expected, atol=1e-12)
    np.testing.assert_allclose(apart.outputs, expected, atol=1e-12)


@pytest.mark.shared
def test_an_e_of_real_handwriting_is_misread_as_l_with_several_spikes(shared_data):
    """Fig. 3: a handwritten E is misread as L, and several other outputs are as high."""
    from letterocr.config.data import ImagesConfig
    from letterocr.data.images import load

    split = load(ImagesConfig(path=str(shared_data / "writers25.npz")))
    reading = read_letters(left_inverse(alphabet_matrix(split.train)).pinv, split.test)
    found = reading.confusion("E", "L")
    assert found is not None
    assert max(len(reading.spikes(int(place))) for place in found.examples) >= 3
