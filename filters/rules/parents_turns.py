"""What a fork keeps of its parent is not trained on again."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.traces.records import Trajectory


class ParentsTurns:
    """Assistant messages that a fork has from its parent are masked.

    They have their verdicts in the parent's run, and its export holds them; each fork would
    hold them once more. Here they are context.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "parents_turns"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        parent = trajectory.provenance.parent
        if parent is None:
            return
        for index, message in enumerate(trajectory.messages[: parent.turn]):
            if message.role == "assistant":
                told = f"message {index} is that of {parent.id} in {parent.run}, judged there"
                yield Objection(check=self.name, message=told, turn=index)
