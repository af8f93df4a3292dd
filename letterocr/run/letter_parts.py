"""Parts of a page about letters: which are read as which, and the letters that are read worst.

Shapes: N test letters, C classes; outputs [N, C].
"""

from __future__ import annotations

import numpy as np

from letterocr.data.letters import Letters
from letterocr.figures.tiles import draw_letter
from letterocr.pages.charts import make_chart
from letterocr.pages.template import Html, make_element, make_heading, make_tiles

MOST_CONFUSIONS = 8
MOST_LETTERS = 12


def count_confusions(truth: np.ndarray, read: np.ndarray, classes: int) -> np.ndarray:
    """Return how often each letter (row) is read as each letter (column): [C, C].

    Args:
        truth: [N], right letters as indices in the alphabet.
        read: [N], readings.
        classes: C.
    """
    return np.bincount(truth * classes + read, minlength=classes**2).reshape(classes, classes)


def make_confusion(letters: Letters, outputs: np.ndarray) -> list[Html]:
    """Return which letter is read as which: a sentence on the most frequent confusions, and a table of colours."""
    alphabet, read = letters.alphabet, outputs.argmax(1)
    counts = count_confusions(letters.labels.numpy(), read, len(alphabet))
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong.ravel(), kind="stable")[:MOST_CONFUSIONS]
    most = [(*divmod(int(i), len(alphabet)), int(wrong.flat[i])) for i in order if wrong.flat[i]]
    said = ", ".join(f"{alphabet[t]} as {alphabet[r]} ({n})" for t, r, n in most)
    sentence = f"Read wrongly most often: {said}." if most else "Every test letter is read right."
    total = counts.sum(1)
    shares = 100 * wrong / np.maximum(total, 1)[:, None]
    hover = [
        [f"{alphabet[t]} read as {alphabet[r]}: {counts[t, r]} of {total[t]}" for r in range(len(alphabet))]
        for t in range(len(alphabet))
    ]
    trace = {"type": "heatmap", "z": np.round(shares, 1), "x": list(alphabet), "y": list(alphabet), "text": hover}
    trace |= {"hovertemplate": "%{text}<extra></extra>", "xgap": 1, "ygap": 1, "zmin": 0}
    trace["colorscale"] = [[0, "rgba(128,132,140,0.10)"], [0.001, "#f6c9a8"], [1, "#b3291e"]]
    trace["colorbar"] = {"title": {"text": "%"}, "thickness": 10, "outlinewidth": 0}
    axis = {"tickmode": "array", "tickvals": list(alphabet), "ticktext": list(alphabet), "tickfont": {"size": 10}}
    layout = {
        "height": 460,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": axis | {"title": {"text": "read as"}, "showgrid": False},
        "yaxis": axis | {"title": {"text": "right letter"}, "autorange": "reversed", "showgrid": False},
    }
    alt = f"Confusion matrix of {len(letters):,} test letters, wrong readings only. {sentence}"
    return [make_element("p", sentence), make_chart([trace], layout, alt)]


def make_worst_letters(letters: Letters, outputs: np.ndarray) -> list[Html]:
    """Return the letters with the largest loss, each with its three largest outputs."""
    truth, alphabet = letters.labels.numpy(), letters.alphabet
    losses = 0.5 * np.square(outputs - np.eye(len(alphabet))[truth]).sum(1)
    tiles = []
    for i in np.argsort(-losses, kind="stable")[:MOST_LETTERS]:
        best = np.argsort(-outputs[i], kind="stable")[:3]
        right, read = alphabet[truth[i]], alphabet[best[0]]
        kind = "good" if right == read else "bad"
        ranked = ", ".join(f"{alphabet[c]} {outputs[i, c]:.2f}" for c in best)
        text = Html(make_element("span", f"{right} read as {read}", class_=kind) + "<br>" + ranked)
        tiles.append((draw_letter(letters.images[i].numpy()), f"handwritten {right}, read as {read}", text))
    about = make_element("p", "The letters with the largest loss, each with its three largest outputs.")
    return [make_heading("Worst letters", level=3), about, make_tiles(tiles)]
