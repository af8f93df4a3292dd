"""Report of a search: one HTML page that holds its pictures, `report.html` in the study's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.errors import UserError
from letterocr.base.files import write_text
from letterocr.figures import hyperparameters
from letterocr.figures.error_curves import draw_band, label_error_axes
from letterocr.figures.png import draw_figure, encode_png
from letterocr.pages.template import Html, make_element, make_heading, make_page, make_picture, make_table
from letterocr.run.curve import read_curve
from letterocr.search.plan import RUNS, read_plan
from letterocr.search.trial_queue import is_counted, open_study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from optuna.study import Study
    from optuna.trial import FrozenTrial

ENOUGH = 10  # whole trials that the importance of fields needs
BEST = 10  # trials in the table
DRAWN = 5  # trials whose curves are drawn
STATES = {"COMPLETE": "whole", "PRUNED": "stopped early", "FAIL": "failed", "RUNNING": "running"}


def _embed_picture(draw: Callable[[Axes], None], alt: str, size: tuple[float, float] = (8, 4)) -> Html:
    """Return a picture of what `draw` draws on axes."""
    return make_picture(encode_png(draw_figure(draw, *size)), alt)


def _format_value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _error_of(trial: FrozenTrial) -> float:
    """Return the final error of a whole trial, or the newest error of a pruned trial."""
    return 1.0 if trial.value is None else trial.value


def _select_whole(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that ran to their end, the best first."""
    whole = [trial for trial in trials if trial.state.name == "COMPLETE"]
    return sorted(whole, key=lambda trial: (_error_of(trial), trial.number))


def compute_importance(study: Study, whole: Sequence[FrozenTrial]) -> dict[str, float]:
    """Return each field's share in the differences of the error (PED-ANOVA; Watanabe et al. 2023).

    Args:
        study: the study.
        whole: its trials that ran to their end.

    Returns:
        The shares by field; empty if there are too few trials, or only one field.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if len(whole) < ENOUGH or len({_error_of(trial) for trial in whole}) == 1 or len(whole[0].params) < 2:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def _list_best(whole: Sequence[FrozenTrial], names: Sequence[str]) -> list[Html]:
    """Return the table of the best trials."""
    rows = [
        [
            trial.number,
            f"{100 * _error_of(trial):.1f} %",
            *(_format_value(trial.params[name]) for name in names),
            trial.user_attrs["run"],
        ]
        for trial in whole[:BEST]
    ]
    return [make_heading("Best trials"), make_table(rows, ["trial", "final test error", *names, "run folder"])]


def _draw_history(trials: Sequence[FrozenTrial]) -> list[Html]:
    """Draw the error of every trial against its number."""
    shown = [t for t in trials if t.state.name in ("COMPLETE", "PRUNED") and t.value is not None]
    numbers, errors = [t.number for t in shown], [_error_of(t) for t in shown]
    pruned = [t.state.name == "PRUNED" for t in shown]

    def draw(axes: Axes) -> None:
        hyperparameters.draw_history(axes, numbers, errors, pruned)

    alt = "Final test error of each trial by its number, and the best so far"
    return [make_heading("History"), _embed_picture(draw, alt)]


def _draw_curves(folder: Path, whole: Sequence[FrozenTrial]) -> list[Html]:
    """Draw the error curves of the best trials."""

    def draw(axes: Axes) -> None:
        for name in dict.fromkeys(trial.user_attrs["run"] for trial in whole[:DRAWN]):
            trial = next(t for t in whole if t.user_attrs["run"] == name)
            try:
                draw_band(axes, *read_curve(folder / RUNS / name), f"trial {trial.number}")
            except UserError:  # its folder was removed
                continue
        label_error_axes(axes)

    alt = "Test error against samples learned for the best trials"
    return [make_heading("Curves of the best"), _embed_picture(draw, alt)]


def _draw_importance(study: Study, whole: Sequence[FrozenTrial]) -> list[Html]:
    """Draw the importance of each field; return nothing if it is not known."""
    shares = compute_importance(study, whole)
    if not shares:
        return []

    def draw(axes: Axes) -> None:
        hyperparameters.draw_importance(axes, shares)

    picture = _embed_picture(draw, "Importance of each field for the final test error", (8, 1 + 0.4 * len(shares)))
    return [make_heading("Importance"), make_element("p", "Measured by PED-ANOVA on the whole trials."), picture]


def _draw_fields(whole: Sequence[FrozenTrial]) -> list[Html]:
    """Draw the error against each field alone, and against all fields together."""
    errors = [_error_of(trial) for trial in whole]
    columns = {name: [trial.params[name] for trial in whole] for name in whole[0].params}
    parts = [make_heading("Fields")]
    for name, values in columns.items():
        log = getattr(whole[0].distributions[name], "log", False)
        draw = partial(hyperparameters.draw_slice, values=values, errors=errors, log=log, name=name)
        parts.append(_embed_picture(draw, f"Final test error against {name}", (5, 3.5)))
    if len(columns) > 1:
        both = partial(hyperparameters.draw_parallel, columns=columns, metric=errors, name="final error")
        alt = f"Parallel coordinates of {', '.join(columns)} and the final test error"
        parts.append(_embed_picture(both, alt, (2 + 1.5 * len(columns), 4.5)))
    return parts


def write_report(folder: Path) -> Path:
    """Write the report of a study and return its path.

    Args:
        folder: folder of the study.

    Raises:
        UserError: the folder is not the folder of a study.
    """
    plan, study = read_plan(folder), open_study(folder)
    trials = [t for t in study.get_trials(deepcopy=False) if is_counted(t)]
    whole = _select_whole(trials)
    counts = {said: sum(t.state.name == state for t in trials) for state, said in STATES.items()}
    told = ", ".join(f"{n} {said}" for said, n in counts.items() if n)
    parts = [make_element("p", f"{told} of {len(trials)} trials.")]
    if plan.overrides:
        parts.append(make_element("p", "All trials with ", make_element("code", " ".join(plan.overrides)), "."))
    if whole:
        parts += _list_best(whole, list(plan.space))
        parts += [*_draw_history(trials), *_draw_curves(folder, whole)]
        parts += [*_draw_importance(study, whole), *_draw_fields(whole)]
    failed = [(t.number, t.user_attrs.get("reason", "")) for t in trials if t.state.name == "FAIL"]
    if failed:
        parts += [make_heading("Failed trials"), make_table(failed, ["trial", "reason"])]
    path = folder / "report.html"
    write_text(path, make_page(f"Search {folder.resolve().name}", parts))
    return path
