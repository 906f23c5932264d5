"""A time line in no more steps than can be drawn, with counts as rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simkit.tuning.picture import finite
from simkit.tuning.rehearsed import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A `Timeline` to draw; all sequences are as long, and hold finite numbers from 0 up."""

    ends: tuple[float, ...]
    """Seconds from the start to the end of each step."""
    calls_in_flight: tuple[float, ...]
    """Mean over each step."""
    conversations_in_flight: tuple[float, ...]
    answered: tuple[float, ...]
    """Calls a second; the same for the next two."""
    refused: tuple[float, ...]
    failed: tuple[float, ...]
    input_tokens: tuple[float, ...]
    """Tokens a second; the same for the next."""
    output_tokens: tuple[float, ...]
    limiting: tuple[Mapping[str, float], ...]
    """What set the pace, to its share of each step."""


def course_of(timeline: Timeline, most: int) -> Course | None:
    """*timeline* with neighbouring steps taken together until there are at most *most*.

    Each step is as long as the others, but the last may be shorter. None where there is nothing
    to draw: no step, or steps without length.
    """
    steps, seconds = len(timeline.calls_in_flight), finite(timeline.step_seconds)
    if not steps or not seconds:
        return None
    size = -(-steps // max(1, most))
    parts = [slice(start, min(start + size, steps)) for start in range(0, steps, size)]

    def means(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(sum(map(finite, values[p])) / (p.stop - p.start) for p in parts)

    def rates(counts: Sequence[float]) -> tuple[float, ...]:
        return tuple(mean / seconds for mean in means(counts))

    return Course(
        ends=tuple(part.stop * seconds for part in parts),
        calls_in_flight=means(timeline.calls_in_flight),
        conversations_in_flight=means(timeline.conversations_in_flight),
        answered=rates(timeline.answered),
        refused=rates(timeline.refused),
        failed=rates(timeline.failed),
        input_tokens=rates(timeline.input_tokens),
        output_tokens=rates(timeline.output_tokens),
        limiting=tuple(_mean_shares(timeline.limiting[part]) for part in parts),
    )


def _mean_shares(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    causes = dict.fromkeys(cause for one in shares for cause in one)
    return {
        cause: sum(finite(one.get(cause, 0.0)) for one in shares) / len(shares) for cause in causes
    }


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit that suits an axis of so many *seconds*: its length in seconds, and its name."""
    units = ((2 * 86400, 86400, "days"), (2 * 3600, 3600, "hours"), (120, 60, "minutes"))
    fitting = ((length, name) for least, length, name in units if seconds >= least)
    return next(fitting, (1, "seconds"))
