"""Claims about training: two layers against three (Fig. 7), and four (Fig. 8), by the printed rule and the gradient.

Each training run has its own run folder: a finished run is not trained again, and a stopped run continues.
*Size of the error jumps*: the root mean square of the change of the test error between two measurements, over the
second half of the run, in percentage points; the paper calls a network with large jumps less stable.

Shapes: m measurements, R replicas; errors [m, R].
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from letterocr.base.quartiles import compute_quartiles
from letterocr.base.signals import StoppedError
from letterocr.compose.from_overrides import compose_config
from letterocr.config.train import TrainConfig
from letterocr.figures.error_curves import draw_band, label_error_axes
from letterocr.figures.png import make_figure
from letterocr.reproduce.finding import FAILS, HOLDS, WIDTH, Finding, Material, Table, deny, phrase_condition
from letterocr.run.curve import read_curve

Curves = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]  # by (rule, model): samples and errors

NAMES = {"two_layer": "two layers", "three_layer": "three layers", "four_layer": "four layers"}
MARK = 0.5  # the number of samples until this test error shows how fast a network learns
MUCH = 2.0  # a network whose jumps are larger by this factor is much less stable


def make_config(experiment: str, model: str, rule: str, material: Material) -> TrainConfig:
    """Return the config of `letterocr train experiment=... model=... rule=...` with these letters."""
    overrides = [f"experiment={experiment}", f"model={model}", f"rule={rule}", f"samples={material.samples}"]
    overrides += [f"replicas={material.replicas}", f"evaluate_every={material.every}", "resume=true"]
    config = compose_config(overrides)
    config.data, config.output, config.threads = material.data, str(material.runs), material.threads
    return config


def train_once(experiment: str, model: str, rule: str, material: Material) -> Path:
    """Train this network unless it is trained already, and return its run folder.

    Raises:
        StoppedError: a signal came; started again, the run continues.
    """
    from letterocr.run.training import run

    outcome = run(make_config(experiment, model, rule, material))
    if outcome.signal:
        raise StoppedError(outcome.signal)
    return outcome.folder


def final_errors(errors: np.ndarray) -> np.ndarray:
    """The error at the last measurement, where the curve ends: [R].

    Args:
        errors: [m, R].
    """
    return errors[-1]


def error_jumps(errors: np.ndarray) -> np.ndarray:
    """The root mean square of the change between two measurements, over the second half: [R].

    Args:
        errors: [m, R].

    Example:
        >>> error_jumps(np.array([[1.0], [1.0], [0.25], [0.75]])).tolist()
        [0.5]
    """
    return np.sqrt(np.square(np.diff(errors[len(errors) // 2 :], axis=0)).mean(0))


def find_first_below(samples: np.ndarray, errors: np.ndarray, mark: float) -> np.ndarray:
    """Return the samples learned when the error was first at most `mark`; infinite if it never was: [R].

    Args:
        samples: [m], samples learned at each measurement.
        errors: [m, R].
        mark: the error, as a fraction.

    Example:
        >>> find_first_below(np.array([0, 10, 20]), np.array([[1.0, 1.0], [0.5, 1.0], [0.25, 1.0]]), 0.5).tolist()
        [10.0, inf]
    """
    reached = errors <= mark
    return np.where(reached.any(0), samples[reached.argmax(0)], np.inf)


def _median(values: np.ndarray) -> float:
    return compute_quartiles(values)[1]


def _format_band(values: np.ndarray, form: str, scale: float = 100) -> list[str]:
    """Format median, lower and upper quartile."""
    low, middle, high = compute_quartiles(values)
    return [format(scale * v, form) if np.isfinite(v) else "not reached" for v in (middle, low, high)]


def _format_samples(number: float) -> str:
    return f"{number:,.0f} samples" if np.isfinite(number) else "more samples than were learned"


def _compare(experiment: str, models: list[str], material: Material) -> tuple[Any, Curves, tuple[Table, ...], str]:
    """Train the models by both rules; return the figure, what it shows, the curves by (rule, model), and the tables."""
    figure = make_figure(WIDTH, 7)
    curves: Curves = {}
    measures: dict[str, list[list[str]]] = {"error": [], "pace": [], "jumps": []}
    seen = []
    for axis, rule in zip(figure.subplots(2, 1, sharex=True), ("printed", "gradient"), strict=True):
        for model in models:
            own_rule = "printed" if model == "two_layer" else rule  # one linear layer: all rules are alike
            folder = train_once(experiment, model, own_rule, material)
            samples, errors = curves[rule, model] = read_curve(folder)
            end = f"{100 * _median(final_errors(errors)):.1f} %"
            draw_band(axis, samples, errors, f"{NAMES[model]}: {end} at the end")
            name, diverged = f"{rule} rule, {NAMES[model]}", int((errors[-1] == 1).sum())
            seen.append(f"{name} ends at {end}")
            measures["error"].append(
                [name, *_format_band(final_errors(errors), ".1f"), f"{diverged} of {errors.shape[1]}"]
            )
            measures["pace"].append([name, *_format_band(find_first_below(samples, errors, MARK), ",.0f", 1)])
            measures["jumps"].append([name, *_format_band(error_jumps(errors), ".2f")])
        label_error_axes(axis)
        axis.set_title(f"{rule} rule")
        axis.label_outer()
    columns = ["median", "lower quartile", "upper quartile"]
    tables = (
        Table(
            f"Test error after {material.samples:,} samples, %", ["network", *columns, "diverged"], measures["error"]
        ),
        Table(f"Samples until the error is first {100 * MARK:.0f} %", ["network", *columns], measures["pace"]),
        Table("Size of the error jumps, percentage points", ["network", *columns], measures["jumps"]),
    )
    return figure, curves, tables, f"Test error against samples learned: {'; '.join(seen)}"


def _judge(holds: dict[str, bool]) -> str:
    true = [rule for rule, found in holds.items() if found]
    return HOLDS if len(true) == len(holds) else phrase_condition(f"the {true[0]} rule trains it") if true else FAILS


def _describe_material(material: Material) -> dict[str, str]:
    return {"networks of each kind": str(material.replicas), "samples between two measurements": str(material.every)}


def judge_two_against_three(material: Material) -> Finding:
    """Judge Fig. 7: the three-layer network reaches a lower error than the two-layer network."""
    figure, curves, tables, seen = _compare("paper/fig7", ["two_layer", "three_layer"], material)
    final = {key: _median(final_errors(errors)) for key, (_, errors) in curves.items()}
    holds = {rule: final[rule, "three_layer"] < final[rule, "two_layer"] for rule in ("printed", "gradient")}
    return Finding(
        "The three-layer network reaches a lower error than the two-layer network (Fig. 7).",
        _judge(holds),
        f"After {material.samples:,} samples the error of two layers is {100 * final['printed', 'two_layer']:.1f} %; "
        f"that of three layers is {100 * final['printed', 'three_layer']:.1f} % with the printed rule and "
        f"{100 * final['gradient', 'three_layer']:.1f} % with the gradient.",
        _describe_material(material),
        {"fig7": figure},
        seen,
        tables[:1],
    )


def judge_four_layers(material: Material) -> Finding:
    """Judge Fig. 8: four layers learn more slowly than three, and much less stably."""
    figure, curves, tables, seen = _compare("paper/fig8", ["three_layer", "four_layer"], material)
    parts, slower, jumpier = [], [], []
    for rule in ("printed", "gradient"):
        three, four = curves[rule, "three_layer"], curves[rule, "four_layer"]
        begin = [_median(find_first_below(samples, errors, MARK)) for samples, errors in (three, four)]
        jumps = [_median(error_jumps(errors)) for _, errors in (three, four)]
        slower.append(begin[1] > begin[0])
        jumpier.append(jumps[1] / jumps[0] if jumps[0] else np.inf if jumps[1] else 1.0)
        parts.append(
            f"with the {rule} rule they reach {100 * MARK:.0f} % after {_format_samples(begin[1])} (three layers: "
            f"{_format_samples(begin[0])}) and their error jumps by {100 * jumps[1]:.2f} points ({100 * jumps[0]:.2f})"
        )
    return Finding(
        "The four-layer network learns more slowly than the three-layer network, and much less stably (Fig. 8).",
        judge_stability(slower, jumpier),
        f"Four layers: {'; '.join(parts)}.",
        _describe_material(material),
        {"fig8": figure},
        seen,
        tables,
    )


def judge_stability(slower: list[bool], jumpier: list[float]) -> str:
    """Return the verdict on Fig. 8.

    Args:
        slower: whether four layers are slower, by the printed rule and by the gradient.
        jumpier: size of their error jumps divided by that of three layers, by the printed rule and by the gradient.
    """
    rules = ("printed", "gradient")
    if all(slower) and min(jumpier) > MUCH:
        return HOLDS
    if all(slower) and min(jumpier) > 1:
        times = " and ".join(f"{ratio:.1f} times ({rule} rule)" for rule, ratio in zip(rules, jumpier, strict=True))
        return phrase_condition(f"much less stable means error jumps {times} as large")
    if all(slower) and max(jumpier) <= 1:
        return deny("four layers are slower, but not less stable")
    return _judge({rule: s and ratio > MUCH for rule, s, ratio in zip(rules, slower, jumpier, strict=True)})
