"""The user agent: plays the person who has the intent."""

from __future__ import annotations

from simkit.traces.calls import Completion
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Intent, Message, Scenario
from simkit.traces.voice import ReplyRejected, Voice, complete_text

STOP = "###STOP###"
"""What the user says when the intent is met (arXiv 2511.15718); never in the first turn."""


class UserAgent:
    """One person for one conversation; keeps the dialogue as that person sees it."""

    def __init__(
        self, voice: Voice, prompts: PromptSet, scenario: Scenario, intent: Intent
    ) -> None:
        self._voice = voice
        self._scenario = scenario
        private = prompts.render("user", intent=intent.as_data(), stop=STOP)
        self._seen = [
            Message(role="system", content=private),
            Message(role="user", content=prompts.render("user_opening")),
        ]

    def hear(self, answer: str) -> None:
        """Take in what the assistant said; calls and results stay hidden from the user."""
        self._seen.append(Message(role="user", content=answer))

    def recall(self, said: str) -> None:
        """Take in what this person said earlier."""
        self._seen.append(Message(role="assistant", content=said))

    async def speak(self, turn: int) -> str | None:
        """The user's next message, or None when they are done.

        Raises:
            ModelFailed: The model was silent, was cut off, or wanted to stop at once.
            ProviderError: The provider gave no reply.
        """
        first = len(self._seen) == 2
        text = await self._voice.ask(
            self._scenario,
            tuple(self._seen),
            _first_text if first else complete_text,
            turn=turn,
            explain=True,
        )
        if STOP in text:
            return None
        self.recall(text)
        return text


def _first_text(completion: Completion) -> str:
    text = complete_text(completion)
    if STOP in text:
        raise ReplyRejected(f"the first message must not contain {STOP}")
    return text
