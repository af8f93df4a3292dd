"""Page of a search, `report.html` in the study's folder: the best setting and its command first, then all trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.files import read_json, write_text
from letterocr.compose.train_command import write_command
from letterocr.config.label import LAYERS, Value, describe_value, name_field
from letterocr.pages.charts import describe_end, make_chart, make_error_chart, make_layout
from letterocr.pages.field_charts import make_parallel, make_slice
from letterocr.pages.template import Html, make_columns, make_element, make_heading, make_page, make_table
from letterocr.run.curve import read_curve
from letterocr.search.plan import RUNS, Plan, complete_name, label_trial, read_plan
from letterocr.search.trial_queue import is_counted, open_study

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

ENOUGH = 10  # whole trials that the importance of fields needs
DRAWN = 5  # trials whose curves are drawn
STATES = {"COMPLETE": "finished", "PRUNED": "stopped early", "FAIL": "failed", "RUNNING": "running"}
UNIT = "final test error, %"
COLOURS = {"finished": "#2f7dd1", "stopped early": "#6d7f8f", "diverged": "#c4483f"}
SYMBOLS = {"finished": "circle", "stopped early": "x-thin-open", "diverged": "triangle-up"}


@dataclass(frozen=True)
class ShownTrial:
    """One trial as the page shows it.

    Attributes:
        number: its number.
        state: whole, diverged, stopped early, failed or running.
        error: final error of a whole trial, newest error of one that was stopped early; None if there is none.
        params: its values of the searched fields.
        run: name of its run folder, or empty.
        reason: why it failed, or empty.
    """

    number: int
    state: str
    error: float | None
    params: dict[str, Any]
    run: str
    reason: str

    @property
    def label(self) -> str:
        """The values of the trial in words."""
        return label_trial(self.params)

    @property
    def outcome(self) -> str:
        """The error in words, or that the trial diverged."""
        return "diverged" if self.state == "diverged" else f"{self.percent:.1f} %"

    @property
    def percent(self) -> float:
        """The error in per cent; 100 if there is none."""
        return 100.0 if self.error is None else 100 * self.error


def _show_trial(trial: FrozenTrial, folder: Path) -> ShownTrial:
    state, run = STATES.get(trial.state.name, trial.state.name.lower()), str(trial.user_attrs.get("run", ""))
    if state == "finished" and run and read_json(folder / RUNS / run / "result.json").get("status") == "diverged":
        state = "diverged"
    reason = str(trial.user_attrs.get("reason", ""))
    return ShownTrial(trial.number, state, trial.value, dict(trial.params), run, reason)


def compute_importance(study: Study, whole: Sequence[ShownTrial]) -> dict[str, float]:
    """Return each field's share in the differences of the error (PED-ANOVA; Watanabe et al. 2023).

    Args:
        study: the study.
        whole: its trials that ran to their end.

    Returns:
        The shares by field; empty if there are too few trials, or only one field.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if len(whole) < ENOUGH or len({trial.error for trial in whole}) == 1 or len(whole[0].params) < 2:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def _make_best(plan: Plan, folder: Path, best: ShownTrial) -> list[Html]:
    """Return the best setting and the command that trains it."""
    try:
        command = write_command(plan.make_config(folder, best.params))
    except UserError as error:  # a preset that the plan names was changed
        command = str(error)
    said = f"Best so far: {best.label}, with {best.percent:.1f} % of the test letters misread (trial {best.number})."
    about = make_element("p", "The command that trains it:")
    return [make_element("p", said, class_="big"), about, make_element("pre", make_element("code", command))]


def _draw_history(trials: Sequence[ShownTrial]) -> list[Html]:
    """Draw the error of every trial against its number, and the best error so far."""
    traces: list[dict[str, Any]] = []
    for state, colour in COLOURS.items():
        shown = [t for t in trials if t.state == state and t.error is not None]
        if shown:
            trace = {"x": [t.number for t in shown], "y": [t.percent for t in shown], "mode": "markers", "name": state}
            trace |= {"text": [f"trial {t.number}: {t.outcome}, {t.label}" for t in shown]}
            trace["marker"] = {
                "color": colour,
                "symbol": SYMBOLS[state],
                "size": 9,
                "line": {"width": 2, "color": colour},
            }
            traces.append(trace | {"hovertemplate": "%{text}<extra></extra>"})
    whole = [t for t in trials if t.state == "finished" and t.error is not None]
    best = np.minimum.accumulate([t.percent for t in whole]).tolist()
    line: dict[str, Any] = {"x": [t.number for t in whole], "y": best, "mode": "lines", "name": "best so far"}
    traces.append(line | {"line": {"shape": "hv", "color": "#2e9b5b"}, "hoverinfo": "skip"})
    ticks = {"dtick": 1} if len(trials) <= 10 else {}
    layout = make_layout("trial", UNIT, len(traces), yaxis={"rangemode": "tozero"}, xaxis=ticks)
    fall = f"the best falls from {best[0]:.1f} to {best[-1]:.1f} %"
    alt = f"Final test error of {len(trials)} trials by their number; {fall}."
    return [make_heading("History"), make_chart(traces, layout, alt)]


