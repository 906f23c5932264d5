"""What was begun is finished."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from simkit.filters.filter import Objection
from simkit.filters.latest_words import user_before
from simkit.filters.prose import MOST_READ, asks_for_writing, read_part
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory

_FENCE = re.compile(r"^[ \t]{0,3}(?:[-*] )?```", re.MULTILINE)
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_OPEN_END = re.compile(r"(?:[,:(\[{<&–—]|(?<=[^\W\d_])-|(?<=\w)\s-)\Z")
_CLOSING = re.compile(
    r"\b(?:regards|sincerely|yours|best|wishes|thanks|thank you|cheers|love|truly|faithfully),\Z"
    r"|(?:^|\s)[:;=][-']?[(\[{<]\Z",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:^|[\s(])(?:and|or|but|the|a|an|your|our|their|its|because|whether|than|if|of|I|we|is|are|was"
    r"|were|be|been|has|have|will|would|could|should|may|might|to|for|from|with|at|by|into|as"
    r"|such as|including|for example|e\.g\.?|i\.e\.?)\Z"
)
_BEGUN = re.compile(r"\s[^\W\d_](?:[^\W\d_]{0,20})(?:\s[a-z]{1,20}){0,2}\Z")
"""Up to three words after a full stop, on the same line."""
_END = 60
"""Characters of a text's end that are looked at; more than any sign of a break takes."""
_LETTER = re.compile(r"[a-z]{2,}\s(?![aexyn]\Z)[a-z]\Z")
"""A lone letter after a word; in formulas others stand."""
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]*_`]{0,4}(?=\s|\Z)")
_ITEM = re.compile(r"[ \t]{0,12}(?:[-*•+]|\d{1,3}[.)]|[A-Za-z][.)])[ \t]+")
_NOT_PROSE = re.compile(r"[ \t]{0,12}(?:[>#|~=*]|\W*\Z|[^:]{1,60}:)")
_ENDS_IN_WORD = re.compile(r"[a-zß-öø-ÿ]\Z")
_WORD = re.compile(r"[^\W\d_]+")
_LAST_WORD = re.compile(r"(?<![\w.@/-])(?:[a-z]|[^\W\d_]{2,40})\Z")
_LONGEST_WORD = 60
_FEWEST_WORDS = 4
"""Of an unfinished sentence; shorter ones may be names under a letter."""
_QUOTE_OPENED = re.compile(r"(?:^|[\s(])[\"“][^\s\"”]")
_QUOTE_MARKS = re.compile(r"[\"“”]")


class TruncatedTurns:
    """A turn whose text stops before its end, as one does that met a limit of tokens.

    Objects to an assistant message without calls that ends in an open code fence, in the
    middle of JSON, of a quotation or of a word (one that the conversation knows only longer),
    in ``,`` ``:`` or an open bracket, in a word that needs another ("such as", "and", "the"),
    in a lone letter, in one to three words after a full stop, or in a sentence of four words
    or more without its full stop, where sentences before it, in this turn or an earlier one,
    have theirs.

    Lets pass: items of lists, headings, tables and "label: value" lines, which need no full
    stop; closings of letters ("Best regards,"); texts that a user wants written, unless a
    fence is open; messages with calls, which may announce them ("Let me look:"); and tool
    results, which real tools do cut.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, 1 of
    463 of glaive (JSON that does lack its last bracket), both at even rows, and none of the
    1,802 sound turns of the stand-in. Of the 829 at odd rows, which were held out, it masks 2.
    """

    name = "truncated_turns"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        for index, message in enumerate(messages):
            if message.role != "assistant" or message.tool_calls:
                continue
            fault = _fault(messages, index)
            if fault is not None:
                told = f"message {index} {fault}: it ends with {message.content.rstrip()[-40:]!r}"
                yield Objection(check=self.name, message=one_line(told), turn=index)


def _fault(messages: Sequence[Message], index: int) -> str | None:
    text = messages[index].content.rstrip()
    if not text:
        return None
    if len(_FENCE.findall(text)) % 2:
        return "leaves a code block open"
    if len(text) > MOST_READ:
        text = text[-MOST_READ:]
    elif text.startswith(("{", "[")) and _is_open_json(text):
        return "breaks off within JSON"
    if text.endswith("```") or any(map(asks_for_writing, _latest_two(messages, index))):
        return None
    last = _FENCED.sub(" ", text).rstrip().rpartition("\n")[2]
    end = last[-_END:]
    if _OPEN_END.search(end) and not _CLOSING.search(end):
        return "breaks off"
    if _DANGLING.search(end):
        return "breaks off within a sentence"
    puts_stops = any(
        _SENTENCE_END.search(said.content)
        for said in messages[: index + 1]
        if said.role == "assistant"
    )
    return _unfinished_sentence(last, puts_stops) or _unfinished_word(messages, index, last)


def _unfinished_sentence(last: str, puts_stops: bool) -> str | None:
    item = _ITEM.match(last)
    line = last[item.end() :] if item else last
    ends = list(_SENTENCE_END.finditer(line))
    if ends and _BEGUN.fullmatch(line[ends[-1].end() :]) and _ENDS_IN_WORD.search(line.lower()):
        return "breaks off at the beginning of a sentence"
    if _LETTER.search(line[-_END:]):
        return "breaks off within a word"
    rest = line[ends[-1].end() :].strip() if ends else line.strip()
    if _QUOTE_OPENED.search(rest) and len(_QUOTE_MARKS.findall(rest)) % 2:
        return "breaks off within a quotation"
    needs_no_stop = not ends and (item or _NOT_PROSE.match(line))
    if (
        not needs_no_stop
        and not _NOT_PROSE.match(rest)
        and len(rest.split()) >= _FEWEST_WORDS
        and _ENDS_IN_WORD.search(rest)
        and puts_stops
    ):
        return "breaks off within a sentence"
    return None


def _unfinished_word(messages: Sequence[Message], index: int, last: str) -> str | None:
    """The fault of a last word that stands nowhere else, but as the beginning of another."""
    found = _LAST_WORD.search(last[-_LONGEST_WORD:])
    if found is None:
        return None
    word = found[0].casefold()
    known = Counter(
        known.casefold()
        for message in messages[: index + 1]
        for known in _WORD.findall(read_part(message.content))
    )
    if known[word] > 1 or not any(len(w) > len(word) and w.startswith(word) for w in known):
        return None
    return "breaks off within a word"


def _latest_two(messages: Sequence[Message], index: int) -> list[str]:
    return [said for said, _ in zip(user_before(messages, index), range(2), strict=False)]


def _is_open_json(text: str) -> bool:
    """Whether more brackets are opened than closed, strings aside, or a string is left open."""
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
    return depth > 0
