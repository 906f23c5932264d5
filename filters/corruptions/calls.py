"""Calls that should not have been made then, or not again, and results out of place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simkit.filters.corruptions.edit import (
    Draw,
    Edit,
    Messages,
    Site,
    as_json,
    before,
    fresh_id,
    key_of,
    leaves,
    put,
    replaced,
    result_of,
    results_end,
    sites,
    spoken,
)
from simkit.filters.corruptions.values import invented
from simkit.filters.tool_results import error_in
from simkit.traces.records import Message, Trajectory
from simkit.traces.shallow_json import parse_json


def unpaired_result(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A call without its result, or a result that no call asked for."""
    messages = trajectory.messages
    answered = [
        (site, at)
        for site in sites(trajectory)
        if (at := result_of(messages, site)) is not None and at + 1 < len(messages)
    ]
    if not answered:
        return None
    site, at = draw.choice(answered)
    if draw.random() < 0.5:
        return Edit(
            messages=put(messages, at),
            turns=(site.turn,),
            changed=f"the result of {site.call.name} is missing",
        )
    stray = replace(messages[at], tool_call_id=fresh_id(messages))
    return Edit(
        messages=put(messages, at, messages[at], stray),
        turns=(site.turn, at + 1),
        changed="a second result, with the id of no call",
    )


def duplicate_call(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A call that was answered is made again, at once or in the same message."""
    found = _answered(trajectory)
    if not found:
        return None
    site, result = draw.choice(found)
    if draw.random() < 0.5:
        return _again(trajectory, site, result)
    messages = trajectory.messages
    call = replace(site.call, id=fresh_id(messages))
    message = messages[site.turn]
    twice = replace(message, tool_calls=(*message.tool_calls, call))
    end = results_end(messages, site.turn)
    changed = (
        *messages[: site.turn],
        twice,
        *messages[site.turn + 1 : end],
        replace(result, tool_call_id=call.id),
        *messages[end:],
    )
    return Edit(
        messages=changed,
        turns=(site.turn,),
        changed=f"{site.call.name} is called twice in one message",
    )


def contradictory_repeat(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A call is made again, and its result says something else."""
    found = [
        (site, result, other)
        for site, result in _answered(trajectory)
        if (other := _other_result(result.content, draw)) is not None
    ]
    if not found:
        return None
    site, result, other = draw.choice(found)
    return _again(trajectory, site, replace(result, content=other))


def premature_call(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A call is made before the user was asked for what it needs."""
    messages = trajectory.messages
    found = [
        (asking, site, path, result)
        for site, result in _answered(trajectory)
        for asking in _questions(messages)
        if asking < site.turn
        for path in _not_told(messages, site, asking)
    ]
    if not found:
        return None
    asking, site, path, result = draw.choice(found)
    key = key_of(path)
    values = ("unknown", f"<{key}>", f"your_{key}", "N/A", "")
    value: str | None = draw.choice(values) if draw.random() < 0.5 else None
    arguments = site.arguments if value is None else replaced(site.arguments, path, value)
    call = replace(site.call, id=fresh_id(messages), arguments=as_json(arguments))
    return Edit(
        messages=put(
            messages,
            asking,
            Message(role="assistant", tool_calls=(call,)),
            replace(result, tool_call_id=call.id),
            messages[asking],
        ),
        turns=(asking,),
        changed=f"{call.name} is called before {key} is known, with {value or 'a guess'!r}",
    )


def skipped_question(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """Question and answer are left out, and the call has a value that was made up."""
    messages = trajectory.messages
    found = []
    for site, _ in _answered(trajectory):
        asking = site.turn - 2
        if asking in _questions(messages) and messages[asking + 1].role == "user" and asking > 1:
            found += [(site, path) for path in _not_told(messages, site, asking)]
    draw.shuffle(found)
    for site, path in found:
        value = next(value for at, value in leaves(site.arguments) if at == path)
        made_up = invented(key_of(path), value, draw)
        if made_up is None or str(made_up).lower() in before(messages, site.turn):
            continue
        call = replace(site.call, arguments=as_json(replaced(site.arguments, path, made_up)))
        calls = messages[site.turn].tool_calls
        calls = (*calls[: site.position], call, *calls[site.position + 1 :])
        return Edit(
            messages=(
                *messages[: site.turn - 2],
                replace(messages[site.turn], tool_calls=calls),
                *messages[site.turn + 1 :],
            ),
            turns=(site.turn - 2,),
            changed=f"{call.name} with {key_of(path)} {made_up!r}, which was never asked for",
        )
    return None


def _answered(trajectory: Trajectory) -> list[tuple[Site, Message]]:
    """Calls with their results, save errors and results that end the conversation."""
    messages = trajectory.messages
    return [
        (site, messages[at])
        for site in sites(trajectory)
        if (at := result_of(messages, site)) is not None
        and results_end(messages, site.turn) < len(messages)
        and error_in(messages[at]) is None
    ]


def _again(trajectory: Trajectory, site: Site, result: Message) -> Edit:
    """The call of *site* made once more, directly after its results, and then *result*."""
    messages = trajectory.messages
    end = results_end(messages, site.turn)
    call = replace(site.call, id=fresh_id(messages))
    once_more = (
        Message(role="assistant", tool_calls=(call,)),
        replace(result, tool_call_id=call.id),
    )
    return Edit(
        messages=(*messages[:end], *once_more, *messages[end:]),
        turns=(end,),
        changed=f"{call.name} is called again, and gives {result.content[:80]!r}",
    )


def _other_result(content: str, draw: Draw) -> str | None:
    """A result of the same form in which one value is another one."""
    try:
        value = parse_json(content)
    except ValueError:
        return None
    if not isinstance(value, dict | list):
        return None
    places = list(leaves(value))
    draw.shuffle(places)
    for path, leaf in places:
        new = _other_value(key_of(path), leaf, draw)
        if new is not None and new != leaf:
            return as_json(replaced(value, path, new))
    return None


def _other_value(key: str, value: Any, draw: Draw) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.randint(1, 9)
    if isinstance(value, float):
        return round(value * 1.2 + 1, 2)
    return invented(key, value, draw)


def _questions(messages: Messages) -> list[int]:
    """Turns in which the assistant asks the user something."""
    return [index for index in spoken(messages) if "?" in messages[index].content]


def _not_told(messages: Messages, site: Site, asking: int) -> list[tuple[str | int, ...]]:
    """Where the call at *site* has a text that the user says after the turn *asking* only."""
    earlier = before(messages, asking)
    answer = "\n".join(
        message.content.lower()
        for message in messages[asking : site.turn]
        if message.role == "user"
    )
    return [
        path
        for path, value in leaves(site.arguments)
        if isinstance(value, str)
        and len(value) > 2
        and value.lower() not in earlier
        and value.lower() in answer
    ]
