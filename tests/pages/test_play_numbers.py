"""The numbers of the play page are those of Python: its letter, its networks, its steps, its matrices and its race.

Shapes: weights [out, in]; letters [N, 900]; R = 1 network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from opened_page import Opened, double

import letterocr
from letterocr.config.rule import RULES
from letterocr.data import ink
from letterocr.data.letters import one_hot
from letterocr.matrix import arithmetic
from letterocr.matrix.letter_matrix import alphabet_matrix, left_inverse
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss

A = [[(90, 30), (70, 170)], [(90, 30), (150, 170)], [(80, 110), (130, 110)]]
FRAME = [[(8, 8), (248, 8), (248, 248), (8, 248), (8, 8)]]
STROKES = {
    "E": [[(70, 40), (70, 210)], [(70, 45), (190, 40)], [(75, 120), (160, 125)], [(70, 205), (195, 210)]],
    "dot beside": [[(128, 20), (128, 200)], [(128, 236), (129, 238)]],
    "dot apart": [[(60, 20), (60, 200)], [(240, 230)]],
    "underlined": [*A, [(40, 225), (200, 227)]],
    "frame": [*FRAME, [(120, 60), (120, 190)], [(120, 60), (180, 60)]],
    "blob": [[(60, 20), (60, 200)], [(60, 20), (150, 25)], [(215, 215), (220, 215), (220, 220), (215, 220)]],
    "scribble": [[(20, 20), (230, 230), (20, 230), (230, 20), (20, 120), (230, 125)]],
    "point": [[(128, 128)]],
}  # strokes that `data/pieces.py` treats in different ways


READ_LEVELS = """
const drawing = new m.Drawing(document.createElement("canvas"), () => {});
drawing.strokes = given.map((points) => ({width: 18, points}));
const levels = drawing.readLevels();
const {normalise} = await import("play/ink");
const {letter} = normalise(levels, m.SHEET, m.SHEET, app.box);
return [Array.from(levels, (level) => Math.round(255 * level)), Array.from(letter)];
"""


@pytest.mark.parametrize("name", STROKES)
def test_the_letter_of_the_page_is_the_letter_of_predict(name: str, opened: Opened) -> None:
    levels, letter = opened.call("drawing", READ_LEVELS, STROKES[name])
    picture = np.array(levels, np.uint8).reshape(320, 320)
    assert picture.min() < 10  # there is ink
    expected = ink.normalise(picture, "the drawing", opened.runs[0].box)
    np.testing.assert_allclose(letter, expected.numpy(), atol=1e-5)  # PyTorch scales in float32


def give(network: Network) -> dict[str, Any]:
    """A network as the page's modules take it, with all digits of its weights."""
    return {
        "sizes": [900, *(len(w) for w in network.weights)],
        "temperature": None if network.temperature is None else float(network.temperature),
        "weights": [w.flatten().tolist() for w in network.weights],
        "biases": [None if b is None else b.tolist() for b in network.biases],
    }


TAKE = """
const typed = (list) => list && Float32Array.from(list);
const network = given.network ? {...given.network, weights: given.network.weights.map(typed),
  biases: given.network.biases.map(typed)} : (await import("play/network")).copyNetwork(app.network);
const letter = Float64Array.from(given.letter);
"""


@pytest.mark.parametrize("number", [0, 1, 2], ids=["three layers", "two layers", "four layers"])
def test_the_forward_pass_and_one_step_of_each_rule_are_those_of_python(number: int, opened: Opened) -> None:
    opened.choose(number)
    network = double(opened.runs[number].network)
    a = opened.letters.test.images[7].double()[None]
    target = one_hot(torch.tensor([4]), a, 26)
    activations = network.forward(a)
    for rule in RULES.values():
        v = error_vectors(network, activations, target, rule)
        moved = Network(
            [w - 0.01 * e.mT @ h for w, e, h in zip(network.weights, v, activations[:-1], strict=True)],
            [None if b is None else b - 0.01 * e[0] for b, e in zip(network.biases, v, strict=True)],
            network.temperature,
        )
        expected = [*activations, *v, *moved.forward(a)]
        body = f"""{TAKE}
        const step = m.findStep(network, letter, 4, given.rule, 0.5);
        const {{takeStep, forward}} = await import("play/network");
        takeStep(network, step.activations, step.vectors, 0.01);
        const after = forward(network, [letter]);
        return [...step.activations, ...step.vectors, ...after].map((x) => Array.from(x)).concat([[step.loss]]);"""
        given = {"letter": a[0].tolist(), "rule": vars(rule), "network": give(network)}
        full = opened.call("learning", body, given)
        half = opened.call("learning", body, given | {"network": None})
        assert full[-1][0] == pytest.approx(float(loss(activations[-1], target)[0]), rel=1e-6)
        for x, y, z in zip(full, half, expected, strict=False):
            size = max(1.0, float(z.abs().max()))  # activations are below 1; others are compared by their size
            np.testing.assert_allclose(x, z[0].numpy(), atol=1e-6 * size)
            np.testing.assert_allclose(y, z[0].numpy(), atol=1e-4 * size)


def test_the_bound_of_the_linear_network_is_exact(opened: Opened) -> None:
    letter = opened.letters.test.images[0].double()
    body = f"{TAKE} return m.findBound(network, [letter, new Float64Array(26)], app.rules[2], 0.5);"
    bound = opened.call("learning", body, {"letter": letter.tolist(), "network": give(double(opened.runs[1].network))})
    assert bound == pytest.approx(2 / float(letter @ letter), rel=1e-6)


