"""One conversation: user, assistant and tool agents joined until the user is done.

The loop is the paper's (arXiv 2511.15718): user, then assistant, then calls and results
until the assistant answers in text, then the user again. A conversation is a pure
function of its scenario and the replies it gets; it reads no clock and opens no socket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import orjson

from simkit.agents.assistant import AssistantAgent
from simkit.agents.beginning import Beginning, steps
from simkit.agents.faults import Faults
from simkit.agents.gate import ChainGate, IncoherentChain
from simkit.agents.guard import UserGuard
from simkit.agents.heard import Heard, Listening
from simkit.agents.intent import IntentWriter
from simkit.agents.limits import LimitReached, Limits
from simkit.agents.origin import provenance_of, trajectory_id
from simkit.agents.reasoner import ReasonedAssistant
from simkit.agents.tool import Result, ToolAgent, error, is_error, result_message
from simkit.agents.user import Farewell, UserAgent
from simkit.traces.plans import Fault
from simkit.traces.prompts import PromptSet
from simkit.traces.provider_errors import AccountProblem, ProviderError
from simkit.traces.records import (
    Ended,
    Intent,
    Message,
    Scenario,
    ToolCall,
    Trajectory,
)
from simkit.traces.voice import ModelFailed, Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays which role."""

    writer: Voice
    user: Voice
    assistant: Voice
    tool: Voice
    reasoner: Voice | None = None
    """Answers for the assistant again, with its reasoning; see `simkit.agents.reasoner`."""
    real: Mapping[str, Voice] = field(default_factory=dict)
    """Source of functions to the voice of what really runs them; *tool* plays all others."""

    def voices(self) -> tuple[Voice, ...]:
        """Those of models, in a fixed order."""
        voices = (self.writer, self.user, self.assistant, self.tool, self.reasoner)
        return tuple(voice for voice in voices if voice is not None)

    def noting(self, heard: Heard) -> Cast:
        """The same cast, noting in *heard* what its replies say about themselves."""

        def listening(voice: Voice) -> Voice:
            return replace(voice, client=Listening(voice.client, heard))

        by_role: dict[str, Any] = {voice.role: listening(voice) for voice in self.voices()}
        real = {source: listening(voice) for source, voice in self.real.items()}
        return Cast(**by_role, real=real)


Assistant = AssistantAgent | ReasonedAssistant


class Conversations:
    """Plays scenarios, any number at the same time.

    Args:
        beginning: What every conversation goes on from; None: each begins at its beginning.
        fault_rate: Share of calls that go wrong on purpose, see `simkit.agents.faults`.
        gated: Whether the writer's model must find a chain coherent first; not where there is
            a *beginning*, whose chain has been played.
    """

    def __init__(
        self,
        cast: Cast,
        prompts: PromptSet,
        limits: Limits,
        *,
        run_seed: int,
        beginning: Beginning | None = None,
        fault_rate: float = 0.0,
        gated: bool = False,
    ) -> None:
        self._cast = cast
        self._prompts = prompts
        self._limits = limits
        self._run_seed = run_seed
        self._beginning = beginning
        self._fault_rate = fault_rate
        self._parent = None if beginning is None else beginning.parent
        self._is_gated = gated and beginning is None

    async def play(self, scenario: Scenario) -> Trajectory:
        """Play *scenario* to its end and return what happened, also when it failed.

        Raises:
            AccountProblem: No call can succeed until a person acts.

        Cancelling drops the conversation; replies that were recorded stay recorded.
        """
        heard = Heard()
        cast = self._cast.noting(heard)
        stage = _Stage(
            scenario, cast, self._prompts, self._limits, self._beginning, self._fault_rate
        )
        ended: Ended = "user_done"
        cause = message = None
        try:
            if self._is_gated:
                await ChainGate(cast.writer, self._prompts).check(scenario)
            ended = await stage.play()
        except AccountProblem:  # not this conversation's failure: the whole run must stop
            raise
        except LimitReached as limit:
            ended, cause = "limit", str(limit)
        except (IncoherentChain, ModelFailed, ProviderError) as failure:
            ended, cause, message = "failed", failure.cause, str(failure)
        return Trajectory(
            id=trajectory_id(self._run_seed, scenario, self._parent),
            scenario=scenario,
            intent=stage.intent,
            messages=tuple(stage.messages),
            ended=ended,
            cause=cause,
            error=message,
            provenance=provenance_of(
                scenario, cast.voices(), heard, self._prompts, self._run_seed, self._parent
            ),
            faults=tuple(stage.faults),
            reasked=dict(sorted(stage.reasked.items())),
        )


