"""Looks at what the user's model wrote before the user says it.

A model that plays the user slips: it offers help like an assistant, names functions that it has
read about somewhere, makes up a booking code, tells everything at once, or stops before it has
asked for what it wants. The release of ToolMind masks the turns that follow such slips (arXiv
2511.15718, section 3.3); here the model is asked again, so that they do not happen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import orjson

from simkit.agents.limits import LimitReached
from simkit.traces.records import Goal, Intent, Scenario
from simkit.traces.voice import ReplyRejected

_DRIFT = re.compile(
    r"\b(?:how (?:can|may|could) I (?:help|assist)"
    r"|(?:anything|something) else I can (?:help|assist|do)"
    r"|(?:can|may) I (?:help|assist) you|I(?:'m| am) (?:here|happy|glad) to (?:help|assist)"
    r"|let me (?:check|look) that (?:up )?for you|as an (?:AI|artificial)|as a language model"
    r"|I(?:'ve| have) (?:booked|cancell?ed|updated|scheduled|sent|processed)"
    r" (?:it|that|this|your)\b)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[\w@][\w@.,:/+#-]*")
_GROUP = re.compile(r"\d+|[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_LAST_ZEROS = re.compile(r"(\d\.\d*?)0+\b")
_STOP_WORD_TEXT = """
    and are can could find for from get have how into like need our please some that the them then
    there this want was what when which will with would you your
"""
_STOP_WORDS = frozenset(_STOP_WORD_TEXT.split())
_SHORTEST_CLAIM = 4
"""Letters and digits of a token below which anybody may say it."""
_LONG_ENOUGH = 15
"""Characters of a message from which on nobody says it twice, as they may say "yes, please"."""
_SAID = 0.34
"""Share of a goal's words that must have been said for it to have come up."""
_TOLD = 0.6
"""Likewise, for it to have been told whole."""
_MANY_GOALS = 3
_HALF_A_DAY = 12
_SLIPS = {
    "role_drift": "you speak like the assistant; you are the person who asks for help",
    "function_name": "it names a function, {found!r}; you do not know the functions",
    "invented_fact": "it states {found!r}, which your intent does not hold and nobody told you; "
    "say that you do not know, or leave it out",
    "repeats": "you have said the very same before; ask otherwise, say what is new, or give up",
    "early_stop": "it stops, but you have not brought up this yet: {found}",
    "tells_all": "it tells everything at once; begin with your first goal only",
}
_PARDONED = frozenset({"early_stop", "tells_all"})
"""What a model may insist on: rules of thumb tell these, and the model may know better."""


