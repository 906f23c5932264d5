"""Calls that the tool itself sent back."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.tool_results import error_in, results_by_call
from simkit.traces.one_line import one_line
from simkit.traces.records import Trajectory

_CALLERS_FAULT = frozenset({"unknown_function", "invalid_arguments"})
"""Errors about the call; others, such as "not_found", are news about the world."""


class FailedToolCalls:
    """A turn whose call was answered with an error about the call itself is masked.

    The turn stays as context, so a mistake followed by its repair teaches the repair and
    not the mistake (arXiv 2511.15718).

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "failed_tool_calls"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        for index, message in enumerate(messages):
            if message.role != "assistant" or not message.tool_calls:
                continue
            results = results_by_call(messages, index)
            for call in message.tool_calls:
                error = error_in(results[call.id]) if call.id in results else None
                if error and error.type in _CALLERS_FAULT:
                    yield Objection(
                        check=self.name,
                        message=one_line(
                            f"message {index} calls {call.name!r} and is answered with "
                            f"{error.type}: {error.message}"
                        ),
                        turn=index,
                    )
