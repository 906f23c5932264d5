"""Asks a model about many groups of things, several groups at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from simkit.graph_models.model import OpenModel
from simkit.graph_models.tally import Tally
from simkit.traces.provider_errors import AccountProblem, BudgetSpent, ProviderError

GroupT = TypeVar("GroupT")
ReplyT = TypeVar("ReplyT")


@dataclass(slots=True, kw_only=True)
class Asking(Generic[GroupT, ReplyT]):
    """What is asked, about what, and who counts."""

    groups: Sequence[tuple[GroupT, ...]]
    number: Callable[[tuple[GroupT, ...]], int]
    """Of the conversation that stands for a group; see `Scenario`."""
    ask: Callable[[tuple[GroupT, ...]], Awaitable[ReplyT]]
    answered: Callable[[ReplyT], int]
    """How many of a group's things a reply is of use for."""
    model: OpenModel
    tally: Tally
    replies: dict[int, ReplyT] = field(default_factory=dict)
    """By index of the group; one without a reply is not there."""

    async def run(self) -> None:
        """Ask about every group, for as long as the budget reaches.

        A group that the provider gives no reply about is counted and has none. Safe to
        cancel: replies that were recorded are not asked for again.

        Raises:
            AccountProblem: No call can succeed until a person acts.
        """
        send, receive = anyio.create_memory_object_stream[int](0)
        async with anyio.create_task_group() as workers:
            with receive:
                for _ in range(min(self.model.at_once, len(self.groups))):
                    workers.start_soon(self._work, receive.clone())
                # Inside: a worker that raises must not leave a sender without a receiver.
                await self._feed(send)

    async def _feed(self, send: MemoryObjectSendStream[int]) -> None:
        budget = self.model.budget
        async with send:
            for index, group in enumerate(self.groups):
                if not await budget.may_start():
                    self.tally.unaffordable += sum(map(len, self.groups[index:]))
                    return
                budget.begin(self.number(group))
                await send.send(index)

    async def _work(self, todo: MemoryObjectReceiveStream[int]) -> None:
        async with todo:
            async for index in todo:
                await self._ask(index, self.groups[index])

    async def _ask(self, index: int, group: tuple[GroupT, ...]) -> None:
        try:
            reply = await self.ask(group)
        except AccountProblem:
            raise
        except BudgetSpent:
            self.tally.unaffordable += len(group)
        except ProviderError as error:
            self.tally.fail(len(group), str(error))
        else:
            self.replies[index] = reply
            self.tally.count(len(group), self.answered(reply), anyio.current_time())
        finally:
            self.model.budget.end(self.number(group))
