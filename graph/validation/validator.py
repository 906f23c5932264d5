"""Asks a model whether edges make sense, after ToolMind (arXiv 2511.15718, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simkit.graph.validation.questions import EdgeScores, Group, shown
from simkit.traces.calls import Completion, ReplySchema
from simkit.traces.one_line import one_line
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message, Scenario
from simkit.traces.seeds import derive_seed
from simkit.traces.voice import ModelFailed, ReplyRejected, Voice, complete_text

HIGHEST = 9

_Score = Annotated[int, Field(ge=0, le=HIGHEST)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _EdgeAnswer(_Answer):
    number: int
    carries_over: _Score
    plausible_path: _Score


class _Answers(_Answer):
    edges: Annotated[tuple[_EdgeAnswer, ...], Field(strict=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScores:
    """What the model said about a group of edges."""

    scores: tuple[EdgeScores | None, ...]
    """In the order of the group; None where it gave none that could be used."""
    complaint: str = ""
    """Why some have none; empty when all have."""


class EdgeValidator:
    """Scores edges, a group at a time."""

    def __init__(self, voice: Voice, prompts: PromptSet) -> None:
        self._voice = voice
        self._prompts = prompts
        self._system = Message(role="system", content=prompts.render("validator"))

    async def score(self, group: Group) -> GroupScores:
        """Ask about the edges of *group*, which all leave one function; see `groups`.

        Raises:
            ProviderError: The provider gave no reply.
        """
        given = _Given(len(group))
        task = self._prompts.render("validator_task", question=shown(group))
        complaint = ""
        try:
            await self._voice.ask(
                occasion(group),
                (self._system, Message(role="user", content=task)),
                given.take,
                turn=-1,
                reply_schema=REPLY,
                explain=True,
            )
        except ModelFailed as failed:
            complaint = str(failed)
        numbers = range(1, len(group) + 1)
        scores = tuple(given.by_number.get(number) for number in numbers)
        return GroupScores(scores=scores, complaint=complaint)


def occasion(group: Group) -> Scenario:
    """What stands for a conversation where a model is asked about *group*; its number and seed
    come from the names in it."""
    functions = (group[0].source, *(question.target for question in group))
    names = tuple(function.name for function in functions)
    number = derive_seed(0, "validation", *names)
    return Scenario(number=number, seed=number, chain=names, tools=functions)


@dataclass(slots=True)
class _Given:
    """The scores of a group, over all asks."""

    edges: int
    by_number: dict[int, EdgeScores] = field(default_factory=dict)

    def take(self, completion: Completion) -> None:
        """Keep the scores in *completion*; the first ones count.

        Raises:
            ReplyRejected: An edge still has none.
        """
        for answer in _answers(complete_text(completion)):
            if not 1 <= answer.number <= self.edges:
                raise ReplyRejected(f"there is no edge {answer.number}; there are {self.edges}")
            scores = EdgeScores(
                carries_over=answer.carries_over, plausible_path=answer.plausible_path
            )
            self.by_number.setdefault(answer.number, scores)
        numbers = range(1, self.edges + 1)
        if missing := [str(number) for number in numbers if number not in self.by_number]:
            raise ReplyRejected(f"these edges have no scores: {', '.join(missing)}")


def _answers(text: str) -> tuple[_EdgeAnswer, ...]:
    try:
        return _Answers.model_validate_json(text).edges
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = one_line(".".join(str(part) for part in first["loc"]), limit=100) or "the reply"
        raise ReplyRejected(f"{place}: {first['msg']}") from error


_SCORE = {"type": "integer", "enum": list(range(HIGHEST + 1))}
_EDGE: dict[str, Any] = {"number": {"type": "integer"}}
_EDGE |= {"carries_over": _SCORE, "plausible_path": _SCORE}
REPLY = ReplySchema(
    name="edge_scores",
    schema={
        "type": "object",
        "properties": {
            "edges": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": _EDGE,
                    "required": list(_EDGE),
                    "additionalProperties": False,
                },
            }
        },
        "required": ["edges"],
        "additionalProperties": False,
    },
)
