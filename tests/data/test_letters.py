"""`Letters`: selecting, how large the ink is, a fingerprint that tells sets apart."""

import hashlib
from dataclasses import replace

import pytest
import torch

from letterocr.data.letters import ALPHABET, BOX, PIXELS, SIDE, Letters, join_classes, take_per_letter


def blocks(*sizes: tuple[int, int]) -> Letters:
    """One letter for each (height, width): a filled rectangle from pixel (2, 3)."""
    images = torch.zeros(len(sizes), SIDE, SIDE)
    for image, (height, width) in zip(images, sizes, strict=True):
        image[2 : 2 + height, 3 : 3 + width] = 1
    return Letters(images.reshape(-1, PIXELS), torch.arange(len(sizes)) % 26)


def test_there_are_26_letters_of_900_pixels():
    assert len(ALPHABET) == 26
    assert "".join(chr(ord("A") + i) for i in range(26)) == ALPHABET
    assert PIXELS == 900
    assert BOX < SIDE


@pytest.mark.parametrize("writers", [None, torch.tensor([7, 8, 9, 7])])
def test_select_keeps_images_labels_and_writers_together_in_the_order_asked_for(writers):
    letters = Letters(torch.arange(4.0)[:, None].expand(4, PIXELS), torch.tensor([3, 1, 4, 25]), writers)
    chosen = letters.select(torch.tensor([2, 0, 2]))
    assert len(chosen) == 3
    assert chosen.images[:, 0].tolist() == [2, 0, 2]
    assert chosen.labels.tolist() == [4, 3, 4]
    assert (chosen.writers if writers is None else chosen.writers.tolist()) == (None if writers is None else [9, 7, 9])
    by_mask = letters.select(torch.tensor([False, True, False, True]))
    assert by_mask.labels.tolist() == [1, 25]


def test_letters_of_two_alphabets_are_joined():
    letters, digits = blocks((9, 9), (8, 8)), replace(blocks((7, 7)), alphabet="01")
    both = join_classes(replace(letters, writers=torch.tensor([3, 4])), replace(digits, writers=torch.tensor([3])))
    assert both.alphabet == ALPHABET + "01"
    assert both.labels.tolist() == [0, 1, 26]
    assert both.writers.tolist() == [3, 4, 3]
    assert torch.equal(both.images, torch.cat([letters.images, digits.images]))


def test_the_box_is_the_median_of_the_longer_sides():
    assert blocks((24, 5)).box() == 24
    assert blocks((5, 24)).box() == 24
    assert blocks((10, 5), (6, 20), (25, 25), (3, 11), (18, 4)).box() == 18  # of 10, 20, 25, 11, 18


def test_faint_rims_do_not_count_for_the_box():
    letters = blocks((20, 10))
    letters.images.view(-1, SIDE, SIDE)[:, 0] = 0.2
    assert letters.box() == 20


def test_the_first_letters_of_each_class_are_taken_in_their_order():
    labels = torch.tensor([1, 0, 1, 0, 0, 25, 1])
    letters = Letters(torch.arange(7.0)[:, None].expand(7, PIXELS), labels)
    kept = take_per_letter(letters, 2)
    assert kept.images[:, 0].tolist() == [0, 1, 2, 3, 5]
    assert kept.labels.tolist() == [1, 0, 1, 0, 25]
    assert take_per_letter(letters, 99).labels.tolist() == labels.tolist()


def test_the_fingerprint_is_of_the_bytes_of_images_and_labels():
    letters = blocks((24, 5), (5, 24))
    data = letters.images.numpy().tobytes() + letters.labels.numpy().tobytes()
    assert letters.fingerprint() == hashlib.sha256(data).hexdigest()[:16]
    assert letters.fingerprint() == blocks((24, 5), (5, 24)).fingerprint()


def test_the_fingerprint_tells_pixels_labels_and_order_apart():
    letters = blocks((24, 5), (5, 24))
    other_label = Letters(letters.images, torch.tensor([0, 2]))
    swapped = letters.select(torch.tensor([1, 0]))
    other_pixel = Letters(letters.images.clone(), letters.labels)
    other_pixel.images[1, -1] = 1e-6
    fingerprints = {x.fingerprint() for x in (letters, other_label, swapped, other_pixel)}
    assert len(fingerprints) == 4


def test_the_fingerprint_does_not_depend_on_how_the_tensor_lies_in_memory():
    letters = blocks((24, 5), (5, 24))
    strided = Letters(letters.images.T.contiguous().T, letters.labels)
    assert not strided.images.is_contiguous()
    assert strided.fingerprint() == letters.fingerprint()
