"""Mistakes of known kinds, put into conversations that have none: what filters are tried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simkit.filters.corruptions import arguments, calls, prose, values
from simkit.filters.corruptions.edit import Corruption, Draw
from simkit.traces.one_line import one_line
from simkit.traces.records import Trajectory

KINDS: Mapping[str, Corruption] = {
    corruption.__name__: corruption
    for corruption in (
        arguments.wrong_type,
        arguments.missing_argument,
        arguments.unknown_argument,
        arguments.bad_enum,
        arguments.bad_format,
        arguments.unknown_function,
        calls.unpaired_result,
        calls.duplicate_call,
        prose.role_drift_user,
        prose.role_drift_assistant,
        prose.role_drift_tool,
        values.ungrounded_id,
        values.ungrounded_amount,
        values.ungrounded_name,
        values.ungrounded_email,
        values.invented_date,
        calls.premature_call,
        calls.skipped_question,
        calls.contradictory_repeat,
        prose.unbacked_claim,
        prose.misreported_result,
        prose.leaked_token,
        prose.call_in_prose,
        prose.language_switch,
        prose.truncated_turn,
        prose.empty_turn,
        prose.repetition,
        prose.secret,
    )
}
"""Every kind of mistake, by name, in the order in which tables list them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupted:
    """A trajectory with one mistake in it, and where that is."""

    trajectory: Trajectory
    kind: str
    turns: tuple[int, ...]
    """Where the mistake shows, as message indexes; an objection to any of them, or to the whole,
    has found it."""
    untouched: int
    """The messages before this index are as they were."""
    changed: str
    """One line for people."""


def corrupted(trajectory: Trajectory, kind: str, draw: Draw) -> Corrupted | None:
    """*trajectory* with one mistake of *kind*, a key of `KINDS`; None where it has no place for it.

    In every other respect it stays as well-formed as it was: ids are unique and results stay
    with their calls unless that is the mistake. The same stream gives the same mistake.
    """
    edit = KINDS[kind](trajectory, draw)
    if edit is None:
        return None
    return Corrupted(
        trajectory=replace(trajectory, messages=edit.messages),
        kind=kind,
        turns=edit.turns,
        untouched=_first_difference(trajectory, edit.messages),
        changed=one_line(edit.changed),
    )


def _first_difference(trajectory: Trajectory, messages: tuple[object, ...]) -> int:
    pairs = zip(trajectory.messages, messages, strict=False)
    return next(
        (index for index, (was, is_now) in enumerate(pairs) if was != is_now),
        min(len(messages), len(trajectory.messages)),
    )
