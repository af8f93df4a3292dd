"""Display of a run in a notebook: a small table beside the error curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from letterocr.pages.template import make_element, make_picture, make_table

if TYPE_CHECKING:
    from letterocr.api.trained_run import Run


def make_run_card(run: Run) -> str:
    """Return the HTML of a run: its settings, its errors, and its error curve."""
    config, summary = run.config, run.summary
    sizes = "-".join(map(str, [*(w.shape[2] for w in run.network.weights), len(run.alphabet)]))
    rows = [
        ("network", f"{config.model.name} {sizes}"),
        ("learning", f"{config.rule} rule, {config.optimizer.name}, learning rate {config.learning_rate}"),
        ("samples", f"{run.sample:,} of {config.samples:,} ({run.status})"),
        ("test error", f"{100 * run.test_error:.1f} %"),
        ("best test error", f"{100 * summary.best_error:.1f} % at sample {summary.best_sample:,}"),
        *((f"reaches {100 * mark:.0f} %", _format_sample(n)) for mark, n in summary.reached.items()),
        ("time", f"{run.seconds:.1f} s"),
        *((("run folder", str(run.folder)),) if run.folder else ()),
        *(("note", note) for note in run.notes),
    ]
    picture = make_picture(_draw(run), f"Test error of {config.model.name} against samples learned")
    style = "display:flex;flex-wrap:wrap;align-items:center;gap:1.5em"
    return make_element("div", make_table(rows), picture, style=style)


def _format_sample(sample: int | None) -> str:
    return "not reached" if sample is None else f"after {sample:,} samples"


def _draw(run: Run) -> bytes:
    from letterocr.figures.png import encode_png, make_figure

    figure = make_figure(4.5, 2.8)
    run.plot(figure.subplots(), label="test error")
    return encode_png(figure)
