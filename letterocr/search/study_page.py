"""What a search came to, as one HTML page that holds its pictures: `report.html` in the study's folder."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError
from letterocr.base.files import write_text
from letterocr.figures import hyperparameters as sweep
from letterocr.figures.error_curves import draw_curve
from letterocr.figures.png import draw_figure, encode_png
from letterocr.run.curve import read_curve
from letterocr.search.plan import RUNS, read_plan
from letterocr.search.trial_queue import is_counted, open_study

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

ENOUGH = 10  # whole trials for the importance of fields
BEST = 10

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
table {{ border-collapse: collapse }} td, th {{ padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #ddd }}
img {{ max-width: 100% }} code {{ background: #f3f3f3 }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def _embed_picture(draw: Callable[[Any], None], size: tuple[float, float] = (8, 4)) -> str:
    """An <img> of what `draw` puts on an axis."""
    png = base64.b64encode(encode_png(draw_figure(draw, *size))).decode()
    return f'<img alt="" src="data:image/png;base64,{png}">'


def _format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(head, "th") + "".join(row(cells, "td") for cells in rows) + "</table>"


def _format_value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _error_of(trial: FrozenTrial) -> float:
    """The final error of a whole trial, the newest one of a pruned trial."""
    return 1.0 if trial.value is None else trial.value


def compute_importance(study: Study, whole: Sequence[FrozenTrial]) -> dict[str, float]:
    """The share of each field in the error's differences (Watanabe et al. 2023); empty where it can't be known."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if len(whole) < ENOUGH or len({_error_of(trial) for trial in whole}) == 1 or len(whole[0].params) < 2:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def _draw_pictures(study: Study, folder: Path, trials: Sequence[FrozenTrial]) -> list[str]:
    shown = [t for t in trials if t.state.name in ("COMPLETE", "PRUNED") and t.value is not None]
    whole = sorted((t for t in shown if t.state.name == "COMPLETE"), key=lambda t: (_error_of(t), t.number))
    numbers, errors = [t.number for t in shown], [_error_of(t) for t in shown]
    pruned = [t.state.name == "PRUNED" for t in shown]
    parts = ["<h2>History</h2>", _embed_picture(lambda axis: sweep.draw_history(axis, numbers, errors, pruned))]

    def curves(axis: Any) -> None:
        for name in dict.fromkeys(t.user_attrs["run"] for t in whole[:5]):
            trial = next(t for t in whole if t.user_attrs["run"] == name)
            try:
                draw_curve(axis, *read_curve(folder / RUNS / name), f"trial {trial.number}")
            except UserError:  # its folder was removed
                continue
        axis.set(xlabel="samples learned", ylabel="test error, %", ylim=(0, 100))
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend()

    parts += ["<h2>Curves of the best</h2>", _embed_picture(curves)]
    shares = compute_importance(study, whole)
    if shares:
        height = 1 + 0.4 * len(shares)
        parts += ["<h2>Importance</h2>", "<p>By PED-ANOVA, of the whole trials.</p>"]
        parts.append(_embed_picture(lambda axis: sweep.draw_importance(axis, shares), (8, height)))
    errors = [_error_of(t) for t in whole]
    columns = {name: [t.params[name] for t in whole] for name in whole[0].params}
    parts.append("<h2>Fields</h2>")
    for name, values in columns.items():
        draw = partial(sweep.draw_slice, values=values, errors=errors, name=name)
        parts.append(_embed_picture(partial(draw, log=getattr(whole[0].distributions[name], "log", False)), (5, 3.5)))
    if len(columns) > 1:
        size = (2 + 1.5 * len(columns), 4.5)
        parts.append(_embed_picture(lambda axis: sweep.draw_parallel(axis, columns, errors, "final error"), size))
    return parts


def write_report(folder: Path) -> Path:
    """Write the page.

    Raises:
        UserError: the folder is no study's.
    """
    plan, study = read_plan(folder), open_study(folder)
    trials = [t for t in study.get_trials(deepcopy=False) if is_counted(t)]
    whole = sorted((t for t in trials if t.state.name == "COMPLETE"), key=lambda t: (_error_of(t), t.number))
    by_state = {s: sum(t.state.name == s for t in trials) for s in ("COMPLETE", "PRUNED", "FAIL", "RUNNING")}
    said = {"COMPLETE": "whole", "PRUNED": "stopped early", "FAIL": "failed", "RUNNING": "under way"}
    body = [f"<p>{', '.join(f'{n} {said[state]}' for state, n in by_state.items() if n)} of {len(trials)} trials.</p>"]
    settings = " ".join(plan.overrides)
    if settings:
        body.append(f"<p>All with <code>{escape(settings)}</code>.</p>")
    if whole:
        names = list(plan.space)
        rows = [
            [
                str(t.number),
                f"{100 * _error_of(t):.1f} %",
                *(_format_value(t.params[n]) for n in names),
                t.user_attrs["run"],
            ]
            for t in whole[:BEST]
        ]
        body += ["<h2>Best trials</h2>", _format_table(["trial", "final test error", *names, "run folder"], rows)]
        body += _draw_pictures(study, folder, trials)
    failed = [[str(t.number), t.user_attrs.get("reason", "")] for t in trials if t.state.name == "FAIL"]
    if failed:
        body += ["<h2>Failed trials</h2>", _format_table(["trial", "reason"], failed)]
    path = folder / "report.html"
    write_text(path, PAGE.format(title=escape(f"Search {folder.resolve().name}"), body="\n".join(body)))
    return path
