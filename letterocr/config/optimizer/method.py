"""Fields and checks common to the configs of all optimizers, and checks that several of them share."""

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
    """The fields of an optimizer, and everything about it that can be known without PyTorch.

    Attributes:
        contenders: its entries in `letterocr.compare` by their names; empty if it takes no part.
    """

    name: str = option("", "the optimizer")

    contenders: ClassVar[dict[str, Contender]] = {}

    def validate(self, run: TrainConfig) -> None:
        """Refuse a run that the optimizer can't do.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the field, its value and the mend.
        """

    def explain_missing_bound(self) -> str:
        """Explain why the bounds of plain descent do not hold, as the first part of a sentence; empty if they hold.

        They hold if each update is -alpha times the rule's direction (6, 20).
        """
        return f"no bound is known for the learning rate of optimizer={self.name};"

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds for one sample, as a mean over the run; by default those of plain descent.

        Args:
            size: the network.

        Raises:
            KeyError: the number is not known.
        """
        return size.descent


@dataclass
class MetaTrainedConfig(MethodConfig):
    """The fields of an optimizer whose rule is learned and stored in a file."""

    path: str | None = option(
        None, "a file made by letterocr.meta_train; null: the one that ships with the package", verbatim=True
    )


def require_gradient(run: TrainConfig, name: str) -> None:
    """Refuse a rule that is not the gradient. For the linear two-layer network all rules are the same.

    Args:
        run: the config of the run.
        name: the optimizer.

    Raises:
        UserError: names the rule and the mend.
    """
    if not (find_rule(run.rule).is_gradient or run.model.is_quadratic):
        refuse("rule", run.rule, f"optimizer={name} uses the curvature of the loss; take rule=gradient")


def require_single(run: TrainConfig, name: str) -> None:
    """Refuse batches of more than one sample.

    Args:
        run: the config of the run.
        name: the optimizer.

    Raises:
        UserError: names the batch and the mend.
    """
    if run.batch != "1":
        refuse("batch", run.batch, f"optimizer={name} learns one sample at a time; take batch=1")
