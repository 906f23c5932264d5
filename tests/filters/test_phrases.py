"""Phrases are found exactly where `re` finds them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.filters.phrases import Phrase, Phrases, ascii_words, in_lower_case

HINTS = (
    r"\bcan you (?:please )?(?:help|assist)\b",
    r"\bmy (?!system)[a-z]{3,}",
    r"\A\W{0,3}(?:sure|ok)\b[,!.]",
    r"\bI(?:'d| would) like\b",
    r"\bthank(?:s| you)[^.\n]{0,30}(?:for your|[!.]?\Z)",
    r"hmm+",
    r"\bask\b|\btalk\b",
)
WORDS = (
    *("can", "you", "please", "help", "assist", "my", "system", "order", "sure,", "ok!", "I'd"),
    *("I", "would", "like", "thanks", "thank", "hmmm", "for", "your", "ask", "talk", "TALK"),
    *("as\u212a", "a\u017fk", "l\u0131ke", "L\u0130KE", "é…", "_my", "my_", "2my", ".", "\n"),
)
SAID = st.lists(st.sampled_from(WORDS), max_size=12).flatmap(
    lambda parts: st.sampled_from([" ", "", "-", "\n"]).map(lambda mark: mark.join(parts))
)


@given(SAID)
def test_any_of_several_is_found_as_by_one_expression_with_bars(text: str) -> None:
    whole = re.compile("|".join(HINTS), re.IGNORECASE).search(text)
    found = Phrases(*HINTS).search(text)
    assert (found and found.span()) == (whole and whole.span())


@given(SAID)
def test_each_is_found_in_the_order_of_the_expressions(text: str) -> None:
    alone = [re.search(pattern, text, re.IGNORECASE) for pattern in HINTS]
    expected = [found.span() for found in alone if found]
    assert [found.span() for found in Phrases(*HINTS).matches(text)] == expected


@given(SAID)
def test_one_is_found_wherever_it_stands(text: str) -> None:
    for pattern in HINTS:
        expected = [found.span() for found in re.finditer(pattern, text, re.IGNORECASE)]
        phrase = Phrase(pattern)
        first = phrase.search(text)
        assert [found.span() for found in phrase.finditer(text)] == expected
        assert [first.span()] == expected[:1] if first else not expected


def test_case_is_regarded_where_the_flags_say_so() -> None:
    key = Phrase(r"\bAKIA\d{4}\b", flags=0)
    assert key.search("the key AKIA1234") is not None
    assert key.search("the key akia1234") is None


@pytest.mark.parametrize("letter", ["\u0130", "\u0131", "\u017f", "\u212a"])
def test_letters_that_re_takes_for_ascii_ones_are_read_as_these(letter: str) -> None:
    alike = next(plain for plain in "isk" if re.fullmatch(plain, letter, re.IGNORECASE))
    assert in_lower_case(f"A{letter}B") == f"a{alike}b"


def test_words_are_runs_of_ascii_letters_digits_and_underscores() -> None:
    assert ascii_words("Let's GO_on, 2nd café") == {"let", "s", "go_on", "2nd", "caf"}