def _draw_curves(folder: Path, whole: Sequence[ShownTrial]) -> list[Html]:
    """Draw the error curves of the best trials."""
    curves = []
    for trial in {t.run: t for t in reversed(whole[:DRAWN])}.values():
        try:
            curves.append((f"{trial.label} (trial {trial.number})", *read_curve(folder / RUNS / trial.run)))
        except UserError:  # its folder was removed
            continue
    if not curves:
        return []
    alt = f"Test error against samples learned of the best trials: {describe_end(curves[::-1])}."
    return [make_heading("Curves of the best"), make_error_chart(curves[::-1], alt)]


def _draw_importance(study: Study, whole: Sequence[ShownTrial]) -> list[Html]:
    """Draw the importance of each field; return nothing if it is not known."""
    shares = compute_importance(study, whole)
    if not shares:
        return []
    names = sorted(shares, key=lambda name: shares[name])
    trace: dict[str, Any] = {"type": "bar", "orientation": "h", "y": [name_field(complete_name(n)) for n in names]}
    trace |= {"x": [100 * shares[name] for name in names], "hovertemplate": "%{y}: %{x:.0f} %<extra></extra>"}
    layout = make_layout("importance, %", "", height=110 + 34 * len(names), xaxis={"range": [0, 100]})
    alt = ", ".join(f"{name_field(complete_name(name))} {100 * shares[name]:.0f} %" for name in reversed(names))
    about = make_element("p", "Share of each field in the differences of the error, by PED-ANOVA on the whole trials.")
    return [make_heading("Importance"), about, make_chart([trace], layout, f"Importance of the fields: {alt}.")]


def _draw_fields(whole: Sequence[ShownTrial], lost: Sequence[ShownTrial]) -> list[Html]:
    """Draw the error against each field alone, with the trials that diverged, and against all fields together."""
    errors = [trial.percent for trial in whole]
    marks = [f"trial {t.number}: {t.percent:.1f} %, {t.label}" for t in whole]
    columns = {complete_name(name): [trial.params[name] for trial in whole] for name in whole[0].params}
    shown = {name: [LAYERS.get(str(v), v) for v in values] for name, values in columns.items()}
    slices = []
    for key, (name, values) in zip(whole[0].params, shown.items(), strict=True):
        own = [(LAYERS.get(str(v := t.params[key]), v), f"trial {t.number}: diverged, {t.label}") for t in lost]
        slices.append(make_slice(values, errors, marks, name_field(name), UNIT, own))
    told = [make_element("p", "Red triangles are trials that diverged.")] if lost else []
    parts = [make_heading("Fields"), *told, make_columns(*slices)]
    if len(columns) > 1:
        parts.append(make_parallel({name_field(name): values for name, values in shown.items()}, errors, UNIT))
    return parts


def _list_trials(trials: Sequence[ShownTrial], names: Sequence[str]) -> list[Html]:
    head = ["trial", "final test error", "state", *(name_field(complete_name(name)) for name in names), "run folder"]
    rows = []
    for t in sorted(trials, key=lambda t: (t.state != "finished", t.percent, t.number)):
        values = [_describe(name, t.params[name]) if name in t.params else "–" for name in names]
        error = "–" if t.error is None or t.state == "diverged" else f"{t.percent:.1f} %"
        rows.append([str(t.number), error, t.state, *values, make_element("code", t.run)])
    return [make_heading("All trials"), make_table(rows, head, sortable=True)]


def _describe(name: str, value: Value) -> str:
    return describe_value(complete_name(name), value)


def write_report(folder: Path) -> Path:
    """Write the page of a study and return its path.

    Args:
        folder: folder of the study.

    Raises:
        UserError: the folder is not the folder of a study.
    """
    plan, study = read_plan(folder), open_study(folder)
    trials = [_show_trial(t, folder) for t in study.get_trials(deepcopy=False) if is_counted(t)]
    whole = sorted((t for t in trials if t.state == "finished"), key=lambda t: (t.percent, t.number))
    states = dict.fromkeys([*STATES.values(), "diverged"])
    counts = {state: sum(t.state == state for t in trials) for state in states}
    told = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    parts = _make_best(plan, folder, whole[0]) if whole else []
    parts.append(make_element("p", f"{len(trials)} trials: {told}." if trials else "There is no trial yet."))
    if plan.overrides:
        parts.append(make_element("p", "All trials with ", make_element("code", " ".join(plan.overrides)), "."))
    if whole:
        parts += [*_draw_history(trials), *_draw_curves(folder, whole)]
        lost = [t for t in trials if t.state == "diverged"]
        parts += [*_draw_fields(whole, lost), *_draw_importance(study, whole)]
    if trials:
        parts += _list_trials(trials, list(plan.space))
    failed = [(str(t.number), t.reason) for t in trials if t.state == "failed"]
    if failed:
        parts += [make_heading("Failed trials"), make_table(failed, ["trial", "reason"])]
    path = folder / "report.html"
    write_text(path, make_page(f"Search {folder.resolve().name}", parts))
    return path
