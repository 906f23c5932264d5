"""The user agent: plays the person who has the intent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal, NamedTuple

from simkit.agents.guard import UserGuard
from simkit.traces.calls import Completion
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Intent, Message, Scenario
from simkit.traces.voice import ReplyRejected, Voice, complete_text

Farewell = Literal["user_done", "user_transferred", "user_out_of_scope"]

STOP = "###STOP###"
"""What the user says when the intent is met (arXiv 2511.15718); never in the first turn."""
TRANSFER = "###TRANSFER###"
"""What the user says when the assistant hands them over to somebody else; this and the next as
in tau2-bench (arXiv 2506.07982)."""
OUT_OF_SCOPE = "###OUT-OF-SCOPE###"
"""What the user says when the conversation needs what the intent does not settle."""

_FAREWELLS: dict[str, Farewell] = {
    TRANSFER: "user_transferred",
    OUT_OF_SCOPE: "user_out_of_scope",
    STOP: "user_done",
}


class Said(NamedTuple):
    """One message of the user's model."""

    text: str
    farewell: Farewell | None
    """What the user thought of it all, where this is the end; then no part of the dialogue."""


class UserAgent:
    """One person for one conversation; keeps the dialogue as that person sees it.

    Args:
        guard: Refuses what that person would not say.
    """

    def __init__(
        self,
        voice: Voice,
        prompts: PromptSet,
        scenario: Scenario,
        intent: Intent,
        guard: UserGuard,
    ) -> None:
        self._voice = voice
        self._scenario = scenario
        self._guard = guard
        persona = scenario.persona
        private = prompts.render(
            "user",
            intent=intent.as_data(),
            persona=None if persona is None else asdict(persona),
            dialogue=scenario.dialogue,
            stop=STOP,
            transfer=TRANSFER,
            out_of_scope=OUT_OF_SCOPE,
        )
        self._seen = [
            Message(role="system", content=private),
            Message(role="user", content=prompts.render("user_opening")),
        ]

    def hear(self, answer: str) -> None:
        """Take in what the assistant said; calls and results stay hidden from the user."""
        self._seen.append(Message(role="user", content=answer))
        self._guard.hear(answer)

    def recall(self, said: str) -> None:
        """Take in what this person said earlier."""
        self._seen.append(Message(role="assistant", content=said))
        self._guard.heard_saying(said)

    async def speak(self, turn: int) -> Said:
        """The user's next message, which may be their last.

        Raises:
            ModelFailed: The model was silent, was cut off, or did not mend what the guard
                refused.
            LimitReached: The guard has refused too many messages.
            ProviderError: The provider gave no reply.
        """
        said = await self._voice.ask(
            self._scenario, tuple(self._seen), self._sayable, turn=turn, explain=True
        )
        if said.farewell is None:
            self.recall(said.text)
        return said

    def _sayable(self, completion: Completion) -> Said:
        text = complete_text(completion)
        farewell = _farewell_in(text)
        if farewell is not None and len(self._seen) == 2:  # the cue only
            raise ReplyRejected(f"the first message must not contain {_token_in(text)}")
        self._guard.check(text, stops=farewell == "user_done")
        return Said(text, farewell)


def _farewell_in(text: str) -> Farewell | None:
    return next((farewell for token, farewell in _FAREWELLS.items() if token in text), None)


def _token_in(text: str) -> str:
    return next(token for token in _FAREWELLS if token in text)
