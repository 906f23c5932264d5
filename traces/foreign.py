"""Conversations that were made elsewhere, read from a file as trajectories, one at a time."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import TypeAdapter, ValidationError

from simkit.traces.exact_json import exact_json
from simkit.traces.formats import openai_messages, sharegpt, tau_bench, toolmind
from simkit.traces.formats.foreign_row import ForeignRow, UnreadableRow, linked
from simkit.traces.functions import Function
from simkit.traces.json_rows import DAMAGED_GZIP, BrokenRow, RawRow, raw_rows
from simkit.traces.one_line import one_line
from simkit.traces.records import Provenance, Scenario, Trajectory, TurnVerdict, Verdict
from simkit.traces.shallow_json import parse_json
from simkit.traces.version import __version__

ForeignFormat = Literal["openai", "sharegpt", "toolmind", "tau"]

ReadTools = Callable[[Any], tuple[Function, ...]]
"""Turns what a row says about tools into functions, or raises `UnreadableRow`."""

_READERS: Mapping[ForeignFormat, Callable[[dict[str, Any]], ForeignRow]] = {
    "openai": openai_messages.read,
    "sharegpt": sharegpt.read,
    "toolmind": toolmind.read,
    "tau": tau_bench.read,
}
_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ROWS_TRIED = 1000
"""Rows after which a file without a single object is taken for something else than JSON."""
_BEGINNING = 40
"""How much of such a file is shown, in characters."""
_PROVENANCE = TypeAdapter(Provenance)
_SCENARIO = TypeAdapter(Scenario)
_PLANNED = ("kind", "plan", "withheld", "dialogue", "persona")
_OUR_METADATA = frozenset({"scenario", "seed", "chain", "run_seed", "simkit", "notice"})


class ForeignFileError(Exception):
    """A file of conversations cannot be read as a whole; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One row that could be read."""

    position: str
    """``"line 12"``, or ``"[3]"`` for an item of an array."""
    id: str | int
    """As the row has it; otherwise made of the file's name and the row's number from 0."""
    trajectory: Trajectory
    """Messages are at the indexes of the row's own list, system messages among them."""
    system: str | None
    """A system prompt that stands beside the messages."""
    offers_tools: bool
    """Whether it is known what the assistant was offered, if only that it was nothing."""
    is_open: bool
    """The format ends its rows where a result or an answer would follow."""
    stated: Verdict | None
    """The turns to train on, where the row has weights."""
    notes: tuple[str, ...]
    """What was needed to read it: fixed sentences, to be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """One row that could not be read."""

    position: str
    reason: str
    """Completes a sentence about the row, e.g. ``"is not a JSON object"``."""


@dataclass(slots=True, kw_only=True)
class ForeignFile:
    """The conversations in an open file, read once; use `open_foreign`."""

    path: Path
    stream: BufferedReader
    form: ForeignFormat | None
    """None until the first row has told it."""
    read_tools: ReadTools
    offered: tuple[Function, ...] | None = field(default=None)
    """What conversations are offered whose rows do not say it."""

    def __iter__(self) -> Iterator[Conversation | RejectedRow]:
        """Each row, in the order of the file; memory holds one.

        Raises:
            ForeignFileError: The first row does not tell the format, the file is damaged, or
                nothing in it even begins like a row.
        """
        for raw in self._raw_rows():
            try:
                if not isinstance(raw, RawRow):
                    raise UnreadableRow(raw.reason)
                yield self._conversation(raw)
            except UnreadableRow as unreadable:
                yield RejectedRow(position=raw.position, reason=str(unreadable))

    def _raw_rows(self) -> Iterator[RawRow | BrokenRow]:
        """All rows; fails when none, or none of the first `_ROWS_TRIED`, begins like one."""
        beginning = self.stream.peek(4 * _BEGINNING)[: 4 * _BEGINNING]
        rows = raw_rows(self.stream)
        is_empty = True
        for raw in islice(rows, _ROWS_TRIED):
            is_empty = False
            yield raw
            if _begins_like_a_row(raw):
                yield from rows
                return
        if not is_empty:
            raise ForeignFileError(f"{self.path} {_what_it_is_instead(beginning)}")

    def _conversation(self, raw: RawRow) -> Conversation:
        value = _json_object(raw.text)
        if self.form is None:
            self.form = self._told_by(value, raw.position)
        row = _READERS[self.form](value)
        messages = linked(row)  # notes what it did in the row
        row_id = self._default_id(raw.index) if row.id is None else row.id
        offered = self.offered if row.tools is None else self.read_tools(row.tools)
        scenario, provenance = self._origin(value, raw.index, offered or ())
        return Conversation(
            position=raw.position,
            id=row_id,
            trajectory=Trajectory(
                id=str(row_id),
                scenario=scenario,
                intent=None,
                messages=messages,
                ended="user_done",
                provenance=provenance,
            ),
            system=row.system,
            offers_tools=offered is not None,
            is_open=row.is_open,
            stated=_stated(row),
            notes=tuple(row.notes),
        )

    def _told_by(self, value: dict[str, Any], position: str) -> ForeignFormat:
        form = format_of(value)
        if form is None:
            raise ForeignFileError(
                f"{self.path}: {position} does not tell which format it is in; name the format"
            )
        return form

    def _default_id(self, index: int) -> str:
        return f"{self.path.name.split('.')[0]}-{index}"

    def _origin(
        self, value: dict[str, Any], index: int, tools: tuple[Function, ...]
    ) -> tuple[Scenario, Provenance]:
        """Scenario and provenance: those that simkit wrote into the row, or foreign ones."""
        told = _metadata(value.get("metadata"))
        if told.keys() >= _OUR_METADATA:
            return _as_written(told, tools)
        model = value.get("model")
        return Scenario(number=index, seed=0, chain=(), tools=tools), Provenance(
            simkit=__version__,
            run_seed=0,
            models={"assistant": model} if isinstance(model, str) else {},
            prompts={},
            sources={self.path.name: ()},
            notice=f"Read from {self.path.name}; not made by simkit.",
        )


@contextmanager
def open_foreign(
    path: Path,
    form: ForeignFormat | None,
    read_tools: ReadTools,
    *,
    offered: tuple[Function, ...] | None = None,
) -> Iterator[ForeignFile]:
    """The conversations in *path*: JSON Lines, or one JSON array, plain or gzipped.

    Args:
        path: The file; its name becomes the source of what is read.
        form: None to go by the first row that is a JSON object, see `format_of`.
        read_tools: For what rows say about tools.
        offered: The functions of rows that say nothing about tools; None: unknown.

    Raises:
        OSError: It cannot be read.
        ForeignFileError: It is gzip data that is damaged before the first row.
    """
    try:
        with _opened(path) as stream:
            yield ForeignFile(
                path=path, stream=stream, form=form, read_tools=read_tools, offered=offered
            )
    except DAMAGED_GZIP as error:
        raise ForeignFileError(
            f"{path} is cut off or damaged gzip data ({error}); get the file again"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    with path.open("rb") as plain:
        if not plain.peek(len(_GZIP)).startswith(_GZIP):
            yield plain
            return
        with gzip.open(plain) as unpacked:
            yield cast(BufferedReader, unpacked)


def format_of(row: dict[str, Any]) -> ForeignFormat | None:
    """The format that *row* is in, as its keys tell it; None when they do not."""
    if "traj" in row or {"messages", "task_id", "reward"} <= row.keys():
        return "tau"
    if "messages" in row:
        return "openai"
    turns = row.get("conversations")
    first = turns[0] if isinstance(turns, list) and turns else None
    if not isinstance(first, dict) or ("from" in first) == ("role" in first):
        return None
    return "sharegpt" if "from" in first else "toolmind"


def _begins_like_a_row(raw: RawRow | BrokenRow) -> bool:
    """Whether *raw* may be a row, if perhaps a damaged one; a bare brace is spread-out JSON."""
    return not isinstance(raw, RawRow) or (raw.text.startswith(b"{") and len(raw.text) > 1)


def _what_it_is_instead(beginning: bytes) -> str:
    """A sentence about a file without rows that begins with *beginning*."""
    if beginning.startswith(_UTF_16):
        return "is UTF-16 text; save it as UTF-8"
    text = beginning.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    if text.lstrip().startswith("{"):
        return (
            "is JSON that is spread over several lines; put each conversation on one line "
            "(jq -c . FILE does that), or all of them in one array"
        )
    shown = one_line(text, limit=_BEGINNING)
    return (
        f"is not a file of JSON objects: it begins with {shown!r}; expected JSON Lines, with a "
        "conversation on each line, or one JSON array of conversations"
    )


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        value = exact_json(text)
    except ValueError as error:
        raise UnreadableRow(str(error)) from None
    if not isinstance(value, dict):
        raise UnreadableRow("is not a JSON object")
    return value


def _metadata(told: object) -> dict[str, Any]:
    """What simkit may have told in *told*: JSON text, or an object as earlier exports had it."""
    if isinstance(told, str):
        try:
            told = parse_json(told)
        except ValueError:
            return {}
    return told if isinstance(told, dict) else {}


def _as_written(told: dict[str, Any], tools: tuple[Function, ...]) -> tuple[Scenario, Provenance]:
    """Scenario and provenance from the metadata of an export of ours."""
    rest = dict(told)
    number, seed, chain = (rest.pop(key) for key in ("scenario", "seed", "chain"))
    names = isinstance(chain, list) and all(isinstance(name, str) for name in chain)
    if type(number) is not int or type(seed) is not int or not names:
        raise UnreadableRow("has metadata of simkit that is damaged: scenario, seed or chain")
    planned = {key: rest.pop(key) for key in _PLANNED if key in rest}
    try:
        scenario = _SCENARIO.validate_python(
            {"number": number, "seed": seed, "chain": chain, "tools": tools, **planned}
        )
        provenance = _PROVENANCE.validate_python(rest)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise UnreadableRow(f"has metadata of simkit that is damaged: {place}") from None
    return scenario, provenance


def _stated(row: ForeignRow) -> Verdict | None:
    if not any(message.weight is not None for message in row.messages):
        return None
    turns = tuple(
        TurnVerdict(index=index, ok=message.weight is not False)
        for index, message in enumerate(row.messages)
        if message.role == "assistant"
    )
    return Verdict(outcome="kept", turns=turns)
