"""Conversations against the stand-in provider in this process, with the mistakes it made."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from simkit.bus import Bus
from simkit.config_file import load_config
from simkit.filters.calibration import Labelled, Mistake, assistant_turns
from simkit.log import STDERR, configure_log
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.brain_contract import Reply
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.records import Message, Trajectory
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader

_OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 6,
    "filters.judge": False,
    "run.concurrency": 64,
}


async def played_by_standin(rate: float, conversations: int, seed: int) -> list[Labelled]:
    """Play against a stand-in whose assistant errs at *rate*; what came to its end, labelled.

    What is not labelled is sound, also after a mistake: the stand-in labels all that it does.
    The run is played in a folder of its own, which is removed.

    Raises:
        StandinError: *rate* is no share.
    """
    settings = StandinSettings(seed=seed, mistakes=rate)
    brain = _Labelling(ScriptedBrain(mistakes=rate))
    configure_log(secrets=(), warnings=STDERR)
    with TemporaryDirectory(prefix="simkit-calibrate-") as folder:
        out = Path(folder) / "run"
        async with running(settings, brain) as base_url:
            asked = {"provider.base_url": base_url, "run.conversations": conversations}
            await run(load_config(None, {**_OPTIONS, **asked, "run.seed": seed}), out, Bus())
        with RunReader(RunDirectory.open(out).database_path) as reader:
            finished = [
                stored.trajectory
                for stored in reader.trajectories()
                if stored.trajectory.ended == "user_done"
            ]
    return [brain.labelled(trajectory) for trajectory in finished]


class _Labelling:
    """A brain that remembers which of its replies were mistakes.

    A label is found again by what the reply said and what had been said before; ids of calls
    do not serve, since the assistant agent gives its own.
    """

    def __init__(self, inner: ScriptedBrain) -> None:
        self._inner = inner
        self._labels: dict[bytes, str] = {}

    def reply(self, body: dict[str, Any], draw: random.Random) -> Reply:
        reply = self._inner.reply(body, draw)
        if reply.mistake is not None:
            history = [_of_wire(message) for message in body["messages"]]
            calls = [arguments for _, arguments in reply.tool_calls]
            self._labels[_key([part for part in history if part], calls)] = reply.mistake
        return reply

    def labelled(self, trajectory: Trajectory) -> Labelled:
        """*trajectory* with the mistakes that were made in it."""
        messages = trajectory.messages
        history = [_of_message(message) for message in messages]
        labels: dict[int, str] = {}
        for turn in assistant_turns(trajectory, len(messages)):
            calls = [call.arguments for call in messages[turn].tool_calls]
            label = self._labels.get(_key(history[:turn], calls))
            if label is not None:
                labels[turn] = label
        return Labelled(
            trajectory=trajectory,
            mistakes=tuple(Mistake(kind=kind, turns=(turn,)) for turn, kind in labels.items()),
            sound=tuple(
                turn for turn in assistant_turns(trajectory, len(messages)) if turn not in labels
            ),
        )


_Part = Sequence[Any]


def _of_wire(message: dict[str, Any]) -> _Part:
    if message["role"] == "system":
        return ()
    calls = message.get("tool_calls") or ()
    return _part(
        message["role"],
        message.get("content") or "",
        (call["function"]["arguments"] for call in calls),
    )


def _of_message(message: Message) -> _Part:
    return _part(message.role, message.content, (call.arguments for call in message.tool_calls))


def _part(role: str, content: str, calls: Iterable[str]) -> _Part:
    return (role, content, list(calls))


def _key(history: Sequence[_Part], calls: Sequence[str]) -> bytes:
    return orjson.dumps([history, calls])
