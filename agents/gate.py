"""Asks a model whether a chain of functions is one that a person would need.

The paper checks edges only, and its released chains splice unrelated worlds (arXiv 2511.15718).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simkit.traces.calls import Completion, ruling_schema
from simkit.traces.one_line import one_line
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message, Scenario
from simkit.traces.voice import ReplyRejected, Voice, complete_text

_SAID = 300
"""Characters of a description that the model is shown."""
_PART = 1
"""Of the writer's calls about the whole; the intent is 0."""


class IncoherentChain(Exception):
    """A chain splices unrelated worlds; the message is the model's reason, one line."""

    cause = "incoherent_chain"


class ChainGate:
    """Keeps out chains that splice unrelated worlds, before anything is played."""

    def __init__(self, voice: Voice, prompts: PromptSet) -> None:
        if voice.temperature is None:
            voice = replace(voice, temperature=0.0)  # it should say the same thing twice
        self._voice = voice
        self._prompts = prompts

    async def check(self, scenario: Scenario) -> None:
        """Make sure that one person could need the chain of *scenario*.

        Raises:
            IncoherentChain: The model says that nobody would.
            ModelFailed: No usable ruling came back.
            ProviderError: The provider gave no reply.
        """
        by_name = {function.name: function for function in scenario.functions}
        chain = [
            {"name": name, "description": by_name[name].description[:_SAID]}
            for name in scenario.chain
        ]
        system = Message(role="system", content=self._prompts.render("chain_gate"))
        task = self._prompts.render("chain_gate_task", chain=chain)
        ruling = await self._voice.ask(
            scenario,
            (system, Message(role="user", content=task)),
            _ruling,
            turn=-1,
            part=_PART,
            reply_schema=REPLY,
            explain=True,
        )
        if not ruling.verdict:
            raise IncoherentChain(one_line(ruling.reason))


class _Ruling(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reason: Annotated[str, Field(min_length=1, max_length=4_000)]
    verdict: Annotated[int, Field(ge=0, le=1)]


def _ruling(completion: Completion) -> _Ruling:
    try:
        return _Ruling.model_validate_json(complete_text(completion))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = one_line(".".join(map(str, first["loc"])), limit=100) or "the reply"
        raise ReplyRejected(f"{place}: {first['msg']}") from error


REPLY = ruling_schema("chain_verdict")
