"""The paper's pictures are checked by what stands on their axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch

from letterocr.data.letters import ALPHABET
from letterocr.figures.linear_algebra import (
    draw_conditioning,
    draw_outputs,
    draw_reconstructions,
    draw_relation,
    draw_singular_values,
    to_rgb,
)
from letterocr.figures.pictures import BAR, RIGHT, WRONG
from letterocr.matrix.arithmetic import find_relation
from letterocr.matrix.conditioning import measure_conditioning, measure_through_hidden_layer
from letterocr.matrix.spectrum import reconstruct, singular_values
from letterocr.models.chain import draw_hidden_layer

A = torch.rand(900, 26, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def axis() -> Iterator[Any]:
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    yield axis
    figure.canvas.draw()  # everything can be drawn
    plt.close(figure)


def captions(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.texts if text.get_text()]


def test_singular_values_are_numbered_from_one(axis):
    draw_singular_values(axis, singular_values(A), "A")
    x, y = axis.lines[0].get_data()
    assert x.tolist() == list(range(1, 27))
    np.testing.assert_allclose(y, np.linalg.svd(A.numpy(), compute_uv=False))
    assert axis.get_legend().get_texts()[0].get_text() == "A"


def test_reconstructions_stand_in_a_row_and_the_letter_at_its_end(axis):
    draw_reconstructions(axis, A, "B", (1, 5, 26), ALPHABET)
    pictures = [image.get_array() for image in axis.images]
    assert len(pictures) == 4
    np.testing.assert_allclose(pictures[1], reconstruct(A, 5)[:, 1].clamp(0, 1).view(30, 30))
    np.testing.assert_allclose(pictures[2], pictures[3], atol=1e-12)
    left = [image.get_extent()[0] for image in axis.images]
    assert left == sorted(left)
    off = (reconstruct(A, 5)[:, 1] - A[:, 1]).norm() / A[:, 1].norm()
    assert captions(axis) == [captions(axis)[0], f"r = 5\n{100 * off:.0f} % off", "r = 26\n0 % off", "B"]


def test_the_right_letter_is_green_and_the_wrong_one_red(axis):
    q = np.zeros(26)
    q[11], q[4] = 0.9, -0.2
    draw_outputs(axis, q, 4, ALPHABET, A[:, 4])
    colours = [bar.get_facecolor()[:3] for bar in axis.patches]
    assert colours[11] == pytest.approx(to_rgb(WRONG))
    assert colours[4] == pytest.approx(to_rgb(RIGHT))
    assert colours[0] == pytest.approx(to_rgb(BAR))
    assert [bar.get_height() for bar in axis.patches] == q.tolist()
    assert axis.get_title() == "E read as L"
    assert [label.get_text() for label in axis.get_xticklabels()] == list(ALPHABET)
    (inset,) = axis.child_axes
    np.testing.assert_allclose(inset.images[0].get_array(), A[:, 4].view(30, 30))


def test_a_letter_that_is_read_rightly_has_no_red(axis):
    draw_outputs(axis, np.eye(26)[4], 4, ALPHABET)
    assert to_rgb(WRONG) not in [bar.get_facecolor()[:3] for bar in axis.patches]
    assert not axis.child_axes


@pytest.mark.parametrize("alphabet", [ALPHABET[:10], ALPHABET + "0123456789"])
def test_pictures_have_the_letters_of_the_alphabet(axis, alphabet):
    classes = len(alphabet)
    draw_outputs(axis, np.eye(classes)[-1], 0, alphabet)
    assert axis.get_title() == f"A read as {alphabet[-1]}"
    assert [label.get_text() for label in axis.get_xticklabels()] == list(alphabet)
    letters = torch.rand(900, classes, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    draw_reconstructions(axis, letters, alphabet[-1], (classes,), alphabet)
    assert captions(axis)[-2:] == [f"r = {classes}\n0 % off", alphabet[-1]]
    np.testing.assert_allclose(axis.images[-1].get_array(), letters[:, -1].view(30, 30))
    draw_relation(axis, letters, find_relation(letters, f"A - B = {alphabet[-1]}", alphabet))
    assert captions(axis)[-1] == alphabet[-1]


def test_a_relation_is_an_equation_of_pictures(axis):
    stated = find_relation(A, "-F + 2L - 2I = E")
    draw_relation(axis, A, stated)
    shown = [image.get_array() for image in axis.images]
    assert len(shown) == 5
    column = {letter: A[:, ALPHABET.index(letter)] for letter in "LFIE"}
    np.testing.assert_allclose(shown[3], (2 * column["L"] - column["F"] - 2 * column["I"]).clamp(0, 1).view(30, 30))
    np.testing.assert_allclose(shown[4], column["E"].view(30, 30))
    text = captions(axis)
    assert text == ["2", "L", "−", "F", "−2", "I", "=", f"{100 * stated.residual:.0f} % off", "≈", "E"]


def test_conditioning_has_a_line_a_definition_and_the_pixels_dashed(axis):
    hidden = measure_through_hidden_layer(A, *draw_hidden_layer(50), [1.0, 100.0])
    draw_conditioning(axis, measure_conditioning(A), hidden, ("entropy",))
    line, dashed = axis.lines
    assert line.get_xdata().tolist() == [1.0, 100.0]
    assert line.get_ydata().tolist() == [c.centred_ranks.entropy for c in hidden]
    assert dashed.get_linestyle() == "--"
    assert dashed.get_ydata()[0] == measure_conditioning(A).centred_ranks.entropy
    assert axis.get_xscale() == "log"
