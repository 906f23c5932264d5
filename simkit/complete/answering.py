"""Answers every request of a file, so many at a time, and adds each answer to another."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from simkit.complete.reply_file import ReplyFile
from simkit.complete.request_file import Line, RequestFile
from simkit.complete.request_line import DamagedLine, RequestLine
from simkit.complete.stack import RawStack
from simkit.complete.tally import Tally
from simkit.traces.provider_errors import AccountProblem, BudgetSpent, ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The work of one run: from requests, through a stack of clients, to replies."""

    requests: RequestFile
    replies: ReplyFile
    stack: RawStack
    tally: Tally
    concurrency: int
    """Most requests taken up at once, those that wait for the limits included."""

    async def run(self) -> None:
        """Answer all that is not answered yet; lines are read when there is room for them.

        Each line is answered, or listed with its error. Cancelling keeps what is answered.

        Raises:
            AccountProblem: No call can succeed until a person acts.
            ReplyFileError: An answer from before belongs to another request.
            OSError: The disk failed.
        """
        async with anyio.create_task_group() as syncing:
            syncing.start_soon(self.replies.keep_synced)
            await self._answer_all()
            syncing.cancel_scope.cancel()

    async def _answer_all(self) -> None:
        # A place is usually free; the loop's turn that taking it costs otherwise adds up.
        room = anyio.Semaphore(self.concurrency, fast_acquire=True)
        is_checked = False
        async with anyio.create_task_group() as calls:
            while lines := await self.requests.read():
                for line in self._open(lines):
                    if not is_checked:
                        await self.stack.check()
                        is_checked = True
                    await room.acquire()
                    if await self._is_affordable(line):
                        calls.start_soon(self._answer, line, room)
                    else:
                        room.release()

    def _open(self, lines: list[Line]) -> list[RequestLine]:
        """Those of *lines* that are to be asked; damaged ones are listed."""
        to_ask = []
        for line in lines:
            if self.replies.is_answered(line):
                continue
            if isinstance(line, DamagedLine):
                self.replies.add_error(line)
                self.tally.failed += 1
                self.tally.damaged += 1
            else:
                to_ask.append(line)
        return to_ask

    async def _is_affordable(self, line: RequestLine) -> bool:
        """Whether the budget reaches for *line*, when that is known; it is listed if not."""
        try:
            await self.stack.budget.set_aside(line.request)
        except BudgetSpent as spent:
            self._list(line, spent)
            return False
        return True

    async def _answer(self, line: RequestLine, room: anyio.Semaphore) -> None:
        self.tally.taken_up += 1
        try:
            answer = await self.stack.client.complete(line.request)
        except AccountProblem:
            raise
        except ProviderError as error:
            self._list(line, error)
        else:
            self.replies.add_answer(line, answer.reply)
            self.tally.count_answer(answer.usage, anyio.current_time())
        finally:
            self.tally.taken_up -= 1
            self.stack.budget.end(line.request)
            room.release()

    def _list(self, line: RequestLine, error: ProviderError) -> None:
        self.replies.add_error(line, error)
        self.tally.failed += 1
        self.tally.unaffordable += isinstance(error, BudgetSpent)
