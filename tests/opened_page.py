"""The play page of three tiny networks, open in a browser; tests call its own modules by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitted import TINY

import letterocr
from letterocr.data.letters import Split
from letterocr.models.chain import Network

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


@dataclass
class Opened:
    """The open page, what it said and asked for, and the runs that it shows."""

    page: Page
    runs: list[letterocr.Run]
    letters: Split
    path: Path
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def call(self, module: str, body: str, given: Any = None) -> Any:
        """Run JavaScript in which `m` is a module of the page, `app` what its views share, `given` an argument."""
        code = f"async (given) => {{ const m = await import('play/{module}'); const {{app}} = await import('play/app');"
        return self.page.evaluate(f"{code} {body} }}", given)

    def choose(self, number: int) -> None:
        """Choose one of the networks, with its first weights."""
        self.call("app", "await m.chooseNetwork(given);", number)


def fit_runs(folder: Path) -> list[letterocr.Run]:
    """Return three runs; the first one is kept in a folder, with snapshots of its training."""
    kept = {"output": folder, "snapshots": "log", "tensorboard": False}
    shared = TINY | {"data__test_per_letter": 2, "samples": 200, "engine": "reference", "evaluate_every": "log"}
    printed = {"rule": "printed", "learning_rate": 0.1, "model__temperature": 150}
    return [
        letterocr.fit(**shared | printed | kept),
        letterocr.fit(**shared | {"model": "two_layer", "model__hidden": [], "learning_rate": 0.005}),
        letterocr.fit(**shared | {"model": "four_layer", "model__hidden": [40, 30], "learning_rate": 0.1}),
    ]


def open_page(context: BrowserContext, path: Path, runs: list[letterocr.Run], fragment: str = "") -> Opened:
    made = Opened(context.new_page(), runs, runs[0].letters, path)
    made.page.on("console", lambda message: made.said.append(message.text))
    made.page.on("pageerror", lambda error: made.said.append(str(error)))
    made.page.on("request", lambda request: made.asked.append(request.url))
    made.page.goto(path.as_uri() + fragment)
    made.page.wait_for_selector("html[data-ready]")
    return made


def double(network: Network) -> Network:
    """One replica in float64."""
    alone = network.replica(0)
    return Network(
        [w.double() for w in alone.weights],
        [None if b is None else b.double() for b in alone.biases],
        None if alone.temperature is None else alone.temperature.double(),
    )
