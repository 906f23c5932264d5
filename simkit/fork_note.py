"""What a fork notes in its database about what it continues."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from simkit.agents.beginning import Beginning

PARENT = "parent"
"""Where a fork notes what it continues, as JSON."""
PARENT_FOLDER = "parent_folder"
"""Where it notes the parent's folder, which may move: not part of what it continues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkNote:
    """Which message of which conversation a fork continues from, and with what."""

    run: str
    """The name of the parent's folder."""
    conversation: int
    id: str
    """Of that conversation."""
    turn: int
    user_says: str | None = None
    """The message *turn*; None: a model's."""

    @classmethod
    def of(cls, beginning: Beginning) -> ForkNote:
        """The note of a fork that goes on from *beginning*."""
        parent = beginning.parent
        return cls(
            run=parent.run,
            conversation=parent.conversation,
            id=parent.id,
            turn=parent.turn,
            user_says=beginning.messages[-1].content if parent.user_said else None,
        )

    @classmethod
    def in_meta(cls, meta: Mapping[str, str]) -> ForkNote | None:
        """The note in what a run knows about itself; None when it is no fork."""
        return cls(**orjson.loads(meta[PARENT])) if PARENT in meta else None

    @property
    def as_json(self) -> str:
        """The note as one line; forks of the same have the same."""
        told = {name: getattr(self, name) for name in ("run", "conversation", "id", "turn")}
        if self.user_says is not None:
            told["user_says"] = self.user_says
        return orjson.dumps(told).decode()

    def command(self, folder: Path, out: Path) -> str:
        """What to type to go on with this fork in *out* when its parent is in *folder*."""
        words = ["simkit", "fork", str(folder), str(self.conversation)]
        return shlex.join([*words, "--at", str(self.turn), "--out", str(out)])


def how_to_go_on(meta: Mapping[str, str], out: Path) -> str | None:
    """What to type to go on with the fork in *out*; None when it is none.

    Args:
        meta: What it knows about itself.
    """
    note = ForkNote.in_meta(meta)
    if note is None:
        return None
    folder = Path(meta.get(PARENT_FOLDER, note.run))
    if folder.is_dir():
        return note.command(folder, out)
    return (
        f"{note.command(folder, out)} (its parent is not in {folder} now; put the folder where it "
        "is in that place)"
    )
