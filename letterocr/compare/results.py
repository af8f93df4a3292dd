"""Results of a comparison: results.md for people, results.json for programs, and the pictures."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from letterocr.base.files import write_json, write_text
from letterocr.base.performance_profile import performance_profile, performance_ratios
from letterocr.base.quartiles import compute_quartiles, compute_row_quartiles
from letterocr.compare.contenders import CONTENDERS
from letterocr.compare.figure_formats import describe_crowd, format_triple, format_values
from letterocr.compare.problems import Problem
from letterocr.compare.protocol import BASELINE, COSTS, KINDS, TUNING_SEED, Final, Standing, make_cost_table
from letterocr.compose.from_overrides import compose_config
from letterocr.config.optimizer.method import MetaTrainedConfig

TAUS = (1.0, 2.0, 5.0, 10.0)  # ratios to the best cost in the table of the performance profile
HEAD = (
    "| optimizer | final test error, % | mean over the curve, % | samples to target | multiply-adds to target, 10^6 | "
    "seconds to target | reached | diverged | µs a sample | 10^3 multiply-adds a sample | {last} |\n"
    + "|---" * 11
    + "|"
)
Standings = dict[Problem, Standing]


def summarise(final: Final, target: float) -> dict[str, Any]:
    """Return the figures of one contender with one setting; quartiles are [lower, median, upper].

    Args:
        final: outcomes of its final runs.
        target: the validation error to reach.
    """
    costs = final.costs(target)
    return {
        "hyperparameters": final.values,
        "final_error": compute_quartiles([o.final(o.test) for o in final.outcomes]),
        "validation_error": compute_quartiles([o.final(o.validation) for o in final.outcomes]),
        "mean_error": compute_quartiles([o.mean(o.test) for o in final.outcomes]),
        "to_target": {cost: compute_quartiles(costs[cost]) for cost in COSTS},
        "reached": sum(math.isfinite(c) for c in costs["samples"]),
        "diverged": sum(o.diverged is not None for o in final.outcomes),
        "microseconds": final.microseconds(),
        "multiply_adds": final.multiply_adds,
    }


def format_table(standing: Standing, kind: str) -> str:
    """Return the table of one problem, with one row for each contender.

    Args:
        standing: results of the problem.
        kind: default or tuned.
    """
    lines = [HEAD.format(last="hyperparameters" if kind == "default" else "chosen; trials that diverged")]
    for name, final in standing.finals[kind].items():
        s = summarise(final, standing.target)
        last = format_values(s["hyperparameters"])
        if kind == "tuned":
            last += f"; {standing.diverged_trials[name]}"
        micro = f"{s['microseconds']:,.0f}" if math.isfinite(s["microseconds"]) else "-"
        cells = [
            name,
            format_triple(s["final_error"], ".1f", 100, "diverged"),
            format_triple(s["mean_error"], ".1f", 100, "diverged"),
            format_triple(s["to_target"]["samples"], ",.0f"),
            format_triple(s["to_target"]["multiply-adds"], ",.0f", 1e-6),
            format_triple(s["to_target"]["seconds"], ".3g"),
            f"{s['reached']}/{len(final.outcomes)}",
            f"{s['diverged']}/{len(final.outcomes)}",
            micro,
            f"{s['multiply_adds'] / 1e3:,.0f}",
            last,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_profile_table(standings: Standings, kind: str, names: Sequence[str]) -> str:
    """Return the table of the pairs (problem, seed) that each contender solves within a few times the best cost, in %.

    Args:
        standings: the results by problem.
        kind: default or tuned.
        names: names of the contenders.
    """
    heads = [f"{cost} ≤ {tau:g}" for cost in COSTS for tau in TAUS]
    lines = ["| optimizer | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    shares = [
        performance_profile(performance_ratios(make_cost_table(standings, kind, cost, names)), np.array(TAUS))
        for cost in COSTS
    ]
    for s, name in enumerate(names):
        lines.append(f"| {name} | " + " | ".join(f"{100 * x:.0f}%" for part in shares for x in part[s]) + " |")
    return "\n".join(lines)


def collect_meta_costs(names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the cost of meta-training each learned optimizer, by contender; no other figure includes it."""
    costs = {}
    for name in names:
        config = compose_config(list(CONTENDERS[name].overrides)).optimizer
        if isinstance(config, MetaTrainedConfig):
            from letterocr.optimizers.learned.rule_file import locate_shipped, read_meta_cost

            costs[name] = read_meta_cost(config.path or locate_shipped(config.name))
    return costs


