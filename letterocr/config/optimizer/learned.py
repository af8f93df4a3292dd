"""The schema of `conf/optimizer/learned.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.option import option


@dataclass
class LearnedConfig:
    """A learned rule, coordinate by coordinate (Andrychowicz et al. 2016)."""

    name: str = option("learned", "the optimizer", choices=("learned",))
    path: str | None = option(None, "a file made by letterocr.meta_train; null: the one that ships with the package")
