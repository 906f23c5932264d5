"""The records of a run: scenarios, intents, messages, trajectories and verdicts.

All are frozen, so any task may hold one, and versioned. What ends up in a record is a
pure function of the scenario, its seed and the replies it got: no clock, no host name,
no order of arrival. Facts about *when* live beside the records, in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import orjson

from simkit.traces.functions import Function
from simkit.traces.plans import DialogueKind, Fault, Persona, ScenarioKind, Step
from simkit.traces.shallow_json import parse_json

_STRICT: dict[str, Any] = {"extra": "forbid"}

MessageRole = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call that an assistant made."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    id: str
    """Unique in its conversation; the result that answers it carries the same id."""
    name: str
    arguments: str
    """The arguments as the model wrote them: JSON text of an object, or a model's mistake."""

    def parsed_arguments(self) -> dict[str, Any]:
        """The arguments as a mapping.

        Raises:
            ValueError: The text is not JSON, not an object, or nested too deeply; the message
                says which.
        """
        try:
            value = parse_json(self.arguments or "{}")
        except ValueError as error:
            raise ValueError(f"the arguments are not valid JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError(f"the arguments must be a JSON object, not {type(value).__name__}")
        return value

    @property
    def key(self) -> tuple[str, bytes | str]:
        """The same for calls of one function with the same arguments, their order aside; of
        arguments that cannot be parsed, their text counts."""
        try:
            arguments = orjson.dumps(self.parsed_arguments(), option=orjson.OPT_SORT_KEYS)
        except ValueError:
            return self.name, self.arguments
        return self.name, arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation, or of a request to a model."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    role: MessageRole
    content: str = ""
    reasoning: str | None = None
    """What the model thought before it answered; never sent back to a model."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """On ``role == "tool"`` only: the id of the call that this answers."""

    _wire: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def wire(self) -> bytes:
        """The message in the form of chat completions, without reasoning; encoded once.

        A conversation sends its whole history with each call, so encoding a message
        once, not once a call, keeps the work per turn constant.
        """
        encoded = self._wire
        if encoded is None:
            encoded = orjson.dumps(_wire_form(self))
            object.__setattr__(self, "_wire", encoded)
        return encoded


def _wire_form(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {
            "role": "tool",
            "tool_call_id": message.tool_call_id,
            "content": message.content,
        }
    form: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        form["content"] = message.content or None
        form["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return form


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value that the simulated user knows."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    name: str
    value: str
    """As the user would write it; JSON text for lists and objects."""
    when_asked: bool = False
    """Whether the user keeps it until the assistant asks for it."""

    def as_data(self) -> dict[str, Any]:
        """For JSON; without ``when_asked`` where it is false, as before there was such a thing:
        requests and rows of earlier runs keep their bytes."""
        data: dict[str, Any] = {"name": self.name, "value": self.value}
        return data | ({"when_asked": True} if self.when_asked else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One thing the simulated user wants, and what they know about it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    text: str
    known: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOfMind:
    """A value that the simulated user gives first and takes back later."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    goal: int
    """Number of the goal, counted from 1."""
    name: str
    """Of the known value, which is what they want in the end."""
    first: str
    """What they say it is at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What the simulated user is after; only the user agent ever sees it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    role: str
    """Who the user is, e.g. "a warehouse manager"."""
    style: str
    """How they talk."""
    goals: tuple[Goal, ...]
    """In the order in which they come up."""
    unknown: tuple[str, ...] = ()
    """What they do not know and must learn from the assistant."""
    constraints: tuple[str, ...] = ()
    """What they will not have, or insist on, over all goals."""
    change: ChangeOfMind | None = None

    def as_data(self) -> dict[str, Any]:
        """For JSON, whoever reads it, without constraints and change where there are none; see
        `Fact.as_data`."""
        data: dict[str, Any] = {
            "role": self.role,
            "style": self.style,
            "goals": [
                {"text": goal.text, "known": [fact.as_data() for fact in goal.known]}
                for goal in self.goals
            ],
            "unknown": self.unknown,
        }
        if self.constraints:
            data["constraints"] = self.constraints
        if self.change is not None:
            change = self.change
            data["change"] = {"goal": change.goal, "name": change.name, "first": change.first}
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One conversation to be played: a chain of functions and a seed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    number: int
    """Position in the run, from 0; exports are written in this order."""
    seed: int
    """Root of every random choice made for this conversation."""
    chain: tuple[str, ...]
    """Names of the functions that the conversation is to need, in order."""
    tools: tuple[Function, ...]
    """What the assistant is offered, in the order it is offered; holds the chain, save what is
    withheld, and may hold others."""
    kind: ScenarioKind = "chain"
    plan: tuple[Step, ...] = ()
    """The chain as the user is to bring it up; empty where nobody planned."""
    withheld: tuple[Function, ...] = ()
    """Functions of the chain that the assistant is not offered."""
    dialogue: DialogueKind = "gradual"
    persona: Persona | None = None
    """None leaves it to the writer of the intent."""

    @property
    def functions(self) -> tuple[Function, ...]:
        """All that it is about, on offer or not."""
        return (*self.tools, *self.withheld)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The conversation that a fork continues, and from where."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    run: str
    """Name of the folder of its run."""
    conversation: int
    """Its scenario's number there."""
    id: str
    """Its trajectory's id."""
    turn: int
    """The messages before this index are the parent's; they were judged there, and are context
    only here."""
    user_said: bool = False
    """Whether the message at `turn` was given by whoever made the fork, and by no model."""
    notice: str | None = None
    """The parent's notice, which is about what is kept of it."""

    @property
    def kept(self) -> int:
        """How many messages the fork begins with."""
        return self.turn + self.user_said


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a trajectory comes from: enough to say who made it and under which licence."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    simkit: str
    """Version of simkit."""
    run_seed: int
    models: Mapping[str, str]
    """Agent role to the model that played it, as the provider was asked for it."""
    prompts: Mapping[str, str]
    """Prompt name to the hash of its file."""
    sources: Mapping[str, tuple[str, ...]]
    """Catalog to the licences of this scenario's tools from it; empty when it names none."""
    answered_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Agent role to the models that have answered it, as the provider names them: a fallback
    shows here, and a provider that answers with another model than it was asked for."""
    notice: str | None = None
    """A warning that must travel with the data, e.g. that a scripted stand-in wrote it."""
    parent: Parent | None = None
    """What a fork continues; None for a conversation that began at its beginning."""


Ended = Literal["user_done", "user_transferred", "user_out_of_scope", "limit", "failed"]
"""The user's own verdict, if they gave one. user_done: every goal was dealt with, or honestly
declined. user_transferred: the assistant handed them over. user_out_of_scope: something was asked
that the intent does not settle. Else what cut the conversation off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One finished conversation; also one that failed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    id: str
    """The same for the same run seed and scenario, whatever machine plays it."""
    scenario: Scenario
    intent: Intent | None
    """None only when the conversation failed before an intent was written."""
    messages: tuple[Message, ...]
    """User, assistant and tool messages in order; no system prompt."""
    ended: Ended
    cause: str | None = None
    """Machine-readable cause unless ``ended == "user_done"``, e.g. ``"message_limit"``."""
    error: str | None = None
    """One line for people; set only when ``ended == "failed"``."""
    provenance: Provenance
    faults: tuple[Fault, ...] = ()
    """What went wrong in tools on purpose, in message order."""
    reasked: Mapping[str, int] = field(default_factory=dict)
    """Cause to how many messages of the user's model were refused for it, and never said."""
    schema: int = 1
    """Raised whenever a stored field changes meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a filter objects."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    check: str
    """Name of the check or judge, e.g. ``"schema_valid_arguments"``; people count these."""
    message: str
    """One line that names the value, the place and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnVerdict:
    """Whether one assistant message is trained on; if not, it stays as context."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    index: int
    """Position in `Trajectory.messages`."""
    ok: bool
    reasons: tuple[Reason, ...] = ()
    """Empty when ``ok``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one judge of a panel said about the whole conversation."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    model: str
    ok: bool | None
    """Whether to keep it; None: no usable ruling."""


Outcome = Literal["kept", "dropped", "undecided", "failed"]
"""undecided: the rules found nothing against it, and no judge came to a usable ruling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the filters decided about one trajectory."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    """Why it was dropped, why nobody could decide, or the cause of the failure; empty when
    kept."""
    turns: tuple[TurnVerdict, ...] = ()
    """One for each assistant message, in order; empty where an earlier stage ended it."""
    judge: str | None = None
    """The model that was asked, of a panel the first; None when the rules decided alone."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Judge's prompt name to the hash of its file; empty without a judge."""
    votes: tuple[Vote, ...] = ()
    """Of each judge of a panel, in its order; empty where one judge ruled alone."""
    schema: int = 1

    @property
    def masked(self) -> tuple[int, ...]:
        """Indexes of the assistant messages that stay as context but get no loss."""
        return tuple(turn.index for turn in self.turns if not turn.ok)
