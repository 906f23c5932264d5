"""What a text must have for a regular expression to match in it."""

from __future__ import annotations

import pytest

from simkit.filters.needed_texts import needed_texts, needed_words


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"can you (?:help|aid) \w+", {"can you help ", "can you aid "}),
        (r"\bAKIA[A-Z2-7]{16}\b", {"akia"}),
        (r"</?(?:think|thoughts)>", {"<think>", "</think>", "<thoughts>", "</thoughts>"}),
        (r"[sr]k_live_\w+", {"sk_live_", "rk_live_"}),
        (r"\d{8}:AA(?!B)\w", {":aa"}),
        (r"colou?r of it|hue\d", {"color of it", "colour of it", "hue"}),
        (r"(?i:\bbearer[ \t]{1,4})(?!eyJ)\w{20}", {"bearer"}),
        (r"(?P<mark>[.-])5(?P=mark)a+", {"5"}),
    ],
)
def test_one_of_the_texts_stands_in_every_match(pattern: str, texts: set[str]) -> None:
    """
    Alternatives are each told, parts that may be missing are not, and what a text without any of
    these cannot be is found without `re`.
    """
    assert needed_texts(pattern) == texts


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bfeel free\b", {"feel"}),
        (r"\byour (?:orders?|refund)\b", {"order", "orders", "refund"}),
        (r"\blet me (?:just )?check\w*", {"let", "just"}),  # "check" may go on
        (r"\bthanks\b|\bcheers\b", {"thanks", "cheers"}),
    ],
)
def test_only_whole_words_are_needed_as_words(pattern: str, words: set[str]) -> None:
    """
    Of each way of saying it the longest word is taken, as it is rarer.
    """
    assert needed_words(pattern) == words


@pytest.mark.parametrize(
    "pattern", [r"\d+", r"a?", r"(?:abc)*", r"(?:abc){0,3}", r"x|\d", r"\w(?!abc)", r"né"]
)
def test_where_a_match_may_do_without_nothing_is_needed(pattern: str) -> None:
    """
    Letters that are not ASCII count for nothing: their cases are many.
    """
    assert needed_words(pattern) == frozenset()
    assert all(text in "né" for text in needed_texts(pattern))


@pytest.mark.parametrize("pattern", [r"(?i)abc", r"(?>abc)", r"(a)(?(1)b|c)", r"a(?#note)b"])
def test_a_construct_that_is_not_read_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot read the regular expression"):
        needed_texts(pattern)