def _format_meta_table(costs: dict[str, dict[str, float]]) -> list[str]:
    """Return the table of meta-training costs, with one row for each learned optimizer."""
    if not costs:
        return []
    columns = list(next(iter(costs.values())))
    lines = ["## Meta-training, not part of any figure above", ""]
    lines += ["| optimizer | " + " | ".join(c.replace("_", " ") for c in columns) + " |"]
    lines += ["|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(f"{cost[c]:,.0f}" for c in columns) + " |" for name, cost in costs.items()]
    return [*lines, ""]


def format_results(standings: Standings, names: Sequence[str], facts: dict[str, Any]) -> str:
    """Return the text of results.md.

    Args:
        standings: the results by problem.
        names: names of the contenders.
        facts: command, samples, trials, seeds, workers, machine and costs of meta-training.
    """
    parts = [
        "# Optimizers compared",
        "",
        f"Made by `{facts['command']}`.",
        "",
        f"Every run learns {facts['samples']:,} samples of the fitting letters. Each optimizer was tried at the same "
        f"{facts['trials']} points of its search space on each problem, with seed {TUNING_SEED:,}; the point with the "
        "lowest error on the validation letters was chosen, and trained with the same "
        f"{facts['seeds']} seeds as all others. The target is a validation error: the median final error of tuned "
        f"{BASELINE}. Figures are the median and, in brackets, the quartiles over seeds; a run that diverged, or did "
        "not reach the target, is worse than every number. Times are the training time of "
        f"one thread {describe_crowd(facts['workers'])}, on {facts['machine']}. Multiply-adds are counted "
        "from the equations (`letterocr.config.network_size`).",
        "",
        "Search spaces: the learning rate over four decades, and at most one more hyperparameter over two, both "
        "log-uniform:",
        "",
        *_list_spaces(names),
        "",
    ]
    for problem, standing in standings.items():
        parts += [
            f"## {problem.name}",
            "",
            f"Target: {100 * standing.target:.1f} % of the validation letters misread.",
            "",
        ]
        for kind in KINDS:
            parts += [f"### {kind.capitalize()} hyperparameters", "", format_table(standing, kind), ""]
        parts += [f"![Error curves]({name_errors_picture(problem)})", ""]
    for kind in KINDS:
        parts += [
            f"## Performance profile, {kind} hyperparameters",
            "",
            f"Share of the {len(standings) * facts['seeds']} pairs of problem and seed in which an optimizer reaches "
            "the target at no more than this multiple of the lowest cost of all optimizers (Dolan, Moré 2002).",
            "",
            format_profile_table(standings, kind, names),
            "",
            f"![Performance profile](profile-{kind}.png)",
            "",
        ]
    return "\n".join(parts + _format_meta_table(facts["meta_training"]))


def _list_spaces(names: Sequence[str]) -> list[str]:
    lines = ["| optimizer | set | searched |", "|---|---|---|"]
    for name in names:
        ranges = []
        for r in CONTENDERS[name].space:
            ends = sorted((r.at(0.0), r.at(1.0)))
            ranges.append(f"{r.path.removeprefix('optimizer.')} {ends[0]:g} to {ends[1]:g}")
        lines.append(f"| {name} | `{' '.join(CONTENDERS[name].overrides)}` | {'; '.join(ranges)} |")
    return lines


def name_errors_picture(problem: Problem) -> str:
    """Return the file name of a problem's error curves."""
    return f"errors-{problem.name.replace('/', '-')}.png"


def read_machine() -> str:
    """Return the name of the processor, or of its architecture if the name is not known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _replace_infinity(value: Any) -> Any:
    """Replace numbers that are not finite by null, because JSON has no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _replace_infinity(v) for key, v in value.items()}
    return [_replace_infinity(v) for v in value] if isinstance(value, list | tuple) else value