def test_angles_and_bound_are_those_of_autograd(opened: Opened) -> None:
    network = double(opened.runs[2].network)
    for tensor in [*network.weights, *network.biases]:
        tensor.requires_grad_()
    a, target = opened.letters.test.images[7].double()[None], one_hot(torch.tensor([4]), torch.zeros(1).double(), 26)
    tensors = [t for pair in zip(network.weights, network.biases, strict=True) for t in pair]
    outputs = network.forward(a)[-1][0]
    gradient = torch.autograd.grad(loss(outputs, target[0]), tensors, retain_graph=True)
    rows = [torch.autograd.grad(q, tensors, retain_graph=True) for q in outputs]
    J = torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])
    with torch.no_grad():
        activations = network.forward(a)
        v = error_vectors(network, activations, target, RULES["printed"])
        step = torch.cat([p.flatten() for e, h in zip(v, activations[:-1], strict=True) for p in (e.mT @ h, e[0])])
    flat = torch.cat([part.flatten() for part in gradient])
    angle = torch.rad2deg(torch.arccos(step @ flat / step.norm() / flat.norm()))
    body = f"""{TAKE}
    const step = m.findStep(network, letter, 4, app.rules[0], 0.5);
    const bound = m.findBound(network, step.activations, app.rules[2], 0.5);
    return [m.findWholeAngle(step, network), bound];"""
    plain = Network([w.detach() for w in network.weights], [b.detach() for b in network.biases], network.temperature)
    found = opened.call("learning", body, {"letter": a[0].tolist(), "network": give(plain)})
    assert found[0] == pytest.approx(float(angle), rel=1e-5)
    assert found[1] == pytest.approx(2 / float(torch.linalg.matrix_norm(J, 2)) ** 2, rel=1e-3)


def test_the_matrices_are_those_of_python(opened: Opened) -> None:
    A = alphabet_matrix(opened.letters.train)
    body = """const {takeColumn} = await import("play/arithmetic");
    const factors = m.decompose(app.A, 900, 26);
    return [Array.from(factors.sigma), Array.from(m.reconstruct(factors, 5, 900, 26)),
      Array.from(m.applyInverse(factors, 26, Float64Array.from(given)))];"""
    a = opened.letters.test.images[3].double()
    sigma, approximation, q = opened.call("svd", body, a.tolist())
    np.testing.assert_allclose(sigma, torch.linalg.svdvals(A).numpy(), rtol=1e-5)
    expected = letterocr.matrix.reconstruct(A, 5).flatten().numpy()
    np.testing.assert_allclose(approximation, expected, atol=1e-5)
    np.testing.assert_allclose(q, (left_inverse(A).pinv @ a).numpy(), atol=1e-4)
    for size in (2, 3):
        (nearest,) = arithmetic.search(A, 1, (size,), target="E")
        found = opened.call("arithmetic", "return m.findNearest(m.makeGram(app.A, 900, 26), 26, 4, given)", size)
        assert found["residual"] == pytest.approx(nearest.residual, abs=1e-5)
        again = arithmetic.measure_relation(A, tuple(map(tuple, found["terms"])), 4, opened.letters.train.alphabet)
        assert again.residual == pytest.approx(nearest.residual, abs=1e-6)


RACE = """
const {Racer} = m;
const racer = new Racer(given, {train: app.train, test: app.test, classes: 26});
const copy = (list) => list.map((x) => x && Array.from(x));
const start = {weights: copy(racer.network.weights), biases: copy(racer.network.biases)};
const [places, misread] = [[], []];
const take = racer.takePlace.bind(racer);
racer.takePlace = () => (places.push(take()), places.at(-1));
for (let i = 0; i < 500; i += 1) {
  racer.learn();
  misread.push(racer.measure() * app.test.count);
}
return {...start, places, misread};
"""


@pytest.mark.parametrize(
    ("hidden", "rule", "alpha", "temperature"),
    [([], "gradient", 0.005, None), ([40], "printed", 0.02, 150), ([20, 15], "gradient", 0.5, 1)],
    ids=["two layers", "three layers", "four layers"],
)
def test_the_race_is_the_training_of_python(hidden, rule, alpha, temperature, opened: Opened) -> None:
    settings = {
        "hidden": hidden, "linear": not hidden, "temperature": temperature,
        "rule": vars(RULES[rule]), "alpha": alpha, "seed": 3,
    }  # fmt: skip
    race = opened.call("racer", RACE, settings)
    sizes = [900, *hidden, 26]
    weights = [torch.tensor(w).view(m, n) for w, m, n in zip(race["weights"], sizes[1:], sizes[:-1], strict=True)]
    biases = [None if b is None else torch.tensor(b, dtype=torch.float32) for b in race["biases"]]
    for w in weights:  # normal weights, as models/chain draws them
        deviation = (0.1 if not hidden else 3 * temperature) / w.shape[1] ** 0.5
        assert float(w.std()) == pytest.approx(deviation, rel=0.1)
        assert abs(float(w.mean())) < 5 * deviation / w.numel() ** 0.5
    network = Network(weights, biases, None if temperature is None else torch.tensor([[float(temperature)]]))
    train, test = opened.letters.train, opened.letters.test
    assert sorted(race["places"][: len(train)]) == list(range(len(train)))  # an epoch holds every letter once
    apart = []
    for place, misread in zip(race["places"], race["misread"], strict=True):
        a, target = train.images[place][None], one_hot(train.labels[place][None], train.images, 26)
        activations = network.forward(a)
        v = error_vectors(network, activations, target, RULES[rule])
        for w, b, e, h in zip(network.weights, network.biases, v, activations[:-1], strict=True):
            w -= alpha * e.mT @ h
            if b is not None:
                b -= alpha * e[0]
        read = network.forward(test.images)[-1].argmax(1)
        apart.append(abs(int((read != test.labels).sum()) - misread))
    assert max(apart) <= 1, np.flatnonzero(apart)
    assert race["misread"][-1] < race["misread"][0]
