"""Draws conversations as a file states them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from simkit.traces.calls import AgentRole
from simkit.traces.seeds import stream
from simkit.tuning.stated_file import StatedFile, StatedRole
from simkit.tuning.workload import Round, WorkloadCall, WorkloadConversation

_PLACES: dict[AgentRole, float] = {"user": 0.1, "assistant": 0.3, "reasoner": 0.5, "tool": 0.7}
"""Where in its share of a conversation a role speaks: the user begins, and is answered."""
_MOST_TOKENS = 10_000_000


def drawn_conversations(stated: StatedFile, count: int) -> tuple[WorkloadConversation, ...]:
    """*count* conversations; those of equal *stated* are equal."""
    draws = (stream(0, "stated conversation", number) for number in range(count))
    return tuple(_Drawing(stated, draw).conversation() for draw in draws)


class _Drawing:
    """Of one conversation."""

    def __init__(self, stated: StatedFile, draw: random.Random) -> None:
        self._stated = stated
        self._draw = draw
        self._length = self._about(1.0, stated.conversations.length_spread)
        """How much longer than others it is."""
        self._roles = dict(stated.roles.asked)
        self._class = {role: number for number, role in enumerate(self._roles)}

    def conversation(self) -> WorkloadConversation:
        """The writer's calls, then those of all who take part, in turn; then the judge's."""
        playing = [[role] for role in self._calls("writer")] + self._turns()
        judging = list(self._calls("judge"))
        rounds = [
            Round(self._pause(number), self._round(roles, number))
            for number, roles in enumerate(playing)
        ]
        # First of the whole; where that is good, of every turn at once.
        verdicts = [part for part in (judging[:1], judging[1:]) if part]
        return WorkloadConversation(
            playing=tuple(rounds),
            judging=tuple(
                Round(self._pause(number), self._round(roles, 0))
                for number, roles in enumerate(verdicts)
            ),
        )

    def _pause(self, number: int) -> float:
        return self._stated.conversations.pause_seconds if number else 0.0

    def _turns(self) -> list[list[AgentRole]]:
        """Who speaks together, in order: each role's calls evenly over the conversation."""
        placed: list[tuple[float, list[AgentRole]]] = []
        for role, place in _PLACES.items():
            rounds = self._together(role)
            placed += [
                ((number + place) / len(rounds), calls) for number, calls in enumerate(rounds)
            ]
        return [calls for _, calls in sorted(placed, key=lambda found: found[0])]

    def _together(self, role: AgentRole) -> list[list[AgentRole]]:
        """The calls of *role* in rounds; only a tool's may share one."""
        share = self._stated.conversations.parallel_share if role == "tool" else 0.0
        rounds: list[list[AgentRole]] = []
        for call in self._calls(role):
            if rounds and self._draw.random() < share:
                rounds[-1].append(call)
            else:
                rounds.append([call])
        return rounds

    def _calls(self, role: AgentRole) -> Iterator[AgentRole]:
        stated = self._roles.get(role)
        if stated is None:
            return
        mean = stated.calls if stated.calls <= 1 else max(1.0, stated.calls * self._length)
        count = math.floor(mean + self._draw.random())  # the fraction is a probability
        yield from [role] * count

    def _round(self, roles: list[AgentRole], number: int) -> tuple[WorkloadCall, ...]:
        return tuple(self._call(role, self._roles[role], number) for role in roles)

    def _call(self, role: AgentRole, stated: StatedRole, number: int) -> WorkloadCall:
        """A call in round *number* from 0."""
        grown = stated.input_tokens + number * stated.input_growth
        return WorkloadCall(
            role=role,
            model=self._stated.model,
            input_tokens=self._tokens(grown, stated.token_spread),
            output_tokens=self._tokens(stated.output_tokens, stated.token_spread),
            latency_class=self._class[role],
        )

    def _tokens(self, mean: float, spread: float) -> int:
        return min(max(1, round(self._about(mean, spread))), _MOST_TOKENS)

    def _about(self, mean: float, spread: float) -> float:
        """Lognormal, so above 0; its standard deviation is *spread* times *mean*."""
        variance = math.log1p(spread**2)
        return mean * math.exp(self._draw.gauss(-variance / 2, math.sqrt(variance)))
