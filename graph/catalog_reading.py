"""Reads catalog files one after the other into functions of one normal form."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from simkit.graph.catalog_records import MAX_REJECTIONS, Catalog, FileReport, Merge, Rejection
from simkit.graph.catalogs import FORMATS, recognise
from simkit.graph.catalogs.documents import documents
from simkit.graph.catalogs.entry import CatalogError, Entry, Fault
from simkit.graph.catalogs.names import UniqueNames
from simkit.graph.entry_function import MAX_NAME, NO_DESCRIPTION, Refused, function_of
from simkit.graph.merging import fill_in, find_repeats
from simkit.traces.functions import Function
from simkit.traces.one_line import one_line

OnProgress = Callable[[str, int], None]
"""Hears what is done (the name of a file, or `COMPARING`) and how many distinct functions
there are so far."""

COMPARING = "comparing"
"""What `OnProgress` hears when all files are read."""

_PROGRESS_EVERY = 200


@dataclass(slots=True)
class _File:
    """What one file has given so far."""

    path: Path
    source: str
    formats: Counter[str] = field(default_factory=Counter)
    merged_exact: int = 0
    merged_near: int = 0
    rejected: int = 0
    problem: str | None = None


@dataclass(slots=True)
class _Read:
    """A function that was read, and where it stood."""

    function: Function
    position: str
    file: _File
    repairs: Counter[str]
    is_merged: bool = False

    @property
    def name(self) -> str:
        """As the catalog has it."""
        return self.function.original_name or self.function.name

    def fill_in(self, other: Function) -> tuple[str, ...]:
        """Take over what *other*, which says the same, has in addition."""
        self.function, filled = fill_in(self.function, other)
        self.repairs.update(f"{what} taken from a duplicate" for what in filled)
        return filled


class Reading:
    """What has been read so far, over all files."""

    def __init__(self, *, near: bool, on_progress: OnProgress | None) -> None:
        self._near = near
        self._on_progress = on_progress or (lambda what, functions: None)
        self._files: list[_File] = []
        self._read: list[_Read] = []
        self._rejected: list[Rejection] = []
        self._names = UniqueNames()
        self._known: dict[bytes, _Read] = {}

    def read(
        self, path: Path, *, source: str, licence: str | None = None, domain: str = ""
    ) -> str | None:
        """Read one file; returns why it gave nothing, or nothing more, to follow its path.

        *licence* and *domain* hold for the functions that name none themselves.
        """
        file = _File(path, source)
        self._files.append(file)
        before, refused = self.usable, list[Rejection]()
        try:
            for at, entry in enumerate(_entries(file)):
                if at % _PROGRESS_EVERY == 0:
                    self._on_progress(path.name, len(self._read))
                if (rejection := self._take(entry, file, licence, domain)) is not None:
                    file.rejected += 1
                    refused.append(rejection)
                    del refused[MAX_REJECTIONS:]
        except CatalogError as error:
            file.problem = str(error).removeprefix(f"{path} ")
        else:
            if before == self.usable:
                file.problem = _nothing_usable(refused, file.rejected)
        self._keep_rejections(refused, file)
        return file.problem

    @property
    def usable(self) -> int:
        """Functions read so far, those that repeat an earlier one among them."""
        return len(self._read) + sum(file.merged_exact for file in self._files)

    def catalog(self) -> Catalog:
        """All that was read, near duplicates merged if so asked."""
        merges = self._merge_near() if self._near else ()
        kept = [read for read in self._read if not read.is_merged]
        return Catalog(
            functions=tuple(read.function for read in kept),
            rejected=tuple(self._rejected),
            merges=merges,
            files=_reports(self._files, kept),
        )

    def _take(
        self, entry: Entry | Fault, file: _File, licence: str | None, domain: str
    ) -> Rejection | None:
        """Add the function of *entry*, or say why there is none."""
        if isinstance(entry, Fault):
            return _rejection(entry, file.source, entry.reason)
        # Data sets repeat their functions row after row: those are known before they are read.
        spelled = _spelling(entry)
        if spelled in self._known:
            file.merged_exact += 1
            return None
        try:
            read = self._add(entry, file, licence, domain)
        except Refused as refusal:
            return _rejection(entry, file.source, str(refusal))
        if spelled:
            self._known[spelled] = read
        return None

    def _add(self, entry: Entry, file: _File, licence: str | None, domain: str) -> _Read:
        """The function of *entry*, new or known."""
        repairs = Counter(entry.repairs)
        function = function_of(entry, repairs, source=file.source)
        name = function.original_name or function.name
        content = _digest([name, function.description, function.parameters])
        if (known := self._known.get(content)) is not None:
            file.merged_exact += 1
            known.fill_in(function)
            return known
        unique = self._names.claim(function.name)
        if unique != function.name:
            repairs["name clash"] += 1
            function = replace(function, name=unique, original_name=name)
        function = replace(
            function,
            domain=function.domain or domain,
            licence=function.licence or licence,
        )
        read = _Read(function, entry.position, file, repairs)
        self._read.append(read)
        self._known[content] = read
        return read

    def _keep_rejections(self, refused: list[Rejection], file: _File) -> None:
        if not file.formats:
            # It holds something else, e.g. conversations: that is one problem, not thousands.
            file.rejected = 0
            return
        self._rejected += refused
        del self._rejected[MAX_REJECTIONS:]

    def _merge_near(self) -> tuple[Merge, ...]:
        self._on_progress(COMPARING, len(self._read))
        merges: list[Merge] = []
        for repeat in find_repeats([read.function for read in self._read]):
            kept, other = self._read[repeat.of], self._read[repeat.index]
            other.is_merged = True
            other.file.merged_near += 1
            merges.append(
                Merge(
                    kept=kept.function.name,
                    kept_source=kept.file.source,
                    name=other.name,
                    source=other.file.source,
                    position=other.position or _WHOLE,
                    likeness=repeat.likeness,
                    filled=kept.fill_in(other.function),
                )
            )
        return tuple(merges)


def _entries(file: _File) -> Iterator[Entry | Fault]:
    for document in documents(file.path):
        if isinstance(document, Fault):
            yield document
            continue
        form, entries = recognise(document)
        if form is not None:
            file.formats[form] += 1
        yield from entries


def _spelling(entry: Entry) -> bytes:
    """A digest of what makes the function; empty, which is nobody's, where it cannot be made."""
    try:
        return _digest([entry.name, entry.description, entry.parameters, entry.outputs])
    except (TypeError, orjson.JSONEncodeError):  # too deep, or half a surrogate pair
        return b""


