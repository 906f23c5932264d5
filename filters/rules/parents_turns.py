"""What a fork keeps of its parent is not trained on again."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.traces.records import Trajectory


class ParentsTurns:
    """Assistant messages that a fork has from its parent are masked.

    They have their verdicts in the parent's run, and its export holds them; each fork would
    hold them once more. Here they are context.
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
