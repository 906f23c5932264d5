"""Calls only to what was on offer."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.traces.one_line import one_line
from simkit.traces.records import Trajectory


class KnownFunction:
    """A turn that calls a function which the assistant was not offered is masked.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "known_function"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        offered = {tool.name for tool in trajectory.scenario.tools}
        for index, message in enumerate(trajectory.messages):
            if message.role != "assistant":
                continue
            for call in message.tool_calls:
                if call.name not in offered:
                    yield Objection(
                        check=self.name,
                        message=f"message {index} calls {one_line(call.name, limit=80)!r}, "
                        f"which is not among the {len(offered)} functions on offer",
                        turn=index,
                    )