def _digest(content: list[Any]) -> bytes:
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).digest()


_WHOLE = "the whole file"


def _rejection(entry: Entry | Fault, source: str, reason: str) -> Rejection:
    name = entry.name if isinstance(entry, Entry) else None
    return Rejection(
        source=source,
        position=entry.position or _WHOLE,
        name=one_line(name, limit=MAX_NAME) if isinstance(name, str) and name else None,
        reason=one_line(reason),
    )


def _nothing_usable(refused: list[Rejection], number: int) -> str:
    known = f"simkit reads {FORMATS}, as JSON, JSON Lines, YAML or CSV."
    if not refused:
        return f"holds no function; {known}"
    first = refused[0]
    return (
        f"holds no function that can be used ({number:,} refused); the first, "
        f"{first.position}, {first.reason}; {known}"
    )


def _reports(files: list[_File], kept: list[_Read]) -> tuple[FileReport, ...]:
    inside: dict[int, list[_Read]] = {id(file): [] for file in files}
    for read in kept:
        inside[id(read.file)].append(read)
    return tuple(_report(file, inside[id(file)]) for file in files)


def _report(file: _File, kept: list[_Read]) -> FileReport:
    repaired: Counter[str] = Counter()
    for read in kept:
        repaired.update(read.repairs)
    return FileReport(
        path=str(file.path),
        source=file.source,
        formats=tuple(form for form, _ in file.formats.most_common()),
        kept=len(kept),
        merged_exact=file.merged_exact,
        merged_near=file.merged_near,
        rejected=file.rejected,
        repaired=dict(repaired.most_common()),
        with_outputs=sum(read.function.outputs_origin == "declared" for read in kept),
        without_description=sum(NO_DESCRIPTION in read.repairs for read in kept),
        problem=file.problem,
    )
