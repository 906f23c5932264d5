"""The tool agent: checks a call, then has the function run, or a model simulate it.

A wrong call never reaches a model: it gets a JSON error that names the cause, so that
mistakes and their repair become part of the data (arXiv 2511.15718, section on the tool
agent, where a model writes these errors; a check by rule is exact and costs nothing). Nor does
a call that was answered before, and whose answer nothing can have changed.

A function that really runs is asked through a voice as well, with the call as the only message;
what it answers is the result, whatever happened before, and nothing goes wrong on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from simkit.agents.faults import Faults, error_of, spoiled
from simkit.agents.intent import definition
from simkit.agents.world import World
from simkit.traces.arguments import argument_problem, schema_problem
from simkit.traces.calls import Completion
from simkit.traces.functions import Function
from simkit.traces.plans import FaultKind
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message, Scenario, ToolCall
from simkit.traces.shallow_json import parse_json
from simkit.traces.voice import ModelFailed, ReplyRejected, Voice, complete_text

EARLIER_CALLS = 30
"""How many earlier calls the simulating model is shown, latest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call."""

    message: Message
    """Answers the call."""
    fault: FaultKind | None = None
    """What went wrong on purpose."""

    def answering(self, call: ToolCall) -> Result:
        """The same result, as the answer to *call*."""
        return replace(self, message=replace(self.message, tool_call_id=call.id))


class ToolAgent:
    """Every function of one conversation; remembers what it returned.

    Args:
        faults: What goes wrong on purpose.
        real: Source of functions to the voice of what really runs them; all others are simulated.
    """

    def __init__(
        self,
        voice: Voice,
        prompts: PromptSet,
        scenario: Scenario,
        faults: Faults,
        real: Mapping[str, Voice],
    ) -> None:
        self._voice = voice
        self._real = real
        self._prompts = prompts
        self._scenario = scenario
        self._faults = faults
        self._functions = {tool.name: tool for tool in scenario.tools}
        self._system = Message(role="system", content=prompts.render("tool"))
        self._world = World()

    async def run(self, call: ToolCall, *, turn: int, part: int) -> Result:
        """The result of *call*.

        *turn* is the index of the assistant message that made the call and *part* the
        call's place in it. Calls of one message may run at the same time: they see the
        results of earlier messages only, so the order of replies does not matter.

        Raises:
            ProviderError: The provider gave no reply.
        """
        try:
            function, arguments = self._checked(call)
        except _WrongCall as wrong:
            return Result(message=result_message(call, error(wrong.kind, str(wrong))))
        if (voice := self._real.get(function.source)) is not None:
            result = await self._run(voice, function, arguments, turn=turn, part=part)
            return Result(message=result_message(call, result))
        known = self._world.known_answer(function.name, arguments)
        if known is not None:
            return Result(message=result_message(call, known))
        fault = self._fault(function, arguments, turn, part)
        if fault is not None and (told := error_of(fault)) is not None:
            return Result(message=result_message(call, error(*told)), fault=fault)
        result = await self._simulate(function, arguments, turn=turn, part=part)
        if fault is not None and not is_error(result):
            left = spoiled(fault, function, result)
            if left is not None:
                return Result(message=result_message(call, left), fault=fault)
        return Result(message=result_message(call, result))

    def remember(self, calls: tuple[ToolCall, ...], results: list[Message]) -> None:
        """Add the finished calls of one assistant message, in the order of the calls."""
        for call, message in zip(calls, results, strict=True):
            function = self._functions.get(call.name)
            try:
                arguments = call.parsed_arguments()
            except ValueError:
                continue
            result = orjson.loads(message.content)
            if function is None:
                continue
            if is_error(result):
                self._world.add_failure(call.name, arguments)
            else:
                self._world.add(function, arguments, result)

    def _fault(
        self, function: Function, arguments: dict[str, Any], turn: int, part: int
    ) -> FaultKind | None:
        # What failed is made again to get it done, and then it should be.
        if self._world.failed_last(function.name, arguments):
            return None
        return self._faults.draw(turn, part)

    def _checked(self, call: ToolCall) -> tuple[Function, dict[str, Any]]:
        function = self._functions.get(call.name)
        if function is None:
            raise _WrongCall(
                "unknown_function",
                f"there is no function {call.name}; there are: {', '.join(self._functions)}",
            )
        try:
            arguments = call.parsed_arguments()
        except ValueError as invalid:
            raise _WrongCall("invalid_arguments", str(invalid)) from invalid
        problem = argument_problem(function, arguments)
        if problem is not None:
            raise _WrongCall("invalid_arguments", problem.message)
        return function, arguments

    async def _run(
        self, voice: Voice, function: Function, arguments: dict[str, Any], *, turn: int, part: int
    ) -> dict[str, Any]:
        wanted = {"name": function.original_name or function.name, "arguments": arguments}
        return await voice.ask(
            self._scenario,
            (Message(role="user", content=orjson.dumps(wanted).decode()),),
            _given,
            turn=turn,
            part=part,
        )

    async def _simulate(
        self, function: Function, arguments: dict[str, Any], *, turn: int, part: int
    ) -> dict[str, Any]:
        task = self._prompts.render(
            "tool_call",
            function=definition(function),
            earlier=self._world.past[-EARLIER_CALLS:],
            call={"name": function.name, "arguments": arguments},
        )

        def parse(completion: Completion) -> dict[str, Any]:
            result = _returned(function, completion)
            if (problem := self._world.contradiction(arguments, result)) is not None:
                raise ReplyRejected(f"the result contradicts what was before: {problem}")
            return result

        try:
            return await self._voice.ask(
                self._scenario,
                (self._system, Message(role="user", content=task)),
                parse,
                turn=turn,
                part=part,
                explain=True,
            )
        except ModelFailed:
            return error("internal_error", "the function did not produce a valid result")


class _WrongCall(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def error(kind: str, message: str) -> dict[str, Any]:
    """The JSON of a failed call."""
    return {"error": {"type": kind, "message": message}}


def is_error(result: object) -> bool:
    """Whether a result says that the call failed."""
    return isinstance(result, dict) and "error" in result


def result_message(call: ToolCall, result: Any) -> Message:
    """The message that answers *call*."""
    return Message(role="tool", content=orjson.dumps(result).decode(), tool_call_id=call.id)


def _given(completion: Completion) -> dict[str, Any]:
    """What a function that really runs has given."""
    result = parse_json(completion.content)
    if not isinstance(result, dict):
        raise ReplyRejected("the result must be a JSON object")
    return result


def _returned(function: Function, completion: Completion) -> dict[str, Any]:
    text = complete_text(completion)
    # Not a regular expression: over a reply that opens the tag again and again, its time
    # would grow with the square of the length.
    _, _, opened = text.partition("<func_return>")
    inside, end, _ = opened.partition("</func_return>")
    if not end:
        raise ReplyRejected("the result must stand inside <func_return></func_return>")
    try:
        result = parse_json(inside)
    except ValueError as invalid:
        raise ReplyRejected(f"the result is not valid JSON: {invalid}") from invalid
    if not isinstance(result, dict):
        raise ReplyRejected("the result must be a JSON object")
    if is_error(result):
        _check_error(result["error"])
    elif function.outputs is not None:
        problem = schema_problem(function.outputs, result)
        if problem is not None:
            raise ReplyRejected(f"the result breaks the output schema: {problem.message}")
    return result


def _check_error(told: Any) -> None:
    """An error has to name its cause, or nothing can be learnt from it."""
    if not isinstance(told, dict) or not all(
        isinstance(told.get(part), str) and told[part].strip() for part in ("type", "message")
    ):
        raise ReplyRejected('an error must be {"error": {"type": "...", "message": "..."}}')
