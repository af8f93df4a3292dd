"""letterocr: the laboratory for gradient descent seen as linear algebra.

    import letterocr

    run = letterocr.fit(model="three_layer", data="emnist", samples=5000)
    run.curve.test_error                  # after every sample [n, R]
    run.read("letter.png").text

Functions and classes are imported when they are first used, so that `import letterocr` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from letterocr.base.version import __version__ as __version__

if TYPE_CHECKING:
    from letterocr import matrix as matrix
    from letterocr.api.fitting import fit as fit
    from letterocr.api.fitting import iterate as iterate
    from letterocr.api.fitting import letters as letters
    from letterocr.api.learning_curve import LearningCurve as LearningCurve
    from letterocr.api.reading import LetterReading as LetterReading
    from letterocr.api.reading import Reading as Reading
    from letterocr.api.trained_run import Part as Part
    from letterocr.api.trained_run import Run as Run
    from letterocr.api.trained_run import load as load
    from letterocr.base.errors import UserError as UserError
    from letterocr.data.letters import Letters as Letters
    from letterocr.data.letters import Split as Split

__all__ = [
    "LearningCurve",
    "LetterReading",
    "Letters",
    "Part",
    "Reading",
    "Run",
    "Split",
    "UserError",
    "fit",
    "iterate",
    "letters",
    "load",
    "matrix",
]

_HOMES = {
    "LearningCurve": "letterocr.api.learning_curve",
    "LetterReading": "letterocr.api.reading",
    "Letters": "letterocr.data.letters",
    "Part": "letterocr.api.trained_run",
    "Reading": "letterocr.api.reading",
    "Run": "letterocr.api.trained_run",
    "Split": "letterocr.data.letters",
    "UserError": "letterocr.base.errors",
    "fit": "letterocr.api.fitting",
    "iterate": "letterocr.api.fitting",
    "letters": "letterocr.api.fitting",
    "load": "letterocr.api.trained_run",
}


def __getattr__(name: str) -> Any:
    if name == "matrix":
        return import_module("letterocr.matrix")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'letterocr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
