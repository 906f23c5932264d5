"""What every corruption is made of: places in a trajectory, and edits of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import orjson

from simkit.traces.functions import Function
from simkit.traces.records import Message, ToolCall, Trajectory

T = TypeVar("T")
Messages = tuple[Message, ...]


class Draw(Protocol):
    """The part of a random stream of `simkit.traces.seeds` that corruptions use."""

    def random(self) -> float: ...

    def randint(self, a: int, b: int) -> int: ...

    def choice(self, seq: Sequence[T]) -> T: ...

    def choices(self, population: Sequence[T], *, k: int) -> list[T]: ...

    def shuffle(self, x: MutableSequence[Any]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The messages with one mistake in them."""

    messages: Messages
    turns: tuple[int, ...]
    """Where the mistake shows, as indexes of `messages`; a check that objects to any of them
    has found it."""
    changed: str
    """One line that tells what was put in the place of what."""


Corruption = Callable[[Trajectory, Draw], "Edit | None"]
"""Puts one mistake into a trajectory; None where it has no place for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A call whose arguments can be read."""

    turn: int
    position: int
    """Among the calls of its message."""
    call: ToolCall
    arguments: dict[str, Any]
    function: Function | None
    """None when nobody knows it."""

    @property
    def properties(self) -> dict[str, Any]:
        """The parameters that the function declares, with their schemas."""
        declared = {} if self.function is None else self.function.parameters.get("properties")
        found = declared if isinstance(declared, dict) else {}
        return {name: schema for name, schema in found.items() if isinstance(schema, dict)}


def sites(trajectory: Trajectory) -> list[Site]:
    """Every call with readable arguments, in order."""
    offered = {tool.name: tool for tool in trajectory.scenario.tools}
    found = []
    for turn, message in enumerate(trajectory.messages):
        for position, call in enumerate(message.tool_calls):
            try:
                arguments = call.parsed_arguments()
            except ValueError:
                continue
            found.append(
                Site(
                    turn=turn,
                    position=position,
                    call=call,
                    arguments=arguments,
                    function=offered.get(call.name),
                )
            )
    return found


def spoken(messages: Messages, *, at_least: int = 1) -> list[int]:
    """Indexes of the assistant messages that only speak, in *at_least* so many characters."""
    return [
        index
        for index, message in enumerate(messages)
        if message.role == "assistant"
        and not message.tool_calls
        and len(message.content.strip()) >= at_least
    ]


def put(messages: Messages, index: int, *new: Message) -> Messages:
    """*messages* with *new* in the place of the one at *index*."""
    return (*messages[:index], *new, *messages[index + 1 :])


def said(messages: Messages, index: int, content: str) -> Messages:
    """*messages* with another content at *index*."""
    return put(messages, index, replace(messages[index], content=content))


def with_call(messages: Messages, site: Site, call: ToolCall) -> Messages:
    """*messages* with *call* in the place of the one at *site*."""
    message = messages[site.turn]
    calls = (*message.tool_calls[: site.position], call, *message.tool_calls[site.position + 1 :])
    return put(messages, site.turn, replace(message, tool_calls=calls))


def with_arguments(messages: Messages, site: Site, arguments: dict[str, Any]) -> Messages:
    """*messages* with other arguments in the call at *site*."""
    return with_call(messages, site, replace(site.call, arguments=as_json(arguments)))


def results_end(messages: Messages, turn: int) -> int:
    """Index after the results that directly follow the message at *turn*."""
    end = turn + 1
    while end < len(messages) and messages[end].role == "tool":
        end += 1
    return end


def result_of(messages: Messages, site: Site) -> int | None:
    """Index of the result that answers the call at *site*."""
    for index in range(site.turn + 1, results_end(messages, site.turn)):
        if messages[index].tool_call_id == site.call.id:
            return index
    return None


def fresh_id(messages: Messages) -> str:
    """An id that no call has yet."""
    taken = {call.id for message in messages for call in message.tool_calls}
    taken |= {message.tool_call_id or "" for message in messages}
    number = len(taken)
    while f"call_{number}" in taken:
        number += 1
    return f"call_{number}"


def everything_in(trajectory: Trajectory) -> str:
    """All text of a trajectory and its tools, lower case: what is not in it is new."""
    parts = [message.content for message in trajectory.messages]
    parts += [call.arguments for m in trajectory.messages for call in m.tool_calls]
    parts += [tool.tool_json.decode() for tool in trajectory.scenario.tools]
    return "\n".join(parts).lower()


def before(messages: Messages, index: int) -> str:
    """What was said and returned before *index*, without calls; lower case."""
    return "\n".join(message.content for message in messages[:index]).lower()


def follows(number: float, given: Iterable[float]) -> bool:
    """Whether *number* is a sum, difference, product or quotient of two of those *given*."""
    known = {round(one, 2) for one in given if one}
    return any(
        round(other, 2) in known
        for one in known
        for other in (number - one, one - number, number + one, number / one, number * one)
    )


Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in *value* that is no list or object, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from leaves(inner, (*path, position))
    else:
        yield path, value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """*value* with *new* at *path*."""
    if not path:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def schema_at(schema: Any, path: Path) -> dict[str, Any]:
    """The schema of what is at *path*; empty where it is not told plainly."""
    for step in path:
        if not isinstance(schema, dict):
            return {}
        inner = schema.get("items") if isinstance(step, int) else schema.get("properties")
        schema = inner.get(step) if isinstance(inner, dict) and isinstance(step, str) else inner
    return schema if isinstance(schema, dict) else {}


def key_of(path: Path) -> str:
    """The last name in *path*."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def as_json(value: Any) -> str:
    return orjson.dumps(value).decode()
