"""The play page of runs: their networks as the page shows them, with a sentence for what a reader should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from letterocr.api.trained_run import Run
from letterocr.base.errors import UserError
from letterocr.base.files import write_text
from letterocr.compose.defaults import label_alone
from letterocr.compose.learning_rates import compute_bound
from letterocr.config.refusal import refuse
from letterocr.config.train import TrainConfig, per_replica
from letterocr.data.letters import describe_alphabet
from letterocr.pages.play.packing import Packed
from letterocr.pages.play.play_page import ShownNetwork, make_play_page
from letterocr.run.divergence import has_finite_weights
from letterocr.run.playback import read_playback
from letterocr.run.playback_data import pack_playback
from letterocr.run.stored_network import initialise_replica

MOST = 4  # networks on one page


def write_play_page(runs: Sequence[Run], path: Path) -> Path:
    """Write the play page of runs and return its path.

    Args:
        runs: one to four runs of chains of weight matrices; their letters have one alphabet. The page has the letters
            of the first one.
        path: the page.

    Raises:
        UserError: a run has another network or alphabet, or its letters can't be read.
    """
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many for one play page: give at most {MOST}.")
    for run in runs:
        if not run.config.model.is_chain:
            refuse("model", run.config.model.kind, "the play page shows chains of weight matrices; take another run")
        if run.alphabet != runs[0].alphabet:
            one, first = (describe_alphabet(r.alphabet) for r in (run, runs[0]))
            raise UserError(f"{run!r} reads {one}, but the first run reads {first}: give runs of one alphabet.")
    letters = runs[0].letters
    page = make_play_page([_show(run, runs[0]) for run in runs], letters, runs[0].box)
    try:
        write_text(path, page)
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}): take another output=.") from error
    return path


def _show(run: Run, first: Run) -> ShownNetwork:
    """Return the first network of a run that is finite; if there is none, the first one before training.

    The page has the letters of the first run.
    """
    finite = [r for r in range(run.network.replicas) if has_finite_weights(run.network, r)]
    notes = []
    if run.status == "diverged" or not finite:
        network = initialise_replica(run.config, len(run.alphabet), 0)
        notes.append("This run diverged: its weights grew without bound. The page shows its network before training.")
    else:
        network = run.network.replica(finite[0])
        if run.status == "unfinished":
            notes.append(f"This run is not finished: it has learned {run.sample:,} of {run.config.samples:,} samples.")
    playback = _find_playback(run, first, notes)
    limit = compute_bound(run.config, first.letters.train)
    rate = run.config.learning_rate
    if rate == "auto":
        rate = limit.value if limit else TrainConfig().learning_rate
    label = label_alone(replace(run.config, engine="auto", evaluate_every="1"))  # neither changes what is shown
    return ShownNetwork(
        label[:1].upper() + label[1:],
        network,
        run.config.rule,
        per_replica(rate, 1)[0],
        run.config.loss_factor,
        (limit.value, limit.formula) if limit else None,
        tuple(notes),
        playback,
    )


def _find_playback(run: Run, first: Run, notes: list[str]) -> Packed | None:
    """Return the snapshots of a run; None if it kept none, or if they are damaged, which is added to the notes."""
    try:
        playback = read_playback(run.folder) if run.folder else None
    except UserError as error:
        notes.append(str(error))
        return None
    if playback is None:
        return None
    return pack_playback(playback, run.network.replicas, run.config.data == first.config.data)
