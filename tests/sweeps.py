"""Run folders without training: what `letterocr.run.session` leaves, with errors by a formula."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
from helpers import small_config

from letterocr.base.files import write_json
from letterocr.config.model.chain import ChainConfig
from letterocr.engine.records import Records
from letterocr.run.curve import Curve
from letterocr.run.folder import locate_folder, write_config


def final_error(rate: float, temperature: float, seed: int) -> float:
    """Lowest at rate 0.1 and temperature 1; each seed adds a little."""
    return min(0.1 * (1 + abs(math.log10(rate / 0.1)) + abs(math.log10(temperature))) + 0.01 * seed, 0.9)


def make_run(
    output: Path, rate: float, temperature: float, seed: int, *, over: bool = True, samples: int = 8, **fields: Any
) -> Path:
    """One run folder: the error falls in a straight line from 1 to its end."""
    model = ChainConfig(temperature=temperature)
    config = small_config(learning_rate=rate, model=model, seed=seed, samples=samples, output=str(output), **fields)
    folder = locate_folder(config)
    folder.mkdir(parents=True)
    write_config(folder, config)
    curve, end = Curve(samples, 1), final_error(rate, temperature, seed)
    curve.test_error[0] = 1.0
    errors = np.linspace(1, end, samples + 1)[1:, None]
    curve.add(Records(np.ones((samples, 1)), np.zeros((samples, 1), bool), errors))
    curve.save(folder / "curve.parquet")
    if over:
        facts = {"samples": samples, "seconds": 1.5, "final_error": end, "best_error": end, "best_sample": samples}
        reached = {f"{m:g}": int((errors <= m).argmax()) + 1 if end <= m else None for m in (0.5, 0.2, 0.1)}
        write_json(folder / "result.json", {"status": "finished", "error": end, **facts, "reached": reached})
    return folder


def make_sweep(output: Path, rates: int, temperatures: int, seeds: int, **more: Any) -> list[Path]:
    """A grid of runs."""
    grid = itertools.product(np.geomspace(1e-3, 10, rates), np.geomspace(1, 100, temperatures), range(seeds))
    return [make_run(output, float(rate), float(temperature), seed, **more) for rate, temperature, seed in grid]
