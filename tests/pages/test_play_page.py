"""The play page in a real browser: its letter, its networks, its steps and its race are those of Python.

All tests share one open page of three tiny networks. The page's own modules are called by name, as the page does.
Shapes: R = 1 network; weights [out, in]; letters [N, 900].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fitted import TINY
from PIL import Image

import letterocr
from letterocr.api.playing import write_play_page
from letterocr.config.rule import RULES
from letterocr.data import ink
from letterocr.data.letters import Split, one_hot
from letterocr.matrix import arithmetic
from letterocr.matrix.letter_matrix import alphabet_matrix, left_inverse
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

VIEWS = ("read", "learn", "race", "matrices")
E = [[(70, 40), (70, 210)], [(70, 45), (190, 40)], [(75, 120), (160, 125)], [(70, 205), (195, 210)]]
A = [[(90, 30), (70, 170)], [(90, 30), (150, 170)], [(80, 110), (130, 110)]]
FRAME = [[(8, 8), (248, 8), (248, 248), (8, 248), (8, 8)]]
STROKES = {
    "E": E,
    "dot beside": [[(128, 20), (128, 200)], [(128, 236), (129, 238)]],
    "dot apart": [[(60, 20), (60, 200)], [(240, 230)]],
    "underlined": [*A, [(40, 225), (200, 227)]],
    "frame": [*FRAME, [(120, 60), (120, 190)], [(120, 60), (180, 60)]],
    "blob": [[(60, 20), (60, 200)], [(60, 20), (150, 25)], [(215, 215), (220, 215), (220, 220), (215, 220)]],
    "scribble": [[(20, 20), (230, 230), (20, 230), (230, 20), (20, 120), (230, 125)]],
    "point": [[(128, 128)]],
}  # strokes that `data/pieces.py` treats in different ways


@dataclass
class Opened:
    """The open page, what it said and asked for, and the runs that it shows."""

    page: Page
    runs: list[letterocr.Run]
    letters: Split
    path: Path
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def call(self, module: str, body: str, given: Any = None) -> Any:
        """Run JavaScript in which `m` is a module of the page, `app` what its views share, `given` an argument."""
        code = f"async (given) => {{ const m = await import('play/{module}'); const {{app}} = await import('play/app');"
        return self.page.evaluate(f"{code} {body} }}", given)

    def choose(self, number: int) -> None:
        """Choose one of the networks, with its first weights."""
        self.call("app", "await m.chooseNetwork(given); m.resetNetwork();", number)


def fit_runs() -> list[letterocr.Run]:
    shared = TINY | {"data__test_per_letter": 2, "samples": 200, "engine": "reference", "evaluate_every": "log"}
    printed = {"rule": "printed", "learning_rate": 0.1, "model__temperature": 150}
    return [
        letterocr.fit(**shared | printed),
        letterocr.fit(**shared | {"model": "two_layer", "model__hidden": [], "learning_rate": 0.005}),
        letterocr.fit(**shared | {"model": "four_layer", "model__hidden": [40, 30], "learning_rate": 0.1}),
    ]


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    runs = fit_runs()
    path = write_play_page(runs, tmp_path_factory.mktemp("play") / "play.html")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, reduced_motion="reduce")
    made = open_page(context, path, runs)
    yield made
    context.close()


def open_page(context: BrowserContext, path: Path, runs: list[letterocr.Run], fragment: str = "") -> Opened:
    made = Opened(context.new_page(), runs, runs[0]._find_letters(), path)
    made.page.on("console", lambda message: made.said.append(message.text))
    made.page.on("pageerror", lambda error: made.said.append(str(error)))
    made.page.on("request", lambda request: made.asked.append(request.url))
    made.page.goto(path.as_uri() + fragment)
    made.page.wait_for_selector("html[data-ready]")
    return made


def draw(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    """Draw strokes on the sheet with the mouse, given in 0..255."""
    page.get_by_role("tab", name="Read").click()
    page.get_by_role("button", name="Clear").click()
    box = page.locator("#sheet").bounding_box()
    assert box is not None
    for (x, y), *rest in strokes:
        page.mouse.move(box["x"] + x / 256 * box["width"], box["y"] + y / 256 * box["height"])
        page.mouse.down()
        for u, v in rest:
            page.mouse.move(box["x"] + u / 256 * box["width"], box["y"] + v / 256 * box["height"], steps=3)
        page.mouse.up()
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")


READ_LEVELS = """
const drawing = new m.Drawing(document.createElement("canvas"), () => {});
const {get} = await import("play/state");
drawing.strokes = given ? given.map((points) => ({width: 18, points})) : m.readStrokes(get("ink"));
const levels = drawing.readLevels();
const {normalise} = await import("play/ink");
const {letter} = given ? normalise(levels, m.SHEET, m.SHEET, app.box) : {letter: app.letter.values};
return [Array.from(levels, (level) => Math.round(255 * level)), Array.from(letter)];
"""


@pytest.mark.parametrize("name", ["drawn with the mouse", *STROKES])
def test_the_letter_of_the_page_is_the_letter_of_predict(name: str, opened: Opened) -> None:
    if name not in STROKES:
        draw(opened.page, E)
    levels, letter = opened.call("drawing", READ_LEVELS, STROKES.get(name))
    picture = np.array(levels, np.uint8).reshape(320, 320)
    assert picture.min() < 10  # there is ink
    expected = ink.normalise(picture, "the drawing", opened.runs[0].box)
    np.testing.assert_allclose(letter, expected.numpy(), atol=1e-5)  # PyTorch scales in float32


def double(network: Network) -> Network:
    """One replica in float64."""
    alone = network.replica(0)
    return Network(
        [w.double() for w in alone.weights],
        [None if b is None else b.double() for b in alone.biases],
        None if alone.temperature is None else alone.temperature.double(),
    )


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


def test_the_test_letters_follow_the_steps(opened: Opened) -> None:
    page = opened.page
    opened.choose(0)
    draw(page, [[(30, 60), (230, 50)], [(128, 50), (120, 240)]])
    page.get_by_role("tab", name="Learn").click()
    page.get_by_label("This is the letter").select_option(label="T")
    for name, count in (("Ten steps", 10), ("Step", 11), ("Undo", 10)):
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(f"document.querySelector('#learn-verdict strong')?.textContent === '{count}'")
    page.wait_for_function("document.querySelector('#learn-error').textContent.includes(' of 52 ')")
    said = page.locator("#learn-error").inner_text()
    network = double(opened.runs[0].network)
    a = torch.tensor(opened.call("app", "return Array.from(app.letter.values)")).double()[None]
    target = one_hot(torch.tensor([19]), a, 26)
    for _ in range(10):
        activations = network.forward(a)
        v = error_vectors(network, activations, target, RULES["printed"])
        for w, b, e, h in zip(network.weights, network.biases, v, activations[:-1], strict=True):
            w -= 0.1 * e.mT @ h
            b -= 0.1 * e[0]
    test = opened.letters.test
    misread = int((network.forward(test.images.double())[-1].argmax(1) != test.labels).sum())
    assert abs(float(said.split(" %")[0]) / 100 * 52 - misread) < 1.01  # 16-bit weights may move one letter
    outputs = opened.call(
        "app", "return Array.from((await import('play/network')).forward(app.network, [app.letter.values]).at(-1))"
    )
    np.testing.assert_allclose(outputs, network.forward(a)[-1][0].numpy(), atol=3e-4)
    assert "after 10 steps" in page.locator("#learn-verdict").inner_text().lower()


def test_a_rate_above_the_bound_is_called_so(opened: Opened) -> None:
    opened.choose(1)
    letter = opened.letters.test.images[0].double()
    body = f"{TAKE} return m.findBound(network, [letter, new Float64Array(26)], app.rules[2], 0.5);"
    given = {"letter": letter.tolist(), "network": None}
    bound = opened.call("learning", body, given)
    assert bound == pytest.approx(2 / float(letter @ letter), rel=1e-6)
    page = opened.page
    page.get_by_role("tab", name="Learn").click()
    assert "is below it" in page.locator("#learn-bound").inner_text()
    slider = page.get_by_role("slider", name="Learning rate").first
    slider.fill("0")  # alpha is 10^0
    assert "is above it" in page.locator("#learn-bound").inner_text()
    before = page.locator("#learn-verdict").inner_text()
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_function("document.querySelector('#learn-bound').textContent.includes('made the loss larger')")
    assert page.locator("#learn-verdict").inner_text() != before


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


def test_the_race_runs_in_its_threads(opened: Opened) -> None:
    page = opened.page
    page.get_by_role("tab", name="Race").click()
    page.locator("#racers").get_by_label("Hidden units").select_option("30")
    page.wait_for_function("document.querySelectorAll('#racers .number')[1].textContent.includes('after 0 samples')")
    page.get_by_role("button", name="Start").click()
    page.wait_for_function(
        "[...document.querySelectorAll('#racers .number')].every((p) => /after [1-9]\\d\\d+/.test(p.textContent))"
    )
    page.get_by_role("button", name="Pause").click()
    assert page.locator("#race-curves polyline").count() == 2
    page.get_by_role("button", name="Reset").click()
    assert page.get_by_role("button", name="Start").is_visible()


def test_a_picture_is_read_by_a_plain_threshold(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    page.get_by_role("tab", name="Read").click()
    picture = np.full((120, 90), 250, np.uint8)
    picture[20:100, 20:30] = picture[20:30, 20:70] = picture[90:100, 20:70] = picture[55:64, 20:60] = 30
    Image.fromarray(picture).save(tmp_path / "letter.png")
    Image.fromarray(np.full((90, 90), 240, np.uint8)).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    page.get_by_label("Picture of a letter").set_input_files(tmp_path / "letter.png")
    page.wait_for_function("document.querySelector('#verdict').textContent.startsWith('Read as')")
    page.wait_for_function("import('play/app').then(({app}) => app.letter.name === 'the picture letter.png')")
    letter = opened.call("app", "return Array.from(app.letter.values)")
    np.testing.assert_allclose(letter, ink.normalise(picture, "x", opened.runs[0].box).numpy(), atol=1e-5)
    for name, sentence in (("blank.png", "blank.png is blank"), ("text.png", "text.png is no picture")):
        page.get_by_label("Picture of a letter").set_input_files(tmp_path / name)
        page.wait_for_function(f"document.querySelector('#verdict').textContent.startsWith('{sentence}')")


def test_the_link_and_the_keyboard(opened: Opened) -> None:
    page = opened.page
    page.get_by_role("tab", name="Read").click()
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#verdict").inner_text().startswith("There is no ink yet")
    page.locator("#sheet").focus()
    for key in (" ", *["ArrowDown"] * 6, " "):
        page.keyboard.press(key)
    page.locator("#tab-read").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#learn").is_visible()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("combobox", name="Network").select_option(index=2)
    page.wait_for_function("location.hash.includes('net=2') && location.hash.includes('ink=')")
    again = open_page(page.context, opened.path, opened.runs, page.evaluate("location.hash"))
    try:
        letter = opened.call("app", "return Array.from(app.letter.values)")
        assert again.call("app", "return Array.from(app.letter.values)") == letter
        assert max(letter) == 1
        assert again.page.locator("#read").is_visible()
        assert again.page.locator(".layers canvas").count() == 3
    finally:
        opened.said += again.said
        opened.asked += again.asked
        again.page.close()


def test_every_view_is_accessible_and_fits(opened: Opened) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened.page
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        for width in (400, 3840, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        lead = page.locator(f"#{view} .lead").text_content() or ""
        assert len(re.findall(r"\.( [A-Z]|$)", lead)) == 3, lead  # three sentences
        for colours in ("dark", "light"):
            page.emulate_media(color_scheme=colours)
            found = Axe().run(page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_the_page_says_nothing_and_asks_for_nothing(opened: Opened) -> None:
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_browser_that_lacks_something_gets_a_sentence(opened: Opened) -> None:
    page = opened.page.context.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    page.goto(opened.path.as_uri())
    assert page.locator("#problem").inner_text().startswith("This page needs")
    page.close()
