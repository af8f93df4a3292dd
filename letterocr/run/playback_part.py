"""Part of a run's page that plays the training back: one frame for each snapshot, and a slider through them.

Without a script the page shows the last frame.
"""

from __future__ import annotations

import numpy as np

from letterocr.data.letters import PIXELS, Letters
from letterocr.figures.learned_weights import find_scale
from letterocr.figures.tiles import draw_letter, draw_weights
from letterocr.pages.charts import make_lines_chart
from letterocr.pages.confusion_grid import draw_confusion_grid
from letterocr.pages.template import Html, make_columns, make_element, make_heading, make_tiles
from letterocr.run.playback import Change, Playback
from letterocr.run.run_view import RunView
from letterocr.run.terminal import format_percent

ABOUT = (
    "Move the slider, with the arrow keys too, or press Play. On the left: which letter (row) is read as which "
    "(column). On the right: the leading singular vectors of what the first layer has learned so far, blue below zero "
    "and red above, and the test letters that are read worst. With a hidden layer the largest direction comes first "
    "and is much alike for all letters; the further ones, which tell letters apart, grow later."
)


def make_playback(view: RunView) -> list[Html]:
    """Return the part of a run's page; empty if the run was trained without `snapshots=log`."""
    playback = view.playback
    if playback is None:
        return []
    last = len(playback.samples) - 1
    frames = [_make_frame(view, playback, i, hidden=i != last) for i in range(last + 1)]
    return [
        make_heading("The training, played back"),
        make_element("p", ABOUT),
        make_element("div", *frames, class_="playback"),
        *_make_values(playback),
    ]


def _make_frame(view: RunView, playback: Playback, i: int, hidden: bool) -> Html:
    sample, error = f"{playback.samples[i]:,}", format_percent(float(playback.test_error[i]))
    plural = "sample" if playback.samples[i] == 1 else "samples"
    network = f" by network {playback.networks[i] + 1} of {view.config.replicas}" if view.config.replicas > 1 else ""
    said = f"After {sample} {plural} {error} of the test letters are misread{network}."
    grid = draw_confusion_grid(playback.confusion[i], view.alphabet, f"Confusion matrix. {said}")
    right = _make_vectors(playback.layers[0], i)
    if view.letters is not None and playback.worst.max() < len(view.letters.test):
        right += _make_worst(view.letters.test, playback.worst[i], playback.outputs[i])
    attributes = {"data_name": f"sample {sample}"} | ({"hidden": "hidden"} if hidden else {})
    body = make_columns(make_element("div", grid), make_element("div", *right))
    return make_element("div", make_element("p", said), body, class_="frame", **attributes)


def _make_vectors(layer: Change, i: int) -> list[Html]:
    if layer.right.shape[-1] != PIXELS:
        return []
    values, vectors = layer.values[i], layer.right[i]
    names = [f"{j + 1}: σ = {value:.3g}" for j, value in enumerate(values)]
    tiles = [
        (draw_weights(v * (value > 0), find_scale(v)), f"singular vector {j + 1} of the change", names[j])
        for j, (value, v) in enumerate(zip(values, vectors, strict=True))
    ]
    return [make_heading("Learned by the first layer: W - W0", level=3), make_tiles(tiles)]


def _make_worst(letters: Letters, worst: np.ndarray, outputs: np.ndarray) -> list[Html]:
    alphabet, tiles = letters.alphabet, []
    for index, output in zip(worst.tolist(), outputs, strict=True):
        right, best = alphabet[letters.labels[index]], alphabet[output.argmax()]
        text = make_element("span", f"{right} read as {best}", class_="good" if right == best else "bad")
        tiles.append((draw_letter(letters.images[index].numpy()), f"handwritten {right}, read as {best}", text))
    return [make_heading("Worst letters", level=3), make_tiles(tiles)]


def _make_values(playback: Playback) -> list[Html]:
    """Return the singular values of the change of each weight matrix against the samples learned."""
    charts = []
    for place, layer in enumerate(playback.layers, 1):
        lines = {f"σ{j + 1}": layer.values[:, j] for j in range(layer.values.shape[1])}
        chart = make_lines_chart(playback.samples, lines, "singular value")
        charts.append(make_element("div", make_heading(f"Layer {place}", level=3), chart))
    about = "The leading singular values of W - W0, the change of the weights since the start, of each layer."
    return [make_element("p", about), make_columns(*charts)]
