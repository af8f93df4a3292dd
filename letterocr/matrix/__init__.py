"""The paper's linear algebra as functions of arrays: one concept a module, everything below `letterocr.matrix`.

alphabet, left_inverse, read_letters, with_ones                     the alphabet matrix and its left inverse (7, 8, 12)
find_relation, search, best_combination, ranks, find_mending_bias   letter arithmetic (9, 12)
collapse                                                            linear layers are one (21-27)
singular_values, reconstruct, effective_ranks, readable_ranks       the spectrum (Fig. 4, 5)
measure_conditioning, measure_through_hidden_layer                  what the sigmoid does to the spectrum (21-27)
HiddenLayer, transform, measure_changes                             the symmetry of a hidden layer (28)
eigenvalues, lecun_rate, stability_limit, best_fixed_rate            learning rates of all letters at once (29)
sample_limit, coordinates, epoch_radius, epoch_limit                learning rates of one letter at a time
correlations, minimum_norm_solution                                 the normal equations (29-31)
backprop                                                            gradients through SVD (Ionescu et al. 2015)

    letters = letterocr.letters("synthetic").train
    A = letterocr.matrix.alphabet(letters)             # [900, 26]
    W = letterocr.matrix.left_inverse(A).pinv          # W A = I (8)
    letterocr.matrix.read_letters(W, letters).error    # the share that W misreads
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from letterocr.matrix import backprop as backprop
    from letterocr.matrix import letter_matrix as letter_matrix
    from letterocr.matrix.arithmetic import best_combination as best_combination
    from letterocr.matrix.arithmetic import collapse as collapse
    from letterocr.matrix.arithmetic import find_mending_bias as find_mending_bias
    from letterocr.matrix.arithmetic import find_relation as find_relation
    from letterocr.matrix.arithmetic import ranks as ranks
    from letterocr.matrix.arithmetic import search as search
    from letterocr.matrix.conditioning import measure_conditioning as measure_conditioning
    from letterocr.matrix.conditioning import measure_through_hidden_layer as measure_through_hidden_layer
    from letterocr.matrix.letter_matrix import left_inverse as left_inverse
    from letterocr.matrix.letter_matrix import read_letters as read_letters
    from letterocr.matrix.letter_matrix import with_ones as with_ones
    from letterocr.matrix.normal_equations import correlations as correlations
    from letterocr.matrix.normal_equations import minimum_norm_solution as minimum_norm_solution
    from letterocr.matrix.rate_bounds import best_fixed_rate as best_fixed_rate
    from letterocr.matrix.rate_bounds import coordinates as coordinates
    from letterocr.matrix.rate_bounds import eigenvalues as eigenvalues
    from letterocr.matrix.rate_bounds import epoch_limit as epoch_limit
    from letterocr.matrix.rate_bounds import epoch_radius as epoch_radius
    from letterocr.matrix.rate_bounds import lecun_rate as lecun_rate
    from letterocr.matrix.rate_bounds import sample_limit as sample_limit
    from letterocr.matrix.rate_bounds import stability_limit as stability_limit
    from letterocr.matrix.spectrum import effective_ranks as effective_ranks
    from letterocr.matrix.spectrum import readable_ranks as readable_ranks
    from letterocr.matrix.spectrum import reconstruct as reconstruct
    from letterocr.matrix.spectrum import singular_values as singular_values
    from letterocr.matrix.symmetry import HiddenLayer as HiddenLayer
    from letterocr.matrix.symmetry import measure_changes as measure_changes
    from letterocr.matrix.symmetry import transform as transform

    alphabet = letter_matrix.alphabet_matrix

_MODULES = {
    "arithmetic": ["best_combination", "collapse", "find_mending_bias", "find_relation", "ranks", "search"],
    "conditioning": ["measure_conditioning", "measure_through_hidden_layer"],
    "letter_matrix": ["alphabet", "left_inverse", "read_letters", "with_ones"],
    "normal_equations": ["correlations", "minimum_norm_solution"],
    "rate_bounds": [
        "best_fixed_rate",
        "coordinates",
        "eigenvalues",
        "epoch_limit",
        "epoch_radius",
        "lecun_rate",
        "sample_limit",
        "stability_limit",
    ],
    "spectrum": ["effective_ranks", "readable_ranks", "reconstruct", "singular_values"],
    "symmetry": ["HiddenLayer", "measure_changes", "transform"],
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted([*_HOMES, "backprop"])


def __getattr__(name: str) -> Any:
    if name == "backprop":
        return import_module("letterocr.matrix.backprop")
    if name not in _HOMES:
        raise AttributeError(f"module 'letterocr.matrix' has no attribute {name!r}")
    module = import_module(f"letterocr.matrix.{_HOMES[name]}")
    return getattr(module, "alphabet_matrix" if name == "alphabet" else name)


def __dir__() -> list[str]:
    return __all__