class UserGuard:
    """The guard of one conversation.

    Args:
        most: Refusals before the conversation is cut off.
    """

    def __init__(self, scenario: Scenario, intent: Intent, *, most: int) -> None:
        self._most = most
        self._goals = intent.goals
        self._is_gradual = scenario.dialogue != "single"
        self._names = [one.name for one in scenario.functions if not _is_plain(one.name)]
        self._known = _Known()
        persona = scenario.persona
        for text in (
            orjson.dumps(intent.as_data()).decode(),
            "" if persona is None else orjson.dumps(persona).decode(),
        ):
            self._known.add(text)
        self._said: list[str] = []
        self._pardoned: set[str] = set()
        self.reasked: Counter[str] = Counter()
        """Cause to refusals so far."""

    def hear(self, text: str) -> None:
        """Take in what the assistant told the user, who may repeat it."""
        self._known.add(text)

    def heard_saying(self, text: str) -> None:
        """Take in what the user has said; it was let pass."""
        self._said.append(text)
        self._known.add(text)
        self._pardoned.clear()

    def check(self, text: str, *, stops: bool) -> None:
        """Make sure that the user can say *text*, and stop with it where *stops*.

        Raises:
            ReplyRejected: The user cannot; the model should be asked again.
            LimitReached: It has been refused too often.
        """
        for cause, found in self._slips(text, stops=stops):
            if cause in self._pardoned:
                continue
            if cause in _PARDONED:
                self._pardoned.add(cause)
            if self.reasked.total() >= self._most:
                raise LimitReached("user_reask_limit")
            self.reasked[cause] += 1
            raise ReplyRejected(_SLIPS[cause].format(found=found[:200]))

    def _slips(self, text: str, *, stops: bool) -> Iterator[tuple[str, str]]:
        if drift := _DRIFT.search(text):
            yield "role_drift", drift[0]
        for name in self._names:
            if name in text:
                yield "function_name", name
        if (invented := self._known.unknown_in(text)) is not None:
            yield "invented_fact", invented
        if len(text) >= _LONG_ENOUGH and text in self._said:
            yield "repeats", text
        said = "\n".join((*self._said, text))
        if stops and (goal := self._not_brought_up(said)) is not None:
            yield "early_stop", goal.text
        if self._is_gradual and not self._said and self._tells_all(text):
            yield "tells_all", ""

    def _not_brought_up(self, said: str) -> Goal | None:
        return next((goal for goal in self._goals if _share_said(goal, said) < _SAID), None)

    def _tells_all(self, text: str) -> bool:
        return len(self._goals) >= _MANY_GOALS and all(
            _share_said(goal, text) >= _TOLD for goal in self._goals
        )


class _Known:
    """What a person can have heard of: codes, numbers, dates and addresses in texts."""

    def __init__(self) -> None:
        self._joined: set[str] = set()
        self._numbers: set[int] = set()
        self._words: set[str] = set()

    def add(self, text: str) -> None:
        for token in _TOKEN.findall(text):
            groups = _groups(token)
            self._joined.add("".join(groups))
            for group in groups:
                if group.isdecimal():
                    number = int(group[:18])
                    self._numbers |= {number, number + _HALF_A_DAY, number - _HALF_A_DAY}
                else:
                    self._words.add(group)

    def unknown_in(self, text: str) -> str | None:
        """The first code, number, date or address in *text* that was in none of the texts."""
        for found in _TOKEN.finditer(text):
            token = found[0]
            groups = _groups(token)
            joined = "".join(groups)
            is_claim = "@" in token[1:-1] or any(group.isdecimal() for group in groups)
            if is_claim and len(joined) >= _SHORTEST_CLAIM and not self._knows(joined, groups):
                return token
        return None

    def _knows(self, joined: str, groups: Sequence[str]) -> bool:
        if joined in self._joined:
            return True
        # The parts in another order or form: 2024-05-01 said as 1/5/2024, or 10:30 as 22:30.
        return all(
            int(group[:18]) in self._numbers if group.isdecimal() else _is_known_word(group, self)
            for group in groups
        )

    def has_word(self, word: str) -> bool:
        return word in self._words


def _is_known_word(word: str, known: _Known) -> bool:
    return len(word) <= 2 or known.has_word(word)  # as in 5th, 10am, 3x


def _groups(token: str) -> list[str]:
    """The runs of digits and of letters in *token*; 1,250.50 is 1250.5."""
    plain = _THOUSANDS.sub("", token.lower())
    return _GROUP.findall(_LAST_ZEROS.sub(r"\1", plain))


def _share_said(goal: Goal, said: str) -> float:
    """How much of *goal* was said, in [0, 1]: a known value is all of it."""
    lowered = said.lower()
    if any(len(fact.value) > 2 and fact.value.lower() in lowered for fact in goal.known):
        return 1.0
    words = {word.lower() for word in _WORD.findall(goal.text)} - _STOP_WORDS
    heard = {word.lower() for word in _WORD.findall(said)}
    return len(words & heard) / len(words) if words else 1.0


def _is_plain(name: str) -> bool:
    """Whether the name of a function is a word that people use."""
    return name.isalpha() and (name.islower() or name.istitle())
