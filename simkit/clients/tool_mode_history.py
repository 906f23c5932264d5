"""A conversation with calls, as messages that any chat model can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simkit.clients.tool_mode_calls import Form, Result, write_results
from simkit.clients.tool_mode_memory import SizedMemory
from simkit.traces.provider_errors import RequestRefused
from simkit.traces.records import Message

Exchange = tuple[Message, ...]
"""One message that is no result, with the results that follow it."""

MEMORY_BYTES = 128 * 2**20
"""Enough for some thousand conversations of average length."""


class History:
    """Translates messages into the form of one tool mode, each once.

    A conversation sends its whole history with each call, so what was translated is
    remembered, up to `MEMORY_BYTES`: the work per turn stays constant as long as the
    conversations in flight fit in, and grows with their lengths beyond.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._memory: SizedMemory[Exchange] = SizedMemory(limit_bytes=MEMORY_BYTES)

    def translated(self, messages: Iterable[Message]) -> Iterator[Message]:
        """*messages* with calls in the form, and results as user messages.

        The results of one message come in one user message: many chat templates take
        nothing but user and assistant in turn.

        Raises:
            RequestRefused: A tool message answers no call of the message before it.
        """
        for exchange in _exchanges(messages):
            if len(exchange) == 1 and exchange[0].role in ("system", "user"):
                yield exchange[0]
            else:
                yield from self._remembered(exchange)

    def _remembered(self, exchange: Exchange) -> Exchange:
        # Each message keeps its bytes, and bytes keep their hash: looking up is cheap.
        key = tuple(message.wire for message in exchange)
        made = self._memory.get(key)
        if made is None:
            made = tuple(self._translate(exchange))
            size = sum(map(len, key)) + 2 * sum(len(message.wire) for message in made)
            self._memory.put(key, made, size=size)
        return made

    def _translate(self, exchange: Exchange) -> Iterator[Message]:
        said, *results = exchange
        calls = [(call.name, call.arguments) for call in said.tool_calls]
        if said.role == "assistant":
            yield Message(role="assistant", content=self._form.write(said.content, calls))
        else:
            yield said
        if results:
            yield Message(role="user", content=write_results(_results(said, results)))


def _exchanges(messages: Iterable[Message]) -> Iterator[Exchange]:
    exchange: list[Message] = []
    for message in messages:
        if exchange and message.role != "tool":
            yield tuple(exchange)
            exchange = []
        exchange.append(message)
    if exchange:
        yield tuple(exchange)


def _results(said: Message, results: list[Message]) -> Iterator[Result]:
    made = {call.id: (number, call.name) for number, call in enumerate(said.tool_calls, start=1)}
    for result in results:
        if result.tool_call_id not in made:
            raise RequestRefused(
                f"the tool message with tool_call_id {result.tool_call_id!r} answers no call of "
                "the assistant message directly before it; nothing was sent"
            )
        number, name = made[result.tool_call_id]
        yield Result(call=number, name=name, content=result.content)
