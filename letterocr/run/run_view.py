"""What a page shows of one run: everything that can be read from its folder, and a sentence for what can't.

Shapes: m measurements, R networks side by side, N test letters, C classes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.base.parquet import read_columns
from letterocr.compose import registry
from letterocr.compose.defaults import label_alone
from letterocr.compose.stored_config import read_config
from letterocr.config.train import TrainConfig
from letterocr.data.letters import ALPHABET, PIXELS, Split
from letterocr.models.chain import Network
from letterocr.run.curve import read_curve
from letterocr.run.divergence import has_finite_weights
from letterocr.run.playback import Playback, read_playback
from letterocr.run.stored_network import initialise_replica, load_network

Found = TypeVar("Found")


@dataclass
class RunView:
    """One run as a page shows it; parts that can't be read are None or empty, and `notes` says why.

    Attributes:
        folder: the run folder.
        config: its config.
        label: what it is called on this page.
        result: content of `result.json`; empty unless the run is over.
        environment: content of `environment.json`.
        notes: a sentence for each part that is missing.
    """

    folder: Path
    config: TrainConfig
    label: str
    result: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    split: Split | None = None
    shown_replica: int = 0

    def _try(self, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except UserError as error:
            if str(error) not in self.notes:
                self.notes.append(str(error))
            return None

    @property
    def alphabet(self) -> str:
        """The characters of the outputs."""
        return str(self.environment.get("alphabet", ALPHABET))

    @property
    def state(self) -> str:
        """Whether the run is finished, diverged or unfinished."""
        return str(self.result.get("status", "unfinished"))

    @functools.cached_property
    def curve(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Samples learned [m] and test errors [m, R]."""
        return self._try(lambda: read_curve(self.folder))

    @functools.cached_property
    def loaded(self) -> tuple[Network, int] | None:
        """The first network that has not diverged, and the samples that it learned."""
        found = self._try(lambda: load_network(self.folder, self.config, len(self.alphabet)))
        if found is None:
            return None
        network, sample = found
        diverged = self.result.get("diverged", {})
        finite = [r for r in range(network.replicas) if str(r) not in diverged and has_finite_weights(network, r)]
        if not finite:
            self.notes.append("All networks of this run diverged, so its weights are not shown.")
            return None
        self.shown_replica = finite[0]
        return network.replica(finite[0]), sample

    @functools.cached_property
    def letters(self) -> Split | None:
        """The letters of the run; None if they can't be read or are no longer those that it learned."""
        split = self.split or self._try(lambda: registry.load_letters(self.config.data))
        if split is not None and self.environment.get("letters") not in (None, split.fingerprint()):
            self.notes.append(
                f"The letters of data={self.config.data.name} changed since the run began: none are shown."
            )
            return None
        return split

    @functools.cached_property
    def outputs(self) -> np.ndarray | None:
        """Outputs [N, C] of the shown network for the test letters."""
        if self.letters is None or self.loaded is None:
            return None
        network = self.loaded[0]
        with torch.no_grad():
            return network.forward(self.letters.test.images.to(network.weights[0]))[-1].double().numpy()

    @functools.cached_property
    def change(self) -> np.ndarray | None:
        """What the first layer learned, W - W0 [out, 900]; None for a network whose first layer sees no pixels."""
        if self.loaded is None or self.loaded[0].weights[0].shape[-1] != PIXELS:
            return None
        initial = initialise_replica(self.config, len(self.alphabet), self.shown_replica)
        return (self.loaded[0].weights[0].double() - initial.weights[0].double()).numpy()

    @functools.cached_property
    def playback(self) -> Playback | None:
        """The snapshots of the run; None if it made none."""
        return self._try(lambda: read_playback(self.folder))

    @functools.cached_property
    def figures(self) -> dict[str, np.ndarray]:
        """The diagnoses of the run by name, and `sample`: medians over the networks; empty if it made none."""
        path = self.folder / "diagnostics.parquet"
        if not path.is_file():
            return {}
        try:
            table, _ = read_columns(path)
            samples, rows = np.unique(table.pop("sample"), return_inverse=True)
        except (OSError, ValueError, KeyError) as error:
            self.notes.append(f"{path} can't be read ({error}).")
            return {}
        medians = {name: [np.median(column[rows == i]) for i in range(len(samples))] for name, column in table.items()}
        return {"sample": samples, **{name: np.array(values, float) for name, values in medians.items()}}


def _read_result(path: Path) -> dict[str, Any]:
    """Read the result of a run; empty if it is not over.

    Raises:
        UserError: the file is damaged.
    """
    result = read_json(path)
    numbers = ("error", "best_error", "samples", "seconds")
    if result and not all(isinstance(result.get(name), int | float) for name in numbers):
        raise UserError(f"{path} is damaged: train the run again with force=true.")
    return result


def view_run(folder: Path, split: Split | None = None) -> RunView:
    """Read what a page shows of a run folder.

    Args:
        folder: the run folder.
        split: its letters, if they are in memory.

    Raises:
        UserError: the folder is not a run folder, or its config can't be read.
    """
    config = read_config(folder)
    view = RunView(folder, config, label_alone(config), split=split)
    view.result = view._try(lambda: _read_result(folder / "result.json")) or {}
    view.environment = view._try(lambda: read_json(folder / "environment.json")) or {}
    if not view.result:
        at = sorted(path.stem for path in folder.glob("checkpoints/*.json"))
        where = f"its newest checkpoint is at sample {int(at[-1]):,}" if at else "it has no checkpoint yet"
        view.notes.append(f"The run is not over: {where}.")
    return view
