"""The schema of `conf/data/`: the sources of letters."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.option import option


@dataclass
class SourceConfig:
    """The fields common to all sources of letters."""

    name: str = option("", "the source of the letters")


@dataclass
class SyntheticConfig(SourceConfig):
    """Letters of invented writers, drawn by the package itself: no download, no font."""

    name: str = option("synthetic", "the source of the letters", choices=("synthetic",))
    train_per_letter: int = option(200, "training letters of each class", low=1)
    test_per_letter: int = option(20, "test letters of each class", low=1)
    repetitions: int = option(1, "how often each writer writes each letter; train and test writers are disjoint", low=1)
    seed: int = option(0, "seed of the writers; separate from the run's seed, so that runs share their letters", low=0)


@dataclass
class EmnistConfig(SourceConfig):
    """The 26 capital letters of EMNIST's by-class split (Cohen et al. 2017), 28x28 padded to 30x30."""

    name: str = option("emnist", "the source of the letters", choices=("emnist",))
    path: str | None = option(None, "emnist.zip or a folder of idx files; null: the emnist cache, else a download")
    frequencies: str = option(
        "natural", "class frequencies in training: as in the source, or equal", choices=("natural", "balanced")
    )
    train_per_letter: int | None = option(None, "at most this many training letters of each class; null: all", low=1)
    test_per_letter: int = option(20, "test letters of each class, from the official test split", low=1)


@dataclass
class ImagesConfig(SourceConfig):
    """Your own pictures: a folder of A/ ... Z/, or an .npz with images, labels and optional writers."""

    name: str = option("images", "the source of the letters", choices=("images",))
    path: str = option("", "the folder or .npz file")
    train_per_letter: int | None = option(None, "at most this many training letters of each class; null: all", low=1)
    test_per_letter: int = option(20, "test letters of each class; by writers who are not in training, if known", low=1)
    seed: int = option(0, "seed of the choice of test writers or test letters", low=0)


@dataclass
class ArraysConfig(SourceConfig):
    """Letters from the arrays of a script, which `letterocr.fit(data=(images, labels), output=...)` keeps in a file."""

    name: str = option("arrays", "the source of the letters", choices=("arrays",))
    path: str = option("", "the .npz file that letterocr.fit wrote", runtime=True)
    fingerprint: str = option("", "tells these letters from others")
