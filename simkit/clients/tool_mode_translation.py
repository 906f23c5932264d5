"""Requests with tools, translated into requests without, and their replies back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from simkit.clients.tool_mode_calls import Form
from simkit.clients.tool_mode_history import History
from simkit.clients.tool_mode_memory import SizedMemory
from simkit.clients.tool_mode_words import split_system, with_words
from simkit.traces.calls import CallSite, ChatRequest, Completion, ReplySchema, RequestedCall
from simkit.traces.functions import Function
from simkit.traces.prompts import quoted_json
from simkit.traces.provider_errors import RequestRefused
from simkit.traces.records import Message

OPENINGS_BYTES = 128 * 2**20
"""Enough for some thousand conversations with twenty functions each."""

UNREADABLE = "unreadable_reply"
"""Under this name in `Completion.extras` stands the start of a reply that kept to no form."""

_SHOWN = 4_000


@dataclass(frozen=True, slots=True)
class _Opening:
    """What stays the same over the calls of a conversation."""

    system: Message
    reply_schema: ReplySchema | None


class Translation:
    """Between native calls and one form of them in the content of messages.

    Args:
        form: How calls are written.
        schema_of: Makes the schema that replies must follow, where the server can see to it.

    Remembers what stays the same over the calls of a conversation, within fixed bounds;
    what it returns never depends on that.
    """

    def __init__(
        self, form: Form, schema_of: Callable[[tuple[Function, ...]], ReplySchema] | None = None
    ) -> None:
        self._form = form
        self._schema_of = schema_of
        self._history = History(form)
        self._openings: SizedMemory[_Opening] = SizedMemory(limit_bytes=OPENINGS_BYTES)

    def without_tools(self, request: ChatRequest) -> ChatRequest:
        """*request*, which has tools, with these explained in the system message.

        Raises:
            RequestRefused: A result answers no call, or a reply schema is asked for where
                the form needs its own.
        """
        if self._schema_of is not None and request.reply_schema is not None:
            raise RequestRefused(
                "a request with tools cannot ask for a reply schema in the tool mode "
                'json_schema, which has its own; use tool_mode = "native" or "prompt"'
            )
        system, others = split_system(request.messages)
        opening = self._opening(system, request.tools)
        return replace(
            request,
            messages=(opening.system, *self._history.translated(others)),
            tools=(),
            reply_schema=opening.reply_schema or request.reply_schema,
        )

    def with_calls(self, completion: Completion, site: CallSite) -> Completion:
        """*completion* with the calls in its content as native ones.

        Their ids come from *site* and the place in the reply: equal requests get equal ids.
        A reply that does not keep to the form is neither an answer nor a call. It comes back
        empty, its text under `UNREADABLE`: it is paid for, and whether to ask again is for
        the caller.
        """
        said = self._form.read(completion.content)
        if said is None:
            shown = completion.content[:_SHOWN]
            return replace(completion, content="", extras={**completion.extras, UNREADABLE: shown})
        if not said.calls:
            return replace(completion, content=said.text)
        finished = completion.finish_reason in ("stop", "other")
        return replace(
            completion,
            content=said.text,
            tool_calls=tuple(
                RequestedCall(id=_call_id(site, index), name=name, arguments=arguments)
                for index, (name, arguments) in enumerate(said.calls)
            ),
            finish_reason="tool_calls" if finished else completion.finish_reason,
        )

    def _opening(self, system: Message | None, tools: tuple[Function, ...]) -> _Opening:
        key = (system.wire if system is not None else b"", *(tool.tool_json for tool in tools))
        opening = self._openings.get(key)
        if opening is None:
            opening = self._new_opening(system, tools)
            schema = opening.reply_schema
            size = 2 * len(opening.system.wire) + (len(schema.wire) if schema else 0)
            self._openings.put(key, opening, size=size)
        return opening

    def _new_opening(self, system: Message | None, tools: tuple[Function, ...]) -> _Opening:
        return _Opening(
            with_words(system, self._form.prompt, tools=_definitions(tools)),
            self._schema_of(tools) if self._schema_of is not None else None,
        )


def _definitions(tools: tuple[Function, ...]) -> str:
    return quoted_json(b"[" + b",\n".join(tool.tool_json for tool in tools) + b"]")


def _call_id(site: CallSite, index: int) -> str:
    return f"call_{site.scenario}_{site.turn}_{site.part}_{site.ask}_{index}"
