"""Answers that say something else than the results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from simkit.filters.filter import Objection
from simkit.filters.retelling.given_values import GivenValues
from simkit.filters.retelling.outcomes import wrong_outcome
from simkit.filters.retelling.stated_values import Stated, stated_values
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory

_LONGEST = 20_000
"""Characters of an answer that are read."""
_MOST = 60
"""Values of an answer that are looked up; a longer table is judged by its beginning."""
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_ESTIMATE = re.compile(
    r"\b(?:about|almost|approximately|around|at least|between|less than|more than|nearly|over|"
    r"roughly|under|up to)\s+[$€£]?$|~\s?[$€£]?$",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"\b(?:e\.g\.|example|say|such as)[^.!?\n]{0,12}$", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:^|\n)[ \t>*#-]{0,8}$")
_CALCULATED = re.compile(r"[=×*+/÷^≈<>]\s?[$€£]?$")
_CALCULATES = re.compile(
    r"\b(?:total|sum|differ|altogether|together|combined|overall|averag|each\b|per\b|apiece"
    r"|sav(?:e|ing)|remain|left\b|balance|additional|extra|more|less|fewer|increas|decreas|discount"
    r"|percent|tax|tip"
    r"|split|duration|last(?:s|ing)?\b|long\b|hours?\b|minutes?\b|times\b|twice|half|double|area"
    r"|ratio|calculat|equal|result|amount|refund|passengers|people|nights?\b|days?\b)|[%×*=+]",
    re.IGNORECASE,
)
"""Speaks of calculating, or of what one calculates."""
_NEAR = 300
_ITEM = re.compile(r"[ \t]{0,12}(?:[-*•+]|\d{1,3}[.)])[ \t]")
_CALCULATING = re.compile(r"\s?[=×*+/÷^]")


class MisreportedResults:
    """An answer is masked that contradicts the results it is made of.

    Judged are texts, without calls, that directly follow results:

    - An e-mail, code, date, time or number that nothing has given: no message of the user or
      the system, no result, no argument of an earlier call (whether those have a source is
      `ArgumentProvenance`'s question) and no definition of a function. In texts that come later
      only e-mails and codes are judged, as talk may have turned to other matters.
    - Success told of failures: every result since the user spoke is an error, and the answer
      speaks of success and of no trouble at all.
    - Things told where the only result is empty, and a plain "no results" where it lists some.

    Let pass are other ways of writing (dates with or without year, 24 or 12 hours, thousands
    with commas or spaces, scales, units), rounding, sums, differences, products, ratios and
    percentages of two given numbers (where more than eight were given only if the paragraph
    speaks of calculating: a total, a difference, each, per), sums of lists and columns, how
    many things are in a list, numbers up to 12 and such as 24, 30 or 100, years beside a year
    that was given, numbers of list items, telephone numbers and web addresses, formulas, code
    blocks, round estimates ("about 40") and examples.
    Among many numbers most small ones can be calculated somehow, so wrong numbers are missed
    more often than wrong codes and dates.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks 1.
    """

    name = "misreported_results"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        given = GivenValues()
        results: list[Message] = []
        for tool in trajectory.scenario.functions:
            given.learn_definition(tool.tool_json)
        for index, message in enumerate(trajectory.messages):
            if message.role == "assistant":
                is_answer = bool(results) and trajectory.messages[index - 1].role == "tool"
                told = _misreport(message, given, results, is_answer=is_answer)
                if told is not None:
                    text = one_line(f"message {index} {told}")
                    yield Objection(check=self.name, message=text, turn=index)
                for call in message.tool_calls:
                    given.learn(call.arguments)
            elif message.role == "tool":
                given.learn_result(message.content)
                results.append(message)
            else:
                given.learn(message.content)
                results = []


def _misreport(
    message: Message, given: GivenValues, results: list[Message], *, is_answer: bool
) -> str | None:
    """What is wrong with an assistant message, as the rest of a sentence about it."""
    if message.tool_calls or not given.has_results:
        return None
    if is_answer and (wrong := wrong_outcome(message.content, results)):
        return wrong
    text = _CODE_BLOCK.sub(" ", message.content[:_LONGEST])
    values = list(islice(stated_values(text), _MOST))
    for stated in values:
        if not is_answer and stated.kind not in ("code", "email"):
            continue
        if _is_year(stated) and not _is_year_wrong(values, given):
            continue
        if not _is_loose(text, stated) and not _is_given(text, stated, given):
            shown = one_line(stated.shown, limit=60)
            return f"states the {stated.kind} {shown!r}, which nothing gave"
    return None


def _is_given(text: str, stated: Stated, given: GivenValues) -> bool:
    if given.holds(stated, calculates=False):
        return True
    return _CALCULATES.search(_around(text, stated)) is not None and given.holds(stated)


def _around(text: str, stated: Stated) -> str:
    """The item of a list that the value stands in, or its paragraph, as far as it is near."""
    start = text.rfind("\n", 0, stated.start) + 1
    end = text.find("\n", stated.end)
    if not _ITEM.match(text, start):
        start, end = text.rfind("\n\n", 0, stated.start) + 1, text.find("\n\n", stated.end)
    end = len(text) if end < 0 else end
    return text[max(start, stated.start - _NEAR) : min(end, stated.end + _NEAR)]


def _is_loose(text: str, stated: Stated) -> bool:
    """Whether the value is not stated as something that was found."""
    before = text[max(0, stated.start - 40) : stated.start]
    if _EXAMPLE.search(before):
        return True
    if stated.kind != "number":
        return False
    return bool(
        (_NUMBERED.search(before) and text[stated.end : stated.end + 1] in (".", ")"))
        or (_ESTIMATE.search(before) and stated.shown[-1] in "05" and "." not in stated.shown)
        or _CALCULATED.search(before)
        or _CALCULATING.match(text, stated.end)
    )


def _is_year(stated: Stated) -> bool:
    return stated.shown.isdigit() and 1900 <= int(stated.shown) <= 2100


def _is_year_wrong(values: list[Stated], given: GivenValues) -> bool:
    """Whether results gave years, and the answer tells others only: others are added freely."""
    return given.gives_years and not any(_is_year(year) and given.holds(year) for year in values)
