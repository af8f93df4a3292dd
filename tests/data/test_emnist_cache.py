"""Where EMNIST is found: a path, the cache of the emnist package, or one download, without a network here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import emnist as emnist_package
import pytest
from emnist_files import (
    PER_LETTER,
    TEST_PER_LETTER,
    load_path,
    official,
    refused,
    zipped,
)

from letterocr.config.data import EmnistConfig
from letterocr.data.emnist import load

pytestmark = pytest.mark.usefixtures("home")


def test_the_cache_of_the_emnist_package_is_found(home):
    cached = Path(emnist_package.get_cached_data_path())
    assert cached == home / ".cache" / "emnist" / "emnist.zip"
    zipped(cached, official())
    split = load(EmnistConfig(test_per_letter=TEST_PER_LETTER))
    assert len(split.train) == 26 * PER_LETTER + 3


def test_a_tilde_in_the_path_is_the_home(home):
    zipped(home / "my.zip", official())
    assert len(load(EmnistConfig(path="~/my.zip", test_per_letter=1)).test) == 26


def test_a_path_goes_before_the_cache(tmp_path, home):
    zipped(home / ".cache" / "emnist" / "emnist.zip", {})
    assert len(load_path(zipped(tmp_path / "emnist.zip", official())).train) == 26 * PER_LETTER + 3


def test_no_cache_and_no_network_is_one_sentence_that_says_where_to_put_which_file(home, capsys):
    text = refused(None, "no network", "emnist.zip", "~/.cache/emnist/emnist.zip", "data.path=FILE")
    assert "Traceback" not in text
    assert "downloading EMNIST" in capsys.readouterr().out
    assert [p for p in home.rglob("*") if p.is_file()] == []


@pytest.fixture
def download(monkeypatch) -> Callable[[Callable[[Path], None]], list[str]]:
    """Replaces torchvision's download; gives the list of addresses and digests that were asked for."""

    def replace(write: Callable[[Path], None]) -> list[str]:
        asked = []

        def download_url(url, root, filename, md5):
            asked.append((url, md5))
            write(Path(root) / filename)

        monkeypatch.setattr("torchvision.datasets.utils.download_url", download_url)
        return asked

    return replace


def test_without_a_cache_torchvisions_file_is_downloaded_once(home, download):
    asked = download(lambda path: zipped(path, official()))
    for _ in range(2):
        assert len(load(EmnistConfig(test_per_letter=TEST_PER_LETTER)).test) == 26 * TEST_PER_LETTER
    from torchvision.datasets import EMNIST  # late: it takes every worker seconds

    assert asked == [(EMNIST.url, EMNIST.md5)]
    assert [p for p in home.rglob("*") if p.is_file()] == [home / ".cache" / "letterocr" / "emnist.zip"]


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("File not found or corrupted."), TimeoutError()])
def test_a_download_that_breaks_off_leaves_nothing_and_is_one_sentence(home, download, error):
    def broken(path: Path) -> None:
        path.write_bytes(b"the first half")
        raise error

    download(broken)
    refused(None, "can't be downloaded", str(error), "~/.cache/emnist/emnist.zip")
    assert [p for p in home.rglob("*") if p.is_file()] == []
    asked = download(lambda path: zipped(path, official()))
    load(EmnistConfig(test_per_letter=TEST_PER_LETTER))
    assert len(asked) == 1


def test_a_download_that_the_emnist_package_left_half_done_is_named(home):
    cached = home / ".cache" / "emnist" / "emnist.zip"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"")
    refused(None, str(cached), "can't be read")
