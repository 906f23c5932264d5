"""Model judges: one ruling on a whole conversation, or on one assistant turn of it.

The two stages and their criteria follow ToolMind (arXiv 2511.15718): the first drops
conversations, the second masks turns. The rules are a system message, the same for every
conversation; what is judged follows in a user message, as data (see `evidence`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from simkit.filters.evidence import Evidence
from simkit.traces.calls import Completion, ruling_schema
from simkit.traces.one_line import one_line
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message
from simkit.traces.voice import ReplyRejected, Voice

PROMPTS = Path(__file__).parent / "prompts"
"""The folder of the judges' prompts."""

_STATED_VERDICT = re.compile(r"\bverdict\b[\"'*]*\s*(?::|=|is\b)\s*[\"'*]*([01])\b", re.IGNORECASE)


class Ruling(NamedTuple):
    """What a judge says."""

    ok: bool
    reason: str
    """One line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who judged, by which rules; part of a verdict."""

    model: str
    prompt: str
    prompt_hash: str


class _Examiner:
    """One prompt's rules, and the model that applies them."""

    def __init__(
        self, voice: Voice, prompts: PromptSet, *, prompt: str, reply: str, part: int
    ) -> None:
        self._voice = voice
        self._part = part
        self._rules = Message(role="system", content=prompts.render(prompt))
        self._reply = ruling_schema(reply)
        self.signature = Signature(
            model=voice.client.model, prompt=prompt, prompt_hash=prompts.hashes[prompt]
        )

    async def rule(self, evidence: Evidence, shown: str, *, turn: int) -> Ruling:
        return await self._voice.ask(
            evidence.trajectory.scenario,
            (self._rules, Message(role="user", content=shown)),
            _ruling,
            turn=turn,
            part=self._part,
            reply_schema=self._reply,
            explain=True,  # at temperature 0 the same question tends to get the same reply
        )


class TrajectoryJudge:
    """Rules on whole conversations: does this one serve its intent, and hold together?

    Args:
        voice: The model that judges; best not the one that played.
        prompts: Must hold ``trajectory_judge``, the rules.
        part: Its number in a panel, from 0.
    """

    def __init__(self, voice: Voice, prompts: PromptSet, *, part: int = 0) -> None:
        self._examiner = _Examiner(
            voice, prompts, prompt="trajectory_judge", reply="trajectory_verdict", part=part
        )
        self.signature = self._examiner.signature

    async def judge(self, evidence: Evidence) -> Ruling:
        """Whether to keep the trajectory, and why.

        Raises:
            ModelFailed: No reply was a ruling.
            ProviderError: From the client.
        """
        return await self._examiner.rule(evidence, evidence.whole(), turn=-1)


class TurnJudge:
    """Rules on single assistant turns: is this one worth being trained on?

    Args:
        voice: The model that judges; best not the one that played.
        prompts: Must hold ``turn_judge``, the rules.
        part: Its number in a panel, from 0.
    """

    def __init__(self, voice: Voice, prompts: PromptSet, *, part: int = 0) -> None:
        self._examiner = _Examiner(
            voice, prompts, prompt="turn_judge", reply="turn_verdict", part=part
        )
        self.signature = self._examiner.signature

    async def judge(self, evidence: Evidence, index: int) -> Ruling:
        """Whether to train on message *index*, given all before it and nothing after.

        Raises:
            ModelFailed: No reply was a ruling.
            ProviderError: From the client.
        """
        return await self._examiner.rule(evidence, evidence.turn(index), turn=index)


def _ruling(completion: Completion) -> Ruling:
    """Read a judge's reply, or raise `ReplyRejected`."""
    try:
        value = json.loads(completion.content, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise ReplyRejected("it is not valid JSON") from error
    if not isinstance(value, dict) or value.keys() != {"reason", "verdict"}:
        raise ReplyRejected('it is not an object with exactly the keys "reason" and "verdict"')
    reason, verdict = value["reason"], value["verdict"]
    if type(verdict) is not int or verdict not in (0, 1):
        raise ReplyRejected('its "verdict" is neither 0 nor 1')
    if not isinstance(reason, str) or not reason.strip():
        raise ReplyRejected('its "reason" says nothing')
    stated = _STATED_VERDICT.findall(reason)
    if stated and int(stated[-1]) != verdict:
        raise ReplyRejected('it contradicts itself: its "reason" names the other verdict')
    return Ruling(ok=verdict == 1, reason=one_line(reason, limit=500))


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ReplyRejected("it contradicts itself: it has a key twice")
    return value