class _Stage:
    """One conversation while it is played."""

    def __init__(
        self,
        scenario: Scenario,
        cast: Cast,
        prompts: PromptSet,
        limits: Limits,
        beginning: Beginning | None,
        fault_rate: float,
    ) -> None:
        self._scenario = scenario
        self._fault_rate = fault_rate
        self._cast = cast
        self._prompts = prompts
        self._limits = limits
        self._errors_in_a_row = 0
        self._characters = 0
        self.reasked: Counter[str] = Counter()
        """What the guard of the user has refused so far."""
        self.faults: list[Fault] = [] if beginning is None else list(beginning.faults)
        """What has gone wrong in tools on purpose."""
        self.intent: Intent | None = None if beginning is None else beginning.intent
        self.messages: list[Message] = [] if beginning is None else list(beginning.messages)

    async def play(self) -> Farewell:
        """Play until the user takes their leave.

        Raises:
            LimitReached: A limit cut it off.
            ModelFailed, ProviderError: It cannot go on.
        """
        if self.intent is None:
            writer = IntentWriter(self._cast.writer, self._prompts)
            self.intent = await writer.write(self._scenario)
        guard = UserGuard(self._scenario, self.intent, most=self._limits.max_user_reasks)
        self.reasked = guard.reasked
        user = UserAgent(self._cast.user, self._prompts, self._scenario, self.intent, guard)
        assistant = self._assistant()
        faults = Faults(self._scenario.seed, self._fault_rate)
        cast = self._cast
        tool = ToolAgent(cast.tool, self._prompts, self._scenario, faults, cast.real)
        if self.messages:
            await self._go_on(user, assistant, tool)
        while True:
            said = await user.speak(len(self.messages))
            if said.farewell is not None:
                return said.farewell
            self._add(Message(role="user", content=said.text))
            user.hear(await self._answer(assistant, tool))

    def _assistant(self) -> Assistant:
        first = AssistantAgent(self._cast.assistant, self._prompts, self._scenario)
        if self._cast.reasoner is None:
            return first
        second = AssistantAgent(self._cast.reasoner, self._prompts, self._scenario)
        return ReasonedAssistant(first, second)

    async def _go_on(self, user: UserAgent, assistant: Assistant, tool: ToolAgent) -> None:
        """Let everyone recall what was before, and the assistant answer if that is its turn.

        What was before counts towards the limits.
        """
        rounds = 0
        for step in steps(self.messages):
            if step.message.role == "user":
                user.recall(step.message.content)
                rounds = 0
            elif step.is_answer:
                user.hear(step.message.content)
            else:
                tool.remember(step.message.tool_calls, step.results)
                self._count_errors(step.results)
                rounds += 1
        if self.messages[-1].role != "assistant":
            user.hear(await self._answer(assistant, tool, rounds))

    async def _answer(self, assistant: Assistant, tool: ToolAgent, rounds: int = 0) -> str:
        """Let the assistant work until it answers in text; *rounds* of calls were before."""
        for _ in range(rounds, self._limits.max_tool_rounds + 1):
            turn = len(self.messages)
            message = await assistant.answer(self.messages)
            self._add(message)
            if not message.tool_calls:
                return message.content
            results = await self._results(tool, message.tool_calls, turn)
            for result in results:
                self._add(result.message)
                if result.fault is not None:
                    self.faults.append(Fault(message=len(self.messages) - 1, kind=result.fault))
            self._count_errors([result.message for result in results])
        raise LimitReached("tool_round_limit")

    async def _results(
        self, tool: ToolAgent, calls: tuple[ToolCall, ...], turn: int
    ) -> list[Result]:
        """Run the calls of one message at the same time; results in the order of the calls.

        Raises:
            ProviderError: Of several, always the same one, whichever came first: an
                `AccountProblem`, which stops the run, else that of the earliest call.
        """
        allowed = self._limits.max_calls_per_turn
        results = {part: _too_many(call, allowed) for part, call in enumerate(calls)}
        firsts = {(call.name, call.arguments): part for part, call in reversed([*enumerate(calls)])}
        failures: dict[int, ProviderError] = {}

        async def run(part: int, call: ToolCall) -> None:
            try:
                results[part] = await tool.run(call, turn=turn, part=part)
            except ProviderError as failure:
                failures[part] = failure
                if isinstance(failure, AccountProblem):  # the other calls cannot succeed
                    group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for part, call in enumerate(calls[:allowed]):
                if firsts[call.name, call.arguments] == part:
                    group.start_soon(run, part, call)
        if failures:
            raise min(failures.items(), key=_by_weight)[1]
        for part, call in enumerate(calls[:allowed]):  # the same call, the same answer
            results[part] = results[firsts[call.name, call.arguments]].answering(call)
        in_order = [results[part] for part in range(len(calls))]
        tool.remember(calls, [result.message for result in in_order])
        return in_order

    def _count_errors(self, results: list[Message]) -> None:
        for result in results:
            failed = is_error(orjson.loads(result.content))
            self._errors_in_a_row = self._errors_in_a_row + 1 if failed else 0
        if self._errors_in_a_row > self._limits.max_errors:
            raise LimitReached("error_limit")

    def _add(self, message: Message) -> None:
        if len(self.messages) >= self._limits.max_messages:
            raise LimitReached("message_limit")
        self._characters += len(message.wire)
        if self._characters > self._limits.max_characters:
            raise LimitReached("character_limit")
        self.messages.append(message)


def _by_weight(failure: tuple[int, ProviderError]) -> tuple[bool, int]:
    part, error = failure
    return not isinstance(error, AccountProblem), part


def _too_many(call: ToolCall, allowed: int) -> Result:
    message = f"at most {allowed} calls may be made at once"
    return Result(message=result_message(call, error("too_many_calls", message)))
