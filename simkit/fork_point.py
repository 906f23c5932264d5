"""Where a stored conversation can be continued, and what it is continued with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from simkit.agents.beginning import Beginning, faults_before, steps
from simkit.traces.records import Message, Parent, Trajectory


class ForkError(Exception):
    """A conversation cannot be continued as asked; one line that says why and what to do."""


def fork_point(
    trajectory: Trajectory, run: str, turn: int, user_says: str | None = None
) -> Beginning:
    """What continues *trajectory* of the run named *run* with another message *turn*.

    Args:
        turn: Index of the first message that is made anew; the number of all messages adds to
            the conversation.
        user_says: What the user says in that message; None has a model say it.

    Raises:
        ForkError: *turn* is beyond the conversation, or between a call and its result, or not
            the user's where *user_says* is given; it names the turns that are possible.
    """
    name = f"conversation {trajectory.scenario.number} of {run}"
    if trajectory.intent is None:
        raise ForkError(
            f"{name} failed before its user had an intent, so there is nothing to go on from; "
            "choose another conversation"
        )
    messages = trajectory.messages
    possible = dict(_possible(messages))
    if turn not in possible:
        raise ForkError(
            f"{name} cannot go on at {turn}: {_obstacle(messages, turn)}; "
            f"possible are {_listed(possible)}"
        )
    if user_says is not None:
        _check_said(user_says)
        users = [index for index, is_users in possible.items() if is_users]
        if turn not in users:
            raise ForkError(
                f"{name}: message {turn} is the assistant's, and cannot be what the user says; "
                f"possible are {_listed(users)}"
            )
    said = () if user_says is None else (Message(role="user", content=user_says.strip()),)
    return Beginning(
        intent=trajectory.intent,
        messages=(*messages[:turn], *said),
        parent=Parent(
            run=run,
            conversation=trajectory.scenario.number,
            id=trajectory.id,
            turn=turn,
            user_said=user_says is not None,
            notice=trajectory.provenance.notice,
        ),
        faults=faults_before(turn, trajectory),
    )


def _possible(messages: Sequence[Message]) -> Iterator[tuple[int, bool]]:
    """Each index where a conversation can go on, and whether the user speaks there."""
    yield 0, True
    index = 0
    for step in steps(messages):
        index += 1 + len(step.results)
        if step.is_whole:
            yield index, step.is_answer


def _obstacle(messages: Sequence[Message], turn: int) -> str:
    if turn > len(messages):
        return f"it has {len(messages)} messages, and the next would be {len(messages)}"
    if turn < 0:
        return "messages are counted from 0"
    return "that is between calls and their results"


def _listed(turns: Iterable[int]) -> str:
    """*turns*, which ascend, with runs of them as ranges."""
    ranges: list[list[int]] = []
    for turn in turns:
        if ranges and ranges[-1][-1] == turn - 1:
            ranges[-1][1:] = [turn]
        else:
            ranges.append([turn])
    return ", ".join("-".join(map(str, ends)) for ends in ranges)


def _check_said(text: str) -> None:
    if not text.strip():
        raise ForkError("--user-says is empty; say something, or leave it out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ForkError("--user-says is not UTF-8 text; write it anew") from None
