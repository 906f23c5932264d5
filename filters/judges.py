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
from simkit.filters.one_line import one_line
from simkit.traces.calls import CallSite, ChatClient, ChatRequest, ReplySchema
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message
from simkit.traces.seeds import derive_seed

PROMPTS = Path(__file__).parent / "prompts"
"""The folder of the judges' prompts."""

ASKS = 3
"""How often a judge is asked before it counts as undecided."""

_RULING_SCHEMA = {
    "type": "object",
    # The reason first: a model that has to explain before it rules, rules better.
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "integer", "enum": [0, 1]},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}

_STATED_VERDICT = re.compile(r"\bverdict\b[\"'*]*\s*(?::|=|is\b)\s*[\"'*]*([01])\b", re.IGNORECASE)


class Ruling(NamedTuple):
    """What a judge says."""

    ok: bool
    reason: str
    """One line."""


class Undecided(Exception):
    """A judge was asked `ASKS` times and never gave a ruling; the message says what it gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeVoice:
    """The model that judges, and how it is sampled."""

    client: ChatClient
    temperature: float = 0.0
    max_output_tokens: int | None = None


class TrajectoryJudge:
    """Rules on whole conversations: does this one serve its intent, and hold together?

    Args:
        voice: The model that judges; best not the one that played.
        prompts: Must hold ``trajectory_judge``, the rules.
    """

    def __init__(self, voice: JudgeVoice, prompts: PromptSet) -> None:
        self._voice = voice
        self._rules = Message(role="system", content=prompts.render("trajectory_judge"))
        self._reply = ReplySchema(name="trajectory_verdict", schema=_RULING_SCHEMA)

    async def judge(self, evidence: Evidence) -> Ruling:
        """Whether to keep the trajectory, and why.

        Raises:
            Undecided: No reply was a ruling.
            ProviderError: From the client.
        """
        return await _ask(
            self._voice, self._rules, self._reply, evidence, turn=-1, shown=evidence.whole()
        )


class TurnJudge:
    """Rules on single assistant turns: is this one worth being trained on?

    Args:
        voice: The model that judges; best not the one that played.
        prompts: Must hold ``turn_judge``, the rules.
    """

    def __init__(self, voice: JudgeVoice, prompts: PromptSet) -> None:
        self._voice = voice
        self._rules = Message(role="system", content=prompts.render("turn_judge"))
        self._reply = ReplySchema(name="turn_verdict", schema=_RULING_SCHEMA)

    async def judge(self, evidence: Evidence, index: int) -> Ruling:
        """Whether to train on message *index*, given all before it and nothing after.

        Raises:
            Undecided: No reply was a ruling.
            ProviderError: From the client.
        """
        return await _ask(
            self._voice, self._rules, self._reply, evidence, turn=index, shown=evidence.turn(index)
        )


async def _ask(
    voice: JudgeVoice,
    rules: Message,
    reply: ReplySchema,
    evidence: Evidence,
    *,
    turn: int,
    shown: str,
) -> Ruling:
    scenario = evidence.trajectory.scenario
    fault = ""
    for ask in range(ASKS):
        request = ChatRequest(
            site=CallSite(scenario=scenario.number, role="judge", turn=turn, ask=ask),
            messages=(rules, Message(role="user", content=shown + _complaint(fault))),
            reply_schema=reply,
            temperature=voice.temperature,
            max_output_tokens=voice.max_output_tokens,
            seed=derive_seed(scenario.seed, "judge", turn, ask) % 2**31,
        )
        answer = await voice.client.complete(request)
        try:
            return _ruling(answer.completion.content)
        except _NoRuling as error:
            fault = str(error)
    place = "the conversation" if turn < 0 else f"message {turn}"
    raise Undecided(f"{ASKS} replies of the judge of {place} were no ruling; the last {fault}")


def _complaint(fault: str) -> str:
    """Names the fault, as the same question at temperature 0 tends to get the same reply.

    It never quotes the reply, which is a model's text and may hold anything.
    """
    if not fault:
        return ""
    return (
        f"\n\nAn earlier reply to this could not be used: it {fault}. "
        "Reply with the JSON object alone."
    )


class _NoRuling(Exception):
    """A reply is no ruling; the message completes the sentence "the reply ..."."""


def _ruling(content: str) -> Ruling:
    """Read a judge's reply, or raise `_NoRuling`."""
    try:
        value = json.loads(content, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise _NoRuling("is not valid JSON") from error
    if not isinstance(value, dict) or value.keys() != {"reason", "verdict"}:
        raise _NoRuling('is not an object with exactly the keys "reason" and "verdict"')
    reason, verdict = value["reason"], value["verdict"]
    if type(verdict) is not int or verdict not in (0, 1):
        raise _NoRuling('has a "verdict" that is neither 0 nor 1')
    if not isinstance(reason, str) or not reason.strip():
        raise _NoRuling('has a "reason" that says nothing')
    stated = _STATED_VERDICT.findall(reason)
    if stated and int(stated[-1]) != verdict:
        raise _NoRuling('contradicts itself: its "reason" names the other verdict')
    return Ruling(ok=verdict == 1, reason=one_line(reason, limit=500))


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NoRuling("contradicts itself: it has a key twice")
    return value
