"""The play page: one HTML file with trained networks, letters, the alphabet matrix, and the modules that show them.

The modules `*.js` of this folder import each other by names such as `play/network`. An import map gives each name the
text of its module as a data URL, so that the file needs neither a server nor a bundler.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from letterocr.config.data import ALPHABETS
from letterocr.config.rule import RULES
from letterocr.data.letters import Letters, Split, take_per_letter
from letterocr.matrix.letter_matrix import alphabet_matrix
from letterocr.matrix.spectrum import effective_ranks
from letterocr.models.chain import Network
from letterocr.pages.maths import make_equation
from letterocr.pages.play.packing import Packed, pack_array, pack_images, pack_weights

HERE = Path(__file__).parent
PER_LETTER = 75  # training letters of each class in the page, which the race learns
CHARACTERS = {  # what a reader of the page draws, by the alphabet
    ALPHABETS["letters"]: "a capital letter",
    ALPHABETS["digits"]: "a digit",
    ALPHABETS["all"]: "a capital letter or a digit",
}


@dataclass(frozen=True)
class ShownNetwork:
    """One network of the page.

    Attributes:
        label: what it is called.
        network: its weights, without a replica dimension.
        rule: name of the rule by which it learned.
        learning_rate: alpha with which it learned.
        loss_factor: f in the loss f |q - c|^2.
        bound: the largest learning rate that is safe for every training letter, and its formula; None if none is known.
        notes: sentences on what the reader should know, such as that it has not finished learning.
        playback: snapshots of its training, as `run/playback_data.py` packs them; None if it kept none.
    """

    label: str
    network: Network
    rule: str
    learning_rate: float
    loss_factor: float
    bound: tuple[float, str] | None = None
    notes: tuple[str, ...] = ()
    playback: Packed | None = None


def make_play_page(networks: Sequence[ShownNetwork], letters: Split, box: int) -> str:
    """Return the whole page.

    Args:
        networks: at least one; all have the alphabet of the letters.
        letters: the letters that they learned, and their test letters.
        box: longer side of the ink, in pixels, to which a drawn letter is scaled.

    Raises:
        UserError: a class has no training letter, so that there is no alphabet matrix.
    """
    A = alphabet_matrix(letters.train)
    data: dict[str, Any] = {
        "alphabet": letters.train.alphabet,
        "box": box,
        "rules": [asdict(rule) for rule in RULES.values()],
        "networks": [_pack_network(shown) for shown in networks],
        "train": _pack_letters(take_per_letter(letters.train, PER_LETTER)),
        "test": _pack_letters(letters.test),
        "matrix": {"A": pack_array(A.numpy(), "float32"), "ranks": asdict(effective_ranks(A))},
    }
    parts = {
        "style": (HERE / "style.css").read_text(encoding="utf-8"),
        "imports": json.dumps({"imports": _read_modules()}),
        "data": json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
        "version": _read_version(),
        "character": CHARACTERS.get(letters.train.alphabet, "a letter"),
    }
    page = (HERE / "page.html").read_text(encoding="utf-8")
    page = re.sub(r"\$(.+?)\$", lambda found: make_equation(found[1]), page)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], page)


def _read_modules() -> dict[str, str]:
    """Return the modules as data URLs, by the names by which they import each other."""
    paths = sorted([*HERE.glob("*.js"), HERE.parent / "player.js"])
    return {f"play/{path.stem}": _make_data_url(path) for path in paths}


def _make_data_url(path: Path) -> str:
    return f"data:text/javascript;charset=utf-8;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _read_version() -> str:
    from letterocr.base.version import __version__

    return __version__


def _pack_network(shown: ShownNetwork) -> Packed:
    network = shown.network
    return {
        "label": shown.label,
        "sizes": [network.weights[0].shape[1], *(weight.shape[0] for weight in network.weights)],
        "temperature": None if network.temperature is None else float(network.temperature),
        "rule": shown.rule,
        "learning_rate": shown.learning_rate,
        "loss_factor": shown.loss_factor,
        "bound": None if shown.bound is None else {"value": shown.bound[0], "formula": shown.bound[1]},
        "notes": list(shown.notes),
        "playback": shown.playback,
        "weights": [pack_weights(weight) for weight in network.weights],
        "biases": [None if b is None else pack_array(b.detach().cpu().numpy(), "float32") for b in network.biases],
    }


def _pack_letters(letters: Letters) -> Packed:
    return {"images": pack_images(letters.images), "labels": letters.labels.tolist()}
