"""A client that only repeats: recorded replies are served, and nothing else is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simkit.traces.calls import Answer, CallSite, ChatRequest
from simkit.traces.database import StoreError
from simkit.traces.provider_errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """A call that was made, and its answer."""

    fingerprint: bytes
    site: CallSite
    model: str
    answer: Callable[[], Answer]
    """Reads the answer, which is only done for calls that are asked for.

    Raises `StoreError` when it is damaged.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that got no reply."""

    request: ChatRequest
    model: str
    fingerprint: bytes
    instead: RecordedCall | None
    """The call that was recorded for the same site."""
    damaged: bool = False
    """Its reply was recorded and cannot be read; else something else was asked, or nothing."""


class NotRecorded(Refused):
    """No reply to this request was recorded."""

    cause = "not_recorded"


class ReplyDamaged(Refused):
    """The recorded reply cannot be read."""

    cause = "reply_damaged"


class Tape:
    """The recorded calls of one conversation; notes what is asked of it."""

    def __init__(self, calls: Iterable[RecordedCall]) -> None:
        self._calls = {call.fingerprint: call for call in calls}
        self._by_site = {call.site: call for call in self._calls.values()}
        self.requests: dict[bytes, ChatRequest] = {}
        """What was asked and answered, by fingerprint, in the order of asking."""
        self.misses: list[Miss] = []

    @property
    def first_miss(self) -> Miss | None:
        """Of several requests made at the same time, the earliest in the conversation."""
        return min(self.misses, key=lambda miss: _place(miss.request.site), default=None)

    @property
    def ran_out(self) -> bool:
        """Whether something was asked at sites only where nothing is recorded."""
        return bool(self.misses) and all(miss.instead is None for miss in self.misses)

    def served(self) -> list[RecordedCall]:
        """The calls that were repeated, in the order of the conversation."""
        return sorted((self._calls[key] for key in self.requests), key=lambda c: _place(c.site))

    def reply(self, request: ChatRequest, model: str) -> Answer:
        """The recorded answer.

        Raises:
            NotRecorded: There is none.
            ReplyDamaged: It cannot be read.
        """
        fingerprint = request.fingerprint(model)
        call = self._calls.get(fingerprint)
        if call is None:
            self._miss(request, model, fingerprint)
            raise NotRecorded(f"no reply is recorded to {_asked(request.site)}")
        try:
            answer = call.answer()
        except StoreError as error:
            self._miss(request, model, fingerprint, damaged=True)
            raise ReplyDamaged(f"the reply to {_asked(request.site)} is damaged") from error
        self.requests[fingerprint] = request
        return answer

    def _miss(
        self, request: ChatRequest, model: str, fingerprint: bytes, *, damaged: bool = False
    ) -> None:
        self.misses.append(
            Miss(
                request=request,
                model=model,
                fingerprint=fingerprint,
                instead=self._by_site.get(request.site),
                damaged=damaged,
            )
        )


class Recorded:
    """The model that *tape* was recorded with."""

    def __init__(self, tape: Tape, model: str) -> None:
        self._tape = tape
        self._model = model

    @property
    def model(self) -> str:
        return self._model

    async def complete(self, request: ChatRequest) -> Answer:
        """Serve the recorded answer; never waits.

        Raises:
            NotRecorded: There is none.
            ReplyDamaged: It cannot be read.
        """
        return self._tape.reply(request, self._model)


def _asked(site: CallSite) -> str:
    about = f"for message {site.turn}" if site.turn >= 0 else "about the whole"
    return f"what the {site.role} model is asked {about}"


def _place(site: CallSite) -> tuple[int, bool, int, int]:
    """Before the first message stands the intent; an assistant's message, then its calls."""
    return site.turn, site.role == "tool", site.part, site.ask
