"""What the contenders are compared on: a network to train, letters to train it on, and what of them tuning may see.

Every run of a comparison trains on the *fitting* letters. The *validation* letters, a fifth of the source's training
letters, decide on hyperparameters and targets: of writers of their own where writers are known, and like the test
letters as many of each class. The test letters only tell the error in the end.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path
from letterocr.compare.contenders import NETWORKS, set_fields
from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.config.check import check_config
from letterocr.config.data import ImagesConfig, SourceConfig
from letterocr.config.identity import to_plain
from letterocr.config.label import LAYERS
from letterocr.config.refusal import refuse
from letterocr.config.train import TrainConfig
from letterocr.data.images import split
from letterocr.data.letters import Letters, Split

VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Source:
    """Letters by name.

    Attributes:
        kind: synthetic, emnist or images.
        path: of the file or folder, or empty.
    """

    kind: str
    path: str = ""

    @property
    def name(self) -> str:
        """How tables call it: after the file where there is one."""
        return Path(self.path).stem if self.path else self.kind


@dataclass(frozen=True)
class Problem:
    """A network and its letters.

    Attributes:
        network: one of NETWORKS.
        hidden: width of each hidden layer.
        source: the letters.
        samples: how many are learned.
    """

    network: str
    hidden: int
    source: Source
    samples: int

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"{self.network}/{self.source.name}"

    @property
    def label(self) -> str:
        """How sentences call it."""
        letters = f"letters of {self.source.name}" if self.source.path else f"{self.source.name} letters"
        return f"{LAYERS[self.network]}, {letters}"

    def config(self, overrides: tuple[str, ...]) -> TrainConfig:
        """The config of a run with a contender's overrides, of one network on the CPU.

        Raises:
            UserError: the contender does not fit the network.
        """
        widths = [self.hidden] * NETWORKS.index(self.network)
        own = [f"model={self.network}", f"model.hidden={widths}", f"data={self.source.kind}", "device=cpu", "threads=1"]
        config = compose_config([*own, *overrides])
        config.samples = self.samples
        if self.source.path:
            config = set_fields(config, {"data.path": self.source.path})
        check_config(config)
        return config


def make_sources(kinds: Sequence[str], paths: Sequence[str]) -> list[Source]:
    """The sources that `data=` and `data.path=` name.

    Args:
        kinds: of the sources, as in `data=emnist,images`.
        paths: of their files, one for each source, `null` for none; empty: none has one.

    Raises:
        UserError: there are more or fewer paths than sources, or a path is missing or not wanted.
    """
    if paths and len(paths) != len(kinds):
        mend = f"has {len(paths)} values for data={','.join(kinds)}; give one for each source, null for none"
        refuse("data.path", ",".join(paths), mend)
    sources = []
    for kind, path in zip(kinds, paths or ["null"] * len(kinds), strict=True):
        if not hasattr(registry.DATA[kind].schema(), "path") and path != "null":
            refuse("data.path", path, f"data={kind} has no files; write null")
        if kind == "images" and path == "null":
            raise UserError("data=images needs data.path=FOLDER or data.path=FILE.npz.")
        sources.append(Source(kind, "" if path == "null" else str(expand_path(path).resolve())))
    return sources


def split_for_tuning(train: Letters) -> Split:
    """Fitting and validation letters, from the training letters alone; the same at every call.

    As many validation letters of each class as there are training letters in the fifth part of a mean class, or as a
    rare class, or the writers, allow.
    """
    classes = train.classes
    rarest = int(torch.bincount(train.labels, minlength=classes).min())
    count = max(min(round(VALIDATION_SHARE * len(train) / classes), rarest // 2), 1)
    while True:
        try:
            return split(train, ImagesConfig(test_per_letter=count), "the training letters")
        except UserError:  # too few writers have a letter
            if count == 1:
                raise
            count //= 2


def load_letters(config: TrainConfig) -> tuple[Split, Letters]:
    """Fitting and validation letters of a run's source, and its test letters; loaded once a process.

    Raises:
        UserError: the source says what is wrong with its files.
    """
    return _load_cached(registry.find_source(config.data), json.dumps(to_plain(config.data)))


@functools.lru_cache(maxsize=8)
def _load_cached(entry: registry.Entry[SourceConfig], fields: str) -> tuple[Split, Letters]:
    whole: Split = entry.load()(entry.schema(**json.loads(fields)))
    return split_for_tuning(whole.train), whole.test


def compute_fingerprint(config: TrainConfig, part: str) -> str:
    """What tells apart the letters of two runs: those of a trial, or of a final run."""
    return _compute_cached(registry.find_source(config.data), json.dumps(to_plain(config.data)), part)


@functools.lru_cache(maxsize=16)
def _compute_cached(entry: registry.Entry[SourceConfig], fields: str, part: str) -> str:
    tuning, test = _load_cached(entry, fields)
    seen = [tuning.train, tuning.test] + ([test] if part == "final" else [])
    return "-".join(letters.fingerprint() for letters in seen)
