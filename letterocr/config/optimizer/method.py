"""What the configs of all optimizers have in common, and the demands that several of them make on a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import Contender
from letterocr.config.network_size import NetworkSize
from letterocr.config.option import option
from letterocr.config.refusal import refuse
from letterocr.config.rule import find_rule

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class MethodConfig:
    """The fields of an optimizer, and everything that is known of it without PyTorch.

    Attributes:
        contenders: how it takes part in `letterocr.compare`, by the contenders' names; empty: not at all.
    """

    name: str = option("", "the optimizer")

    contenders: ClassVar[dict[str, Contender]] = {}

    def validate(self, run: TrainConfig) -> None:
        """Refuse a run that the optimizer does not fit.

        Raises:
            UserError: names the field, its value and the mend.
        """

    def explain_missing_bound(self) -> str:
        """Why the bounds of plain descent do not hold for it, as the first part of a sentence; empty where they do.

        They hold where each update is -alpha times the rule's direction (6, 20).
        """
        return f"optimizer={self.name} has a learning rate of its own meaning;"

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Multiply-adds for each sample, the mean over the run; by default those of plain descent.

        Raises:
            KeyError: they are not known.
        """
        return size.descent


@dataclass
class MetaTrainedConfig(MethodConfig):
    """An optimizer whose rule is learned, and kept in a file."""

    path: str | None = option(None, "a file made by letterocr.meta_train; null: the one that ships with the package")


def require_gradient(run: TrainConfig, name: str) -> None:
    """Refuse a rule that is not the gradient; the linear two-layer network has one rule only.

    Raises:
        UserError: names the rule and the mend.
    """
    if not (find_rule(run.rule).is_gradient or run.model.is_quadratic):
        refuse("rule", run.rule, f"optimizer={name} is made of the loss's curvature and needs rule=gradient")


def require_single(run: TrainConfig, name: str) -> None:
    """Refuse batches.

    Raises:
        UserError: names the batch and the mend.
    """
    if run.batch != "1":
        refuse("batch", run.batch, f"optimizer={name} learns one sample at a time; leave it 1")
