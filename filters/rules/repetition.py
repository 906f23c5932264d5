"""Saying it once is enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from simkit.filters.filter import Objection
from simkit.filters.prose import own_words, read_part, without_code
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_STOPS = tuple(".!?。！？")
_FIELD_OR_ITEM = re.compile(r"\s*(?:[-*•+|>#]|\d{1,3}[.)]|[^:]{1,60}:)")
_SHORTEST_SENTENCE = 20
_SHORTEST_IN_A_ROW = 12
_TIMES = 3
_GRAM = 4
_FEWEST_TOKENS = 40
_NEW_SHARE = 1 / 3
"""Of a text's 4-grams, those that are different; a loop of *n* rounds has 1/n."""
_WORD = re.compile(r"\w+")
_LONGEST_WORDS = 20
"""Mean length from which "words" are taken for a text without spaces."""
_ONE_CHARACTER = re.compile(r"\s*(\S)(?:\s*\1){3,}\s*\Z")
_LONG_RUN = re.compile(r"([^\W_])\1{29}")

_SHORTEST_ANSWER = 40
_POLITE = re.compile(
    r"\b(?:you're (?:very |most )?welcome|have a (?:great|nice|good|wonderful|lovely|safe|pleasant)"
    r"|feel free|don't hesitate|let me know|goodbye|take care|safe travels|anything else"
    r"|how (?:can|may) I (?:help|assist)|glad (?:I could|to)|happy to help)\b",
    re.IGNORECASE,
)


class Repetition:
    """A turn that goes round in circles, or that answers as an earlier turn has.

    Objects to an assistant message that says a sentence of 20 characters or more three times
    (any of 12 or more, if directly one after the other),
    in which two thirds of all 4-grams are repeats (of 40 words or more; of characters where
    there are no spaces), that is one character over and over or has a letter 30 times in a row,
    and to one that is word for word an earlier assistant message (40 characters or more) though
    the user has said something else since.

    Lets pass: code; list items and "label: value" lines, which repeat in tables of like things;
    a question that is asked again or an answer given again to the same words of the user;
    polite closings; and an answer to results that came since the user spoke, for two like
    requests may well end in the same sentence.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks 1.
    """

    name = "repetition"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        answers: dict[str, str] = {}  # an assistant's text to what the user had said before it
        asked = ""
        for index, message in enumerate(messages):
            if message.role == "user":
                asked = _flat(message.content)
            if message.role != "assistant" or not message.content.strip():
                continue
            flat = _flat(message.content)
            fault = _loop(message.content)
            if fault is None and answers.get(flat, asked) != asked:
                fault = _same_again(messages, index, flat)
            answers[flat] = asked
            if fault is not None:
                told = one_line(f"message {index} {fault}")
                yield Objection(check=self.name, message=told, turn=index)


def _same_again(messages: Sequence[Message], index: int, flat: str) -> str | None:
    if len(flat) < _SHORTEST_ANSWER or messages[index - 1].role == "tool" or _POLITE.search(flat):
        return None
    return "says word for word what was said before, to other words of the user"


def _loop(text: str) -> str | None:
    if _ONE_CHARACTER.match(read_part(text)):
        return f"is nothing but {text.strip()[0]!r}, over and over"
    plain = without_code(text)
    run = _LONG_RUN.search(plain)
    if run:
        return f"has {run[1]!r} 30 times in a row"
    sentence = _often_said(own_words(text))
    if sentence is not None:
        return f"says {one_line(sentence, limit=80)!r} {_TIMES} times or more"
    return _repeated_grams(plain)


def _often_said(text: str) -> str | None:
    parts = _BETWEEN_SENTENCES.split(text)
    if len(parts) < _TIMES:
        return None
    sentences = [flat for said in parts if (flat := _flat(said))]
    for at in range(len(sentences) - _TIMES + 1):
        first = sentences[at]
        is_long = len(first) >= _SHORTEST_IN_A_ROW and any(map(str.isalpha, first))
        if is_long and sentences[at : at + _TIMES].count(first) == _TIMES:
            return first
    counts = Counter(
        sentence
        for sentence in sentences
        if len(sentence) >= _SHORTEST_SENTENCE
        and sentence.endswith(_STOPS)
        and not _FIELD_OR_ITEM.match(sentence)
    )
    return next((sentence for sentence, count in counts.items() if count >= _TIMES), None)


def _repeated_grams(text: str) -> str | None:
    tokens = [word.casefold() for word in _WORD.findall(text)]
    if tokens and sum(map(len, tokens)) > _LONGEST_WORDS * len(tokens):
        tokens = list("".join(tokens))
    if len(tokens) < _FEWEST_TOKENS:
        return None
    grams = list(zip(*(tokens[start:] for start in range(_GRAM)), strict=False))
    share = len(set(grams)) / len(grams)
    if share > _NEW_SHARE:
        return None
    return f"is a loop: only {share:.0%} of its {_GRAM}-grams are different"


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
