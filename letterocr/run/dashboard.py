"""TensorBoard dashboard of a run: the tags of its curves, what each one means, and the charts that show them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Layout

TEST_ERROR = "error/test"
TRAIN_ERROR = "error/train"
TRAIN_LOSS = "loss/train"
BEST_TEST_ERROR = "result/best_test_error"
FINAL_TEST_ERROR = "result/final_test_error"

_CURVES = {TEST_ERROR: "Test error", TRAIN_ERROR: "Train error", TRAIN_LOSS: "Train loss"}
_LINES = {"Test error and train error": f"^({TEST_ERROR}|{TRAIN_ERROR})$", "Train loss": f"^{TRAIN_LOSS}$"}
MATRIX_VIEW = "Matrix view (log-spaced points: set Smoothing to 0)"

DENSE = ("error/", "loss/", "spread/error_", "spread/loss_", "result/", "pictures/")
LOG_SPACED = "The points are log-spaced: set Smoothing to 0."

# What each tag means; the first pattern that fits counts.
DESCRIPTIONS = {
    r"spread/.*_lower": "Lower quartile of the networks trained side by side.",
    r"spread/.*_upper": "Upper quartile of the networks trained side by side.",
    TEST_ERROR: "Fraction of the test letters that are misread, against the samples learned.",
    TRAIN_ERROR: "Fraction of the last 500 samples that were misread, each before its update.",
    TRAIN_LOSS: "Loss of one sample before its update; nothing is written after a network has diverged.",
    FINAL_TEST_ERROR: "Test error after the last sample.",
    BEST_TEST_ERROR: "Lowest test error of the run.",
    r"learning_rate/used": "Learning rate of the update at this sample.",
    r"learning_rate/limit": "2 / largest eigenvalue of the Hessian: above it, descent on all letters is not stable.",
    r"hessian/largest_eigenvalue": "Largest eigenvalue of the Hessian of the loss, on four letters of each class.",
    r".*/angle": "Angle between the printed update and the gradient, in degrees; the median over letters.",
    r".*/norm_ratio": "Length of the printed update divided by that of the gradient; the median over letters.",
    r"weight_\d+/singular_value_\d+": "Singular value of the weights of this layer; 1 is the largest.",
    r"update_\d+/singular_value_\d+": "Singular value of the change of the weights since the start; 1 is the largest.",
    r"hidden_\d+/singular_value_\d+": "Singular value of the hidden activations of the test letters, less their mean.",
    r".*/stable_rank": "Sum of the squared singular values, divided by the largest one squared.",
    r".*/effective_rank": "Exponential of the entropy of the singular values: how many directions count.",
    r"pictures/learned": "Weights minus initial weights of the first layer as 30x30 images: the units that changed "
    "most, and the leading singular vectors of the change. Move the slider to see the training.",
    r"pictures/confusion": "Rows: right letters; columns: how they are read. Move the slider to see the training.",
    r"pictures/worst_letters": "Test letters with the largest loss, and their two largest outputs.",
}


def describe_tag(tag: str) -> str:
    """Return what a tag means, in one sentence.

    Raises:
        KeyError: there is no description.
    """
    for pattern, text in DESCRIPTIONS.items():
        if re.fullmatch(pattern, tag):
            return text if tag.startswith(DENSE) else f"{text} {LOG_SPACED}"
    raise KeyError(tag)


def name_quartile(tag: str, which: str) -> str:
    """Return the tag of a quartile curve over the networks trained side by side.

    Args:
        tag: tag of the median curve.
        which: `lower` or `upper`.

    Example:
        >>> name_quartile("error/test", "lower")
        'spread/error_test_lower'
    """
    return f"spread/{tag.replace('/', '_')}_{which}"


def make_layout(replicas: int, diagnosed: int) -> Layout:
    """Return the layout of the dashboard.

    TensorBoard merges the charts of all runs whose category has the same title.

    Args:
        replicas: networks trained side by side; above 1 the curves are drawn with their quartiles.
        diagnosed: number of weight matrices that are diagnosed; 0: no matrix view.
    """
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

    learning = _make_bands() if replicas > 1 else _make_lines("Learning", _LINES)
    matrices = {
        f"{what}, layer {k + 1}: singular values 1 to 5": f"^{kind}_{k + 1}/singular_value_[1-5]$"
        for k in range(diagnosed)
        for kind, what in (("weight", "Weights"), ("update", "Change of the weights"))
    }
    ranks = {
        f"Effective rank of {what}, each layer": rf"^{kind}_\d+/effective_rank$"
        for kind, what in (("weight", "the weights"), ("update", "their change"), ("hidden", "the hidden activations"))
    }
    view = (
        ranks | matrices | {"Learning rate used, and its limit for all letters at once": "^learning_rate/(used|limit)$"}
    )
    return Layout(category=[learning, *([_make_lines(MATRIX_VIEW, view)] if diagnosed else [])])


def _make_lines(title: str, charts: dict[str, str]) -> Category:
    """Return a category with one chart for each pattern of tags, by its title."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, MultilineChartContent

    made = [Chart(title=name, multiline=MultilineChartContent(tag=[pattern])) for name, pattern in charts.items()]
    return Category(title=title, chart=made)


def _make_bands() -> Category:
    """Return a category with one chart for each curve, its median and quartiles."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, MarginChartContent

    charts = []
    for tag, name in _CURVES.items():
        series = MarginChartContent.Series(
            value=tag, lower=name_quartile(tag, "lower"), upper=name_quartile(tag, "upper")
        )
        title = f"{name}: median and quartiles of the networks"
        charts.append(Chart(title=title, margin=MarginChartContent(series=[series])))
    return Category(title="Learning, networks side by side", chart=charts)
