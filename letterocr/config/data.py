"""Schema of `conf/data/`: the sources of letters."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.option import option

ALPHABETS = {  # the names of the classes, in the order of a network's outputs
    "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digits": "0123456789",
    "all": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
}


@dataclass
class SourceConfig:
    """The fields common to all sources of letters."""

    name: str = option("", "the source of the letters")


@dataclass
class CharactersConfig(SourceConfig):
    """The fields of sources that may have letters and digits."""

    classes: str = option(
        "letters",
        "the classes: the 26 capital letters, the 10 digits, or all 36, letters first",
        choices=ALPHABETS,
        added=True,
    )


@dataclass
class SyntheticConfig(CharactersConfig):
    """Letters and digits of invented writers, drawn by the package itself: no download, no font."""

    name: str = option("synthetic", "the source of the letters", choices=("synthetic",))
    train_per_letter: int = option(200, "training letters of each class", low=1)
    test_per_letter: int = option(20, "test letters of each class", low=1)
    repetitions: int = option(1, "how often each writer writes each letter; no writer is in both parts", low=1)
    seed: int = option(0, "seed of the letters; separate from the run's seed, so that runs share their letters", low=0)


@dataclass
class EmnistConfig(CharactersConfig):
    """The capital letters and digits of EMNIST's by-class split (Cohen et al. 2017), 28x28 padded to 30x30."""

    name: str = option("emnist", "the source of the letters", choices=("emnist",))
    path: str | None = option(
        None, "emnist.zip or a folder of idx files; null: the emnist cache, or a download", verbatim=True
    )
    frequencies: str = option(
        "natural", "class frequencies in training: as in EMNIST, or equal", choices=("natural", "balanced")
    )
    train_per_letter: int | None = option(None, "at most this many training letters of each class; null: all", low=1)
    test_per_letter: int = option(20, "test letters of each class, from the official test split", low=1)


@dataclass
class ImagesConfig(CharactersConfig):
    """Your own pictures: a folder with A/ ... Z/ or 0/ ... 9/ (or train/A ... and test/A ...), or an .npz file."""

    name: str = option("images", "the source of the letters", choices=("images",))
    path: str = option("", "the folder with A/ ... Z/ inside, or the .npz file", verbatim=True)
    train_per_letter: int | None = option(None, "at most this many training letters of each class; null: all", low=1)
    test_per_letter: int = option(20, "test letters of each class; if writers are known, by other writers", low=1)
    seed: int = option(0, "seed that chooses the test writers or test letters", low=0)
    transpose: bool = option(False, "exchange rows and columns of the images of an .npz file", added=True)


@dataclass
class ArraysConfig(SourceConfig):
    """Letters from the arrays of a script, which `letterocr.fit(data=(images, labels), output=...)` keeps in a file."""

    name: str = option("arrays", "the source of the letters", choices=("arrays",))
    path: str = option("", "the .npz file that letterocr.fit wrote", runtime=True, verbatim=True)
    fingerprint: str = option("", "digest of the letters")