def write_results(standings: Standings, names: Sequence[str], facts: dict[str, Any], folder: Path) -> None:
    """Write results.md, results.json and the pictures.

    Args:
        standings: the results by problem.
        names: names of the contenders.
        facts: as for `format_results`.
        folder: folder of the comparison.
    """
    problems = {
        problem.name: {
            "target": standing.target,
            "diverged_trials": standing.diverged_trials,
            **{k: {n: summarise(f, standing.target) for n, f in standing.finals[k].items()} for k in KINDS},
        }
        for problem, standing in standings.items()
    }
    ratios = {
        k: {c: performance_ratios(make_cost_table(standings, k, c, names)).T.tolist() for c in COSTS} for k in KINDS
    }
    profile = {"contenders": list(names), "ratios": ratios}
    write_json(folder / "results.json", _replace_infinity(facts | {"problems": problems, "profile": profile}))
    write_text(folder / "results.md", format_results(standings, names, facts))
    _draw_pictures(standings, names, folder)
    from letterocr.compare.comparison_page import write_comparison_page

    write_comparison_page(standings, facts, folder / "results.html")


def make_error_curve(final: Final, cost: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the error curve of one contender against a cost.

    Args:
        final: outcomes of its runs, with M measurements each.
        cost: samples, multiply-adds or seconds; the seconds are the median over the runs.

    Returns:
        The cost of each measurement [M], and the test errors there [M, seeds], infinite after a run diverged.
    """
    samples = np.array(max((o.samples for o in final.outcomes), key=len), float)
    errors = np.full((len(samples), len(final.outcomes)), np.inf)
    seconds = np.full_like(errors, np.nan)
    for seed, outcome in enumerate(final.outcomes):
        errors[: len(outcome.test), seed] = outcome.test
        seconds[: len(outcome.seconds), seed] = outcome.seconds
    if cost == "seconds":
        return compute_row_quartiles(seconds)[1], errors
    return samples * (final.multiply_adds if cost == "multiply-adds" else 1), errors


def _draw_pictures(standings: Standings, names: Sequence[str], folder: Path) -> None:
    from letterocr.figures.cost_curves import draw_errors, draw_profile, place_legend_outside
    from letterocr.figures.png import make_figure, save_png

    places = {name: place for place, name in enumerate(names)}
    for problem, standing in standings.items():
        figure = make_figure(15, 8)
        axes = figure.subplots(2, 3)
        for row, kind in zip(axes, KINDS, strict=True):
            for axis, cost in zip(row, COSTS, strict=True):
                curves = {name: make_error_curve(final, cost) for name, final in standing.finals[kind].items()}
                draw_errors(axis, curves, cost, places)
            row[1].set_title(f"{problem.name}, {kind} hyperparameters")
        place_legend_outside(figure, axes[0, 0])
        save_png(figure, folder / name_errors_picture(problem))
    for kind in KINDS:
        figure = make_figure(15, 4.5)
        axes = figure.subplots(1, 3)
        for axis, cost in zip(axes, COSTS, strict=True):
            draw_profile(axis, performance_ratios(make_cost_table(standings, kind, cost, names)), names, cost)
        axes[1].set_title(f"{kind} hyperparameters")
        place_legend_outside(figure, axes[0])
        save_png(figure, folder / f"profile-{kind}.png")
