"""The schema of `conf/optimizer/`: the fields of every optimizer, and which runs it fits.

`refusal` says why an optimizer does not fit a run: the field, its value and the mend; None where it does.
"""

from __future__ import annotations

from typing import Any

from letterocr.config.train import TrainConfig

Refusal = tuple[str, Any, str] | None


def needs_gradient(run: TrainConfig, name: str) -> Refusal:
    """Refuses a rule that is not the gradient; the linear two-layer network has one rule only."""
    if run.rule == "gradient" or (run.model.activation == "linear" and not run.model.hidden):
        return None
    return "rule", run.rule, f"optimizer={name} is made of the loss's curvature and needs rule=gradient"


def needs_single(run: TrainConfig, name: str) -> Refusal:
    """Refuses batches."""
    return (
        None if run.batch == "1" else ("batch", run.batch, f"optimizer={name} learns one sample at a time; leave it 1")
    )
