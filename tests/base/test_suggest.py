"""A mistyped word gets the nearest known one, or the caller's own words."""

from letterocr.base.suggest import suggest


def test_a_near_word_is_named() -> None:
    assert suggest("gradent", ("printed", "gradient"), "choose one.") == "did you mean gradient?"


def test_a_far_word_gets_the_other_words() -> None:
    assert suggest("hebb", ("printed", "gradient"), "choose one.") == "choose one."


def test_known_words_may_be_any_iterable_and_the_word_any_value() -> None:
    assert suggest(10, (str(n) for n in (100, 2)), "none.") == "did you mean 100?"
    assert suggest(None, {}, "none.") == "none."
