"""Asks a model for what catalogs leave out.

After ToolMind (arXiv 2511.15718, section 3.1), where a model writes the descriptions and
types of all inputs and outputs. Here only what is missing is asked for, several functions at
a time, and what the catalog says stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import ValidationError

from simkit.graph.completion.batches import Batch, Incomplete
from simkit.graph.completion.reply import REPLY, FunctionAnswer, completed
from simkit.traces.calls import Completion
from simkit.traces.functions import Function
from simkit.traces.one_line import one_line
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message, Scenario
from simkit.traces.seeds import derive_seed
from simkit.traces.voice import ModelFailed, ReplyRejected, Voice, complete_text

_QUOTED_COMPLAINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCompletion:
    """What became of the functions of a batch."""

    functions: tuple[Function, ...]
    """Those that were completed, in the order of the batch."""
    complaint: str = ""
    """Why the others were not; empty when there are none."""


class Completer:
    """Completes functions, a batch at a time."""

    def __init__(self, voice: Voice, prompts: PromptSet) -> None:
        self._voice = voice
        self._prompts = prompts
        self._system = Message(role="system", content=prompts.render("completer"))

    async def complete(self, batch: Batch) -> BatchCompletion:
        """Ask about the functions of *batch*; each answer is taken or refused on its own.

        Raises:
            ProviderError: The provider gave no reply.
        """
        accepted = _Accepted(batch)
        shown = [one.shown for one in batch]
        task = self._prompts.render("completer_task", functions=shown)
        complaint = ""
        try:
            await self._voice.ask(
                occasion(batch),
                (self._system, Message(role="user", content=task)),
                accepted.take,
                turn=-1,
                reply_schema=REPLY,
                explain=True,
            )
        except ModelFailed as failed:
            complaint = str(failed)
        return BatchCompletion(functions=accepted.functions, complaint=complaint)


def occasion(batch: Batch) -> Scenario:
    """What stands for a conversation where a model is asked about *batch*; its number and seed
    come from the names in it."""
    functions = tuple(one.function for one in batch)
    names = tuple(function.name for function in functions)
    number = derive_seed(0, "completion", *names)
    return Scenario(number=number, seed=number, chain=names, tools=functions)


@dataclass(slots=True)
class _Accepted:
    """The functions of a batch that were completed, over all asks."""

    batch: Batch
    by_name: dict[str, Function] = field(default_factory=dict)

    @property
    def functions(self) -> tuple[Function, ...]:
        names = (one.function.name for one in self.batch)
        return tuple(self.by_name[name] for name in names if name in self.by_name)

    def take(self, completion: Completion) -> None:
        """Keep the usable answers in *completion*.

        Raises:
            ReplyRejected: A function of the batch still has none.
        """
        answers = _answers(complete_text(completion))
        complaints = [
            complaint
            for one in self.batch
            if one.function.name not in self.by_name and (complaint := self._refusal(one, answers))
        ]
        if complaints:
            more = len(complaints) - _QUOTED_COMPLAINTS
            told = "; ".join(complaints[:_QUOTED_COMPLAINTS])
            raise ReplyRejected(f"{told}; and {more} more" if more > 0 else told)

    def _refusal(self, one: Incomplete, answers: dict[str, Any]) -> str:
        """Why the answer about *one* cannot be used; keeps it, and is empty, when it can."""
        name = one.function.name
        if name not in answers:
            return f"nothing is said about {name}; every function needs its answer, by its name"
        try:
            self.by_name[name] = completed(one, FunctionAnswer.model_validate(answers[name]))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = one_line(".".join(str(part) for part in first["loc"]), limit=100)
            return f"{name}: {place}: {first['msg']}"
        except ReplyRejected as rejected:
            return f"{name}: {rejected}"
        return ""


def _answers(text: str) -> dict[str, Any]:
    """Name to answer; the first one where a name comes twice."""
    try:
        listed = orjson.loads(text)["functions"]
        pairs = [(answer["name"], answer) for answer in reversed(listed)]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError) as error:
        raise ReplyRejected('it is no JSON object with "functions", each with a name') from error
    return {name: answer for name, answer in pairs if isinstance(name, str)}
