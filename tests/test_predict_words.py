"""Words, pages, folders, and pictures without a letter."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image
from predicting import assert_one_line, glyph, predict, saved, trained

__all__ = ["predict", "trained"]

# Words, folders, and what is no letter


def word(*letters: str, gap: int = 24) -> np.ndarray:
    """Letters side by side on one page."""
    return np.concatenate([glyph(letter, margin=(20, gap)) for letter in letters], 1)


def test_a_word_is_read_letter_by_letter_and_a_page_line_by_line(trained, tmp_path, predict):
    first, second = word("H", "L", "T"), word("E", "V", "Z")
    path = saved(tmp_path / "page.png", np.concatenate([first, second]))
    answer = predict(trained, path)
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == f"{path}: HLT / EVZ"
    assert [text.strip().partition(",")[0] for text in lines[1:]] == list("HLTEVZ")
    facts = json.loads(predict("--json", trained, path).out)
    assert facts["text"] == "HLT\nEVZ"
    assert [(part["letter"], part["line"]) for part in facts["letters"]] == [
        ("H", 0),
        ("L", 0),
        ("T", 0),
        ("E", 1),
        ("V", 1),
        ("Z", 1),
    ]
    boxes = np.array([part["box"] for part in facts["letters"]])
    assert (np.diff(boxes[:3, 0]) > 0).all()
    assert (boxes[3:, 1] >= boxes[:3, 3].max()).all()


def test_one_takes_all_ink_for_one_letter(trained, tmp_path, predict):
    path = saved(tmp_path / "word.png", word("H", "L"))
    assert len(json.loads(predict("--json", "--one", trained, path).out)["letters"]) == 1


def test_what_is_no_letter_gets_a_sentence_and_status_one(trained, tmp_path, predict):
    disc = Image.new("L", (200, 200), 255)
    disc.paste(0, (50, 50, 150, 150))
    for path, says in (
        (saved(tmp_path / "blank.png", np.full((40, 40), 255, np.uint8)), "is blank"),
        (saved(tmp_path / "block.png", disc), "nothing like a letter"),
    ):
        answer = predict(trained, path)
        assert (answer.status, answer.out) == (1, "")
        assert_one_line(answer.err, str(path), says)
        facts = json.loads(predict("--json", trained, path).out)
        assert facts["letters"] == []
        assert says in facts["reason"]


def test_a_folder_is_read_picture_by_picture_and_what_is_left_out_is_named(trained, tmp_path, predict):
    folder = tmp_path / "scans"
    (folder / "more").mkdir(parents=True)
    paths = [saved(folder / "a.png", glyph("A")), saved(folder / "more" / "b.png", glyph("B"))]
    (folder / "notes.txt").write_text("no picture")
    answer = predict(trained, folder)
    assert answer.status == 0
    assert [text.partition(",")[0] for text in answer.out.splitlines()] == [f"{paths[0]}: A", f"{paths[1]}: B"]
    assert_one_line(answer.err, str(folder), "1 file is no picture", "1 .txt", "notes.txt")


def test_a_folder_without_a_picture_is_a_mistake(trained, tmp_path, predict):
    (tmp_path / "empty").mkdir()
    answer = predict(trained, tmp_path / "empty")
    assert (answer.status, answer.out) == (2, "")
    assert_one_line(answer.err, str(tmp_path / "empty"), "has no picture")


def test_show_draws_what_the_network_saw(trained, tmp_path, predict):
    path, seen = saved(tmp_path / "word.png", word("H", "L")), tmp_path / "seen.png"
    answer = predict("--show", seen, trained, path, saved(tmp_path / "blank.png", np.full((40, 40), 255, np.uint8)))
    assert answer.status == 1
    assert answer.out.splitlines()[-1] == f"{seen}: what the network saw"
    with Image.open(seen) as picture:
        assert picture.height > 2 * picture.width / 3  # three rows: two letters and a picture without one
