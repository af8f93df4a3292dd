"""The play page as a reader uses it: drawing, learning, racing, pictures, the link, the keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import torch
from opened_page import Opened, double, open_page
from PIL import Image

from letterocr.config.rule import RULES
from letterocr.data import ink
from letterocr.data.letters import one_hot
from letterocr.models.error_vectors import error_vectors
from letterocr.run.playback import Playback, read_playback

if TYPE_CHECKING:
    from playwright.sync_api import Page

VIEWS: dict[str, Literal["dark", "light"]] = {
    "read": "dark",
    "learn": "light",
    "race": "dark",
    "matrices": "light",
    "playback": "dark",
}


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


READ_AGAIN = """
const drawing = new m.Drawing(document.createElement("canvas"), () => {});
const {get} = await import("play/state");
drawing.strokes = m.readStrokes(get("ink"));
return [Array.from(drawing.readLevels(), (level) => Math.round(255 * level)), Array.from(app.letter.values)];
"""


def test_a_letter_drawn_with_the_mouse_is_the_letter_of_predict(opened: Opened) -> None:
    draw(opened.page, [[(70, 40), (70, 210)], [(70, 45), (190, 40)], [(75, 120), (160, 125)], [(70, 205), (195, 210)]])
    before = None
    while (address := opened.page.evaluate("location.hash")) != before or "ink=" not in address:
        before = address
        opened.page.wait_for_timeout(600)  # a busy machine may take a pause between two strokes for the pen's rest
    levels, letter = opened.call("drawing", READ_AGAIN)
    expected = ink.normalise(np.array(levels, np.uint8).reshape(320, 320), "the drawing", opened.runs[0].box)
    np.testing.assert_allclose(letter, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("number", [0, 2], ids=["three layers", "four layers"])
def test_the_test_letters_follow_the_steps(number: int, opened: Opened) -> None:
    page = opened.page
    opened.choose(number)
    draw(page, [[(30, 60), (230, 50)], [(128, 50), (120, 240)]])
    page.get_by_role("tab", name="Learn").click()
    page.get_by_label("This is the letter").select_option(label="T")
    for names, count in ((["Ten steps", "Step"], 11), (["Undo"], 10)):
        for name in names:  # a step waits for those before
            page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(f"document.querySelector('#learn-verdict strong')?.textContent === '{count}'")
    page.wait_for_selector("#learn-error:not(.busy)")
    said = page.locator("#learn-error").inner_text()
    network, rule = double(opened.runs[number].network), RULES[opened.runs[number].config.rule]
    a = torch.tensor(opened.call("app", "return Array.from(app.letter.values)")).double()[None]
    target = one_hot(torch.tensor([19]), a, 26)
    for _ in range(10):
        activations = network.forward(a)
        v = error_vectors(network, activations, target, rule)
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


def test_the_other_networks_read_the_same_letter(opened: Opened) -> None:
    page = opened.page
    opened.choose(1)
    page.get_by_role("tab", name="Read").click()
    page.get_by_role("button", name="Example of K").click()
    a = opened.letters.test.images[opened.letters.test.labels == 10][0].double()[None]
    for card, number in zip(page.locator("#others .card").all(), (0, 2), strict=True):
        read = opened.runs[0].alphabet[int(double(opened.runs[number].network).forward(a)[-1].argmax())]
        card.get_by_text(f"Reads {read} (").wait_for()
    page.get_by_role("button", name="Look into this network").last.click()
    page.wait_for_function("document.querySelector('#choices select').value === '2'")
    assert page.locator(".layers canvas").count() == 3


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


def open_playback(opened: Opened) -> Playback:
    """Show the view Playback of the run that has snapshots, and return them."""
    opened.choose(0)
    opened.page.get_by_role("tab", name="Playback").click()
    folder = opened.runs[0].folder
    playback = folder and read_playback(folder)
    assert playback
    return playback


def test_the_training_is_played_back(opened: Opened) -> None:
    playback, page = open_playback(opened), opened.page
    slider, name = page.get_by_role("slider", name="Training"), page.locator("#player output")
    slider.press("Home")
    assert name.inner_text().startswith("0 samples: ")
    slider.press("ArrowRight")
    error = f"{100 * playback.test_error[1]:.1f} %"
    assert name.inner_text() == f"1 sample: {error} misread"
    assert slider.get_attribute("aria-valuetext") == f"After 1 sample {error} of the test letters are misread."
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('#player output').textContent.startsWith('2 samples')")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("location.hash.includes('snapshot=2')")


def test_a_snapshot_is_shown_as_it_was_kept(opened: Opened) -> None:
    playback, page, alphabet = open_playback(opened), opened.page, opened.runs[0].alphabet
    page.get_by_role("slider", name="Training").fill("12")
    first, last = playback.layers
    for shown, values in (("#directions figcaption", first.values), ("#sides td:nth-child(2)", last.values)):
        said = [float(text.split("σ = ")[-1].replace(",", "")) for text in page.locator(shown).all_inner_texts()]
        np.testing.assert_allclose(said, values[12], rtol=5e-3)
    u = last.left[12, 0]
    raised, lowered = page.locator("#sides tr:first-child .words").all_inner_texts()
    assert (raised if u.max() > -u.min() else lowered)[0] == alphabet[np.abs(u).argmax()]
    wrong = playback.confusion[12] * (1 - np.eye(26, dtype=int))
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    pair = f"Most often: {alphabet[row]} read as {alphabet[column]} ({wrong.max()})"
    assert page.locator("#confusion p").inner_text().startswith(pair)
    truth = alphabet[opened.letters.test.labels[playback.worst[12, 0]]]
    worst = page.locator("#worst figcaption").all_inner_texts()
    assert worst[0] == f"{truth} as {alphabet[playback.outputs[12, 0].argmax()]}"
    assert len(worst) == playback.worst.shape[1]
    packed = opened.call("unpack", "return Array.from(await m.unpack(app.about.playback.right))")
    vectors = np.reshape(packed, first.right.shape)
    likeness = np.einsum("ski,ski->sk", vectors, first.right) / np.linalg.norm(vectors, axis=2)
    assert likeness[first.values > 0].min() > 0.99


def test_a_run_without_snapshots_says_how_to_get_them(opened: Opened) -> None:
    opened.page.get_by_role("tab", name="Playback").click()
    opened.choose(1)
    assert "letterocr train snapshots=log" in opened.page.locator("#playback-none").inner_text()
    assert opened.page.locator("#player").is_hidden()


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
    drop = f"""const file = new File([Uint8Array.from({list((tmp_path / "letter.png").read_bytes())})], "dropped.png");
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(file);
    document.querySelector("#sheet").dispatchEvent(new DragEvent("drop", {{dataTransfer, cancelable: true}}));"""
    page.evaluate(drop)
    page.wait_for_function("import('play/app').then(({app}) => app.letter.name === 'the picture dropped.png')")
    assert opened.call("app", "return Array.from(app.letter.values)") == letter
    for name, sentence in (("blank.png", "blank.png is blank"), ("text.png", "text.png is no picture")):
        page.get_by_label("Picture of a letter").set_input_files(tmp_path / name)
        page.wait_for_function(f"document.querySelector('#verdict').textContent.startsWith('{sentence}')")


def test_what_is_like_no_letter_gets_a_sentence(opened: Opened) -> None:
    body = """const likeness = new m.Likeness(app.train, app.test);
    const {takeLetter} = await import("play/unpack");
    const unlike = Array.from({length: app.test.count}, (_, i) => likeness.isUnlike(takeLetter(app.test, i)));
    return [unlike.filter(Boolean).length, likeness.isUnlike(new Float64Array(900).fill(1))];"""
    unlike, area = opened.call("likeness", body)
    assert unlike <= 2
    assert area
    draw(opened.page, [[(10, 10), (245, 245), (10, 245), (245, 10), (128, 5), (128, 250), (5, 128), (250, 128)]])
    opened.page.wait_for_function("document.querySelector('#verdict').textContent.includes('may be no letter')")


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
    for view, colours in VIEWS.items():
        page.locator(f"#tab-{view}").click()
        for width in (400, 3840, 1280) if view == "matrices" else (400, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        lead = page.locator(f"#{view} .lead").text_content() or ""
        assert len(re.findall(r"\.( [A-Z]|$)", lead)) == 3, lead  # three sentences
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
