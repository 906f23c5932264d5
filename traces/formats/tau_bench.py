"""Results of tau-bench: conversations in the form of chat completions, under ``traj``."""

from __future__ import annotations

from typing import Any

from simkit.traces.formats.chat_messages import read_messages
from simkit.traces.formats.foreign_row import ForeignRow, id_of

STOP = "###STOP###"
"""What the simulated user says to end a conversation."""

STOP_LEFT_OUT = f"the user's last message, which ends the conversation with {STOP}, was left out"
ENDS_WITH_RESULT = "ends with a result, as tau-bench ends what is handed over to a person"


def read(row: dict[str, Any]) -> ForeignRow:
    """The conversation in *row*, under ``traj`` or ``messages``.

    Its id is ``id``, or else task and trial, e.g. ``"12/0"``. The benchmark ends
    conversations in two ways of its own: the user says `STOP`, in a last message that nobody
    answers and that is left out here; or a call ends them and its result is the last
    message, which leaves the row open.

    Raises:
        UnreadableRow: It is not in this format.
    """
    found = read_messages(row, "traj" if "traj" in row else "messages")
    result = ForeignRow(messages=found, tools=row.get("tools"), id=_id(row))
    last = found[-1]
    if last.role == "user" and STOP in last.content and len(found) > 1:
        found.pop()
        result.notes.append(STOP_LEFT_OUT)
    elif last.role == "tool":
        result.is_open = True
        result.notes.append(ENDS_WITH_RESULT)
    return result


def _id(row: dict[str, Any]) -> str | int | None:
    task, trial = row.get("task_id"), row.get("trial")
    known = id_of(row)
    if known is None and type(task) is int and type(trial) is int:
        return f"{task}/{trial}"
    return known
