"""Nothing is left to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from simkit.filters.filter import Objection
from simkit.filters.latest_words import user_before
from simkit.filters.prose import asks_for_writing, own_words
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory

_PLACEHOLDER = re.compile(
    r"\[(?:insert|enter|add|fill in|your|customer|user|recipient|company|placeholder|to be)\b"
    r"[^\]\n]{0,60}\](?!\()"
    r"|(?-i:\[[A-Z][A-Z0-9]{1,30}(?:[_ ][A-Z0-9]{1,30}){1,5}\](?!\())"
    r"|\[(?:name|date|time|amount|number|link|url|address|e-?mail|phone|price|city|id|x{2,})\](?!\()"
    r"|<(?:insert|your|enter)[_ -][a-z_ -]{1,40}>"
    r"|(?-i:\bTODO:|\[TODO\b|\bFIXME:)"
    r"|\blorem ipsum\b"
    r"|\{\{\s{0,3}[a-z_][\w. |]{0,60}\}\}"
    r"|(?<![\w\\$}/^{=(])\{[a-z][a-z0-9]{2,30}(?:_[a-z0-9]{1,30}){0,5}\}(?![\w}/^=])"
    r"|%\([a-z_]{2,40}\)s",
    re.IGNORECASE,
)


class Placeholders:
    """A turn whose text has a place where something was to be put.

    Objects to an assistant message with a bracket such as ``[insert date]``, ``[your name]``
    or ``[QR_CODE_IMAGE]``, a variable of a template (``{{name}}``, ``{order_id}``,
    ``%(name)s``), ``<your_key>``, ``TODO:`` or "Lorem ipsum".

    Lets pass: what the user or a tool result has written in the same way before (capitals
    also without their brackets); code and
    quotations; links; and texts that a user wants written, where a gap for a name is right.
    Placeholders in the arguments of calls are not looked for here.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "placeholders"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        for index, message in enumerate(messages):
            if message.role != "assistant":
                continue
            found = _PLACEHOLDER.search(own_words(message.content))
            if found is None or _is_given(messages, index, found[0]):
                continue
            told = one_line(f"message {index} has {found[0]!r} where a value should stand")
            yield Objection(check=self.name, message=told, turn=index)


def _is_given(messages: Sequence[Message], index: int, placeholder: str) -> bool:
    """Whether somebody has written it before, or wants a text that may have gaps."""
    if any(map(asks_for_writing, user_before(messages, index))):
        return True
    inner = placeholder.strip("[]")
    given = inner if inner.isupper() else placeholder
    return any(given in m.content for m in messages[:index] if m.role in ("user", "tool"))
