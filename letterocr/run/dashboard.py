"""TensorBoard dashboard of a run: the tags of its curves, and the charts that show them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

TEST_ERROR = "error/test"
TRAIN_ERROR = "error/train"
TRAIN_LOSS = "loss/train"

_CURVES = {TEST_ERROR: "Test error", TRAIN_ERROR: "Train error", TRAIN_LOSS: "Train loss"}


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


def make_layout(replicas: int) -> Layout:
    """Return the layout of the dashboard; charts of quartiles are added for more than one replica.

    TensorBoard merges the charts of all runs, because their category has the same title.
    """
    from tensorboard.plugins.custom_scalar.layout_pb2 import (
        Category,
        Chart,
        Layout,
        MarginChartContent,
        MultilineChartContent,
    )

    lines = {
        "Test error against samples learned": [TEST_ERROR],
        "Train and test error against samples learned": [TRAIN_ERROR, TEST_ERROR],
        "Train loss against samples learned": [TRAIN_LOSS],
    }
    charts = [
        Chart(title=title, multiline=MultilineChartContent(tag=[f"^{re.escape(tag)}$" for tag in tags]))
        for title, tags in lines.items()
    ]
    if replicas > 1:
        for tag, name in _CURVES.items():
            series = MarginChartContent.Series(
                value=tag, lower=name_quartile(tag, "lower"), upper=name_quartile(tag, "upper")
            )
            title = f"{name}: median and quartiles of the networks trained side by side"
            charts.append(Chart(title=title, margin=MarginChartContent(series=[series])))
    return Layout(category=[Category(title="Learning", chart=charts)])
