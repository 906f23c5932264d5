"""Calls that are written down instead of made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simkit.filters.filter import Objection
from simkit.filters.latest_words import user_before
from simkit.filters.prose import read_part
from simkit.traces.one_line import one_line
from simkit.traces.records import Trajectory
from simkit.traces.shallow_json import parse_json

_NAMED = re.compile(
    r"\"(?:name|function|function_name|tool|tool_name|action|api)\"\s{0,9}:\s{0,9}\"([^\"\n]{1,200})\""
)
_WITH_ARGUMENTS = re.compile(
    r"\"(?:arguments|parameters|params|args|kwargs|input|tool_input|action_input)\"\s{0,9}:"
)
_REACT = re.compile(r"^[ \t*]{0,4}Action[ \t*]{0,4}:[ \t*`]{0,4}([\w.\-/]{1,200})", re.MULTILINE)
# A name and a bracket with what begins an argument, or ends a call without any.
_WRITTEN = re.compile(
    r"(?<![\w.\-])([\w.\-]{1,200})\(\s{0,9}(?:\)|[A-Za-z_]\w{0,80}\s{0,3}[=:](?!=)|[{\[\"'\d])"
)
_OBJECT_KEYS = ({"name", "arguments"}, {"function", "arguments"})
"""Not "parameters": with them, it may be a function's definition."""


class CallsInProse:
    """A turn that writes a call into its text, where no program will make it.

    Objects to an assistant message whose text has a function on offer as a call: as a JSON
    object of a name and arguments, as ``Action: name``, or as ``name(argument=...)``; and to
    one that is, as a whole, a JSON call of any function.

    Lets pass: a message that does make the call to that function, whatever its text says
    besides; functions that the user has named before, which are being talked about; names of
    one plain word such as ``search(``, which code has, too, unless an argument is named; and
    names without brackets.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "calls_in_prose"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        offered = {tool.name for tool in trajectory.scenario.tools}
        for index, message in enumerate(messages):
            if message.role != "assistant" or not message.content.strip():
                continue
            made = {call.name for call in message.tool_calls}
            for name in dict.fromkeys(_written(read_part(message.content), offered)):
                if name in made or any(name in said for said in user_before(messages, index)):
                    continue
                shown = one_line(name, limit=80)
                yield Objection(
                    check=self.name,
                    message=f"message {index} writes a call to {shown!r} into its text",
                    turn=index,
                )
                break


def _written(text: str, offered: set[str]) -> Iterator[str]:
    """Functions that *text* seems to call, each perhaps more than once."""
    whole = _whole_call(text)
    if whole is not None:
        yield whole
    if _WITH_ARGUMENTS.search(text):
        yield from (name for name in _NAMED.findall(text) if name in offered)
    yield from (name for name in _REACT.findall(text) if name in offered)
    for found in _WRITTEN.finditer(text):
        name = found[1] if found[1] in offered else found[1].rpartition(".")[2]
        names_an_argument = found[0].endswith("=")
        if name in offered and (names_an_argument or not name.isalpha() or not name.islower()):
            yield name


def _whole_call(text: str) -> str | None:
    """The function's name, where *text* is one JSON call, or a list of them, and no more."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not bare.startswith(("{", "[")):
        return None
    try:
        value = parse_json(bare)
    except ValueError:
        return None
    first: Any = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict) or not any(keys <= first.keys() for keys in _OBJECT_KEYS):
        return None
    name = first.get("name", first.get("function"))
    return name if isinstance(name, str) and name else None
