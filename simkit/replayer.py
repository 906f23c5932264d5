"""Plays recorded conversations again from their own replies, and compares.

A conversation is a pure function of its scenario and the replies it gets, so the same code
and prompts must make the same bytes of the same replies; nothing is asked of any provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from simkit.agents.beginning import beginning_of
from simkit.agents.gate import IncoherentChain
from simkit.clients.recorded import RecordedCall, Tape
from simkit.compared_before import AsRecorded, dropped_as_recorded
from simkit.config import ROLES, RunConfig
from simkit.divergence import (
    Divergence,
    request_divergence,
    trajectory_divergence,
    verdict_divergence,
)
from simkit.filters.panel import UNAVAILABLE
from simkit.prompts import filling_in, package_prompts, prompts_from
from simkit.recording import RecordedConversation
from simkit.replay_cast import ReplayCast
from simkit.traces import rows
from simkit.traces.calls import ChatRequest
from simkit.traces.records import Provenance, Reason, Trajectory, Verdict

_MODELS_FAULT = frozenset({IncoherentChain.cause, *(f"{role}_unusable" for role in ROLES)})
"""Causes of failure that a replay comes to again; at all others a provider gave no reply."""

Sameness = Literal["identical", "no_reply", "diverged"]
"""``no_reply``: identical as far as it goes, which is to a call that no provider answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One conversation, played and judged again."""

    trajectory: Trajectory
    verdict: Verdict | None
    """On the stored trajectory, whatever came of the new one; None where none is stored."""
    calls: tuple[RecordedCall, ...]
    """Calls that were repeated, those of the judges last."""
    conversation: Sameness
    divergence: Divergence | None
    judgement: Sameness | None
    verdict_divergence: Divergence | None
    changed_prompts: frozenset[str]
    """Prompts that are not those of the run."""

    @property
    def is_identical(self) -> bool:
        """Whether neither the conversation nor its verdict diverged."""
        return "diverged" not in (self.conversation, self.judgement)


class Replayer:
    """Plays recorded conversations of a run with *config* again.

    Args:
        prompts: A folder of other prompts; None for those that come with simkit.
    """

    def __init__(self, config: RunConfig, prompts: Path | None) -> None:
        self._folder = prompts
        chosen = package_prompts() if prompts is None else prompts_from(prompts)
        self._cast = ReplayCast(config, chosen)
        self._before = None if prompts is None else Replayer(config, None)

    async def replay(
        self,
        recorded: RecordedConversation,
        *,
        explain: bool = True,
        explain_verdict: bool = True,
    ) -> Replayed:
        """Play and judge *recorded* again, and compare.

        The version of simkit is not compared, nor the hashes of prompts that were changed on
        purpose: what counts is what comes of them.

        Args:
            explain: Whether to find out, where other prompts lead to another request, how it
                differs from the recorded one; takes another replay.
            explain_verdict: The same for a request to a judge.

        Raises:
            PromptsError: A prompt cannot be filled in.

        A recorded reply that is damaged is a divergence.
        """
        played, judged = Tape(recorded.calls), Tape(recorded.calls)
        stored = recorded.stored.trajectory
        with filling_in(self._folder):
            new = await self._play(stored, played)
            verdict = await self._judge(recorded, judged)
        new, conversation, divergence = self._compare(recorded, new, played)
        verdict, judgement, objection = self._compare_verdicts(recorded, verdict, judged)
        if explain:
            divergence = await self._explained(recorded, divergence, played)
        if explain_verdict:
            objection = await self._explained(recorded, objection, judged)
        return Replayed(
            trajectory=new,
            verdict=verdict,
            calls=(*played.served(), *judged.served()),
            conversation=conversation,
            divergence=divergence,
            judgement=judgement,
            verdict_divergence=objection,
            changed_prompts=frozenset(_changed(recorded, new.provenance, verdict)),
        )

    async def _play(self, stored: Trajectory, tape: Tape) -> Trajectory:
        conversations = self._cast.conversations(tape, beginning_of(stored))
        return await conversations.play(stored.scenario)

    async def _judge(self, recorded: RecordedConversation, tape: Tape) -> Verdict | None:
        if recorded.stored.verdict is None:
            return None
        pipeline = self._cast.pipeline(tape, AsRecorded(recorded.stored.verdict))
        verdict = await pipeline.judge(recorded.stored.trajectory)
        return dropped_as_recorded(verdict, recorded.stored.verdict)

    def _compare(
        self, recorded: RecordedConversation, new: Trajectory, tape: Tape
    ) -> tuple[Trajectory, Sameness, Divergence | None]:
        """*new*, ended as it was recorded if that is all that differs; and the comparison."""
        ended_there = _ended_like(recorded.stored.trajectory, new, tape)
        if ended_there is not None and self._form(ended_there, recorded) == recorded.body:
            return ended_there, "no_reply", None
        divergence = trajectory_divergence(
            recorded.body, self._form(new, recorded), tape.first_miss
        )
        return new, ("identical" if divergence is None else "diverged"), divergence

    def _form(self, new: Trajectory, recorded: RecordedConversation) -> bytes:
        """*new* in its stored form, with what is not compared as it was recorded."""
        stored = recorded.stored.trajectory.provenance
        provenance = replace(new.provenance, simkit=stored.simkit)
        if self._folder is not None:
            provenance = replace(provenance, prompts=stored.prompts)
        # The functions are what was played with, so they keep the keys they are stored under.
        keys = rows.function_keys_of(recorded.body)
        row = rows.trajectory_row(replace(new, provenance=provenance), keys, 0.0)
        body: bytes = row["body"]
        return body

    def _compare_verdicts(
        self, recorded: RecordedConversation, new: Verdict | None, tape: Tape
    ) -> tuple[Verdict | None, Sameness | None, Divergence | None]:
        """As `_compare`; all None where no verdict is stored."""
        stored, body = recorded.stored.verdict, recorded.verdict_body
        if stored is None or body is None or new is None:
            return None, None, None
        if tape.ran_out:
            new = _with_causes_of(stored, new)
        compared = new
        if self._folder is not None and new.prompts:
            compared = replace(new, prompts=stored.prompts)
        divergence = verdict_divergence(
            recorded.number, body, rows.verdict_body(compared), tape.first_miss
        )
        if divergence is not None:
            return new, "diverged", divergence
        return new, ("no_reply" if tape.ran_out else "identical"), None

    async def _explained(
        self, recorded: RecordedConversation, divergence: Divergence | None, tape: Tape
    ) -> Divergence | None:
        """*divergence* with what is different about a request, where the prompts are the cause.

        Requests are not stored, but the prompts of the run make the recorded one again.
        """
        miss = tape.first_miss
        if (
            divergence is None
            or not divergence.field.startswith("request")
            or miss is None
            or miss.instead is None
            or self._before is None
        ):
            return divergence
        before = await self._before.requests(recorded)
        return request_divergence(miss, before.get(miss.instead.fingerprint))

    async def requests(self, recorded: RecordedConversation) -> Mapping[bytes, ChatRequest]:
        """Every request of the replay of *recorded* that has a recorded reply, by fingerprint."""
        tape = Tape(recorded.calls)
        await self._play(recorded.stored.trajectory, tape)
        await self._judge(recorded, tape)
        return tape.requests


def _ended_like(stored: Trajectory, new: Trajectory, tape: Tape) -> Trajectory | None:
    """*new*, ended for the reason that *stored* gives, where that is a call without a reply."""
    if stored.ended != "failed" or stored.cause in _MODELS_FAULT or not tape.ran_out:
        return None
    return replace(new, cause=stored.cause, error=stored.error)


def _with_causes_of(stored: Verdict, new: Verdict) -> Verdict:
    """*new*, saying like *stored* why no judge has answered, where both say that none has."""
    before = {turn.index: turn.reasons for turn in stored.turns}
    turns = (
        replace(turn, reasons=_with_messages_of(before.get(turn.index, ()), turn.reasons))
        for turn in new.turns
    )
    return replace(new, reasons=_with_messages_of(stored.reasons, new.reasons), turns=tuple(turns))


def _with_messages_of(stored: tuple[Reason, ...], new: tuple[Reason, ...]) -> tuple[Reason, ...]:
    if len(stored) != len(new):
        return new
    return tuple(
        old if old.check == reason.check == UNAVAILABLE else reason
        for old, reason in zip(stored, new, strict=True)
    )


def _changed(
    recorded: RecordedConversation, provenance: Provenance, verdict: Verdict | None
) -> set[str]:
    before = dict(recorded.stored.trajectory.provenance.prompts)
    now = dict(provenance.prompts)
    if verdict is not None and recorded.stored.verdict is not None and verdict.prompts:
        before |= recorded.stored.verdict.prompts
        now |= verdict.prompts
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
