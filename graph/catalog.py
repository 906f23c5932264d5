"""The functions of one or many catalogs, in the normal form that everything else speaks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from simkit.graph.catalogs import FORMATS, entries_of
from simkit.graph.catalogs.documents import documents
from simkit.graph.catalogs.entry import CatalogError, Document, Entry, Fault
from simkit.graph.catalogs.names import UniqueNames, legal_name, words_of
from simkit.graph.normal_form import (
    UnusableSchema,
    cut_description,
    normal_outputs,
    normal_parameters,
)
from simkit.traces.functions import Function

__all__ = ["Catalog", "CatalogError", "Rejection", "demo_catalog", "read_catalogs"]

MAX_NAME = 1_000
"""Characters of a name in a catalog; the legal part of it is 64 at most."""
MAX_LABEL = 200
"""Characters of a domain or a licence that are kept."""

_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_DEMO = Path(__file__).parent / "samples" / "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A place in a catalog that gave no function."""

    source: str
    position: str
    """E.g. ``"line 12"`` or ``"tools[3]"``."""
    name: str | None
    """The name in the catalog, where there is one."""
    reason: str
    """Completes a sentence about the function, e.g. ``"has no name"``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Functions in the order they were read, and what it took to read them."""

    functions: tuple[Function, ...]
    """Names are unique."""
    rejected: tuple[Rejection, ...]
    repaired: Mapping[str, int]
    """What was repaired in `functions` to how often, the most frequent first."""
    merged: int
    """Functions left out because an earlier one has the same name, description and parameters."""


def read_catalogs(paths: Sequence[Path], *, demo: bool = False) -> Catalog:
    """Read every function in *paths*, each a file or a folder of files.

    Files are JSON or JSON Lines, plain or gzipped; what is in them decides the format. Of a
    folder, the files named so are read in the order of their names, and others ignored.
    With *demo*, the functions that come with simkit follow.

    Raises:
        CatalogError: A path cannot be read, or gives not one function.
    """
    if not paths and not demo:
        raise CatalogError("no catalog is given; name a catalog file, or a folder of them.")
    reading = _Reading()
    for path in _files(paths):
        reading.read(path, source=_stem(path), licence=None)
    for path in sorted(_DEMO.glob("*.json")) if demo else ():
        reading.read(path, source="demo", licence="Apache-2.0")
    return reading.catalog()


def demo_catalog() -> Catalog:
    """The functions that come with simkit, from a dozen everyday domains."""
    return read_catalogs((), demo=True)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise CatalogError(f"{path} does not exist; name a catalog file or a folder of them.")
        if not path.is_dir():
            yield path
            continue
        inside = sorted(file for file in path.glob("*") if _is_catalog(file))
        if not inside:
            raise CatalogError(
                f"{path} holds no catalog: none of its files ends in {', '.join(_SUFFIXES)}."
            )
        yield from inside


def _is_catalog(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES) and path.is_file()


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return name.removesuffix(".json").removesuffix(".jsonl")


class _Refused(Exception):
    """A place in a file gives no function; the message becomes `Rejection.reason`."""


class _Reading:
    """What has been read so far, over all files."""

    def __init__(self) -> None:
        self._functions: list[Function] = []
        self._rejected: list[Rejection] = []
        self._repaired: Counter[str] = Counter()
        self._merged = 0
        self._names = UniqueNames()
        self._seen: set[bytes] = set()

    def catalog(self) -> Catalog:
        return Catalog(
            functions=tuple(self._functions),
            rejected=tuple(self._rejected),
            repaired=dict(self._repaired.most_common()),
            merged=self._merged,
        )

    def read(self, path: Path, *, source: str, licence: str | None) -> None:
        """Read one file; *licence* holds for the functions that name none themselves."""
        usable, rejected = len(self._functions) + self._merged, len(self._rejected)
        for entry in _entries(path):
            try:
                self._add(_checked(entry), source, _stem(path), licence)
            except _Refused as refusal:
                self._rejected.append(_rejection(entry, source, str(refusal)))
        if usable == len(self._functions) + self._merged:
            raise _nothing_usable(path, self._rejected[rejected:])

    def _add(self, entry: Entry, source: str, stem: str, licence: str | None) -> None:
        repairs: Counter[str] = Counter()
        description = _description(entry, repairs)
        parameters = _parameters(entry, repairs)
        if self._is_known(entry.name, description, parameters):
            self._merged += 1
            return
        outputs = _outputs(entry, repairs)
        name = self._name(entry.name, repairs)
        self._functions.append(
            Function(
                name=name,
                description=description,
                parameters=parameters,
                outputs=outputs,
                outputs_origin="absent" if outputs is None else "declared",
                domain=_label(entry.domain) or stem,
                original_name="" if name == entry.name else entry.name,
                source=source,
                licence=_label(entry.licence) or licence,
            )
        )
        self._repaired.update(repairs)

    def _is_known(self, name: str, description: str, parameters: dict[str, Any]) -> bool:
        content = orjson.dumps([name, description, parameters], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(content, digest_size=16).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return known

    def _name(self, original: str, repairs: Counter[str]) -> str:
        legal = legal_name(original)
        unique = self._names.claim(legal)
        if legal != original:
            repairs["illegal name"] += 1
        if unique != legal:
            repairs["name clash"] += 1
        return unique


def _entries(path: Path) -> Iterator[Entry | Fault]:
    for document in documents(path):
        if isinstance(document, Document):
            yield from entries_of(document)
        else:
            yield document


def _checked(entry: Entry | Fault) -> Entry:
    if isinstance(entry, Fault):
        raise _Refused(entry.reason)
    if not isinstance(entry.name, str) or not entry.name.strip():
        raise _Refused("has no name")
    if len(entry.name) > MAX_NAME:
        raise _Refused(f"has a name of over {MAX_NAME:,} characters")
    return entry


def _parameters(entry: Entry, repairs: Counter[str]) -> dict[str, Any]:
    try:
        return normal_parameters(entry.parameters, repairs, function_name=entry.name)
    except UnusableSchema as error:
        raise _Refused(f"declares parameters that {error}") from error


def _description(entry: Entry, repairs: Counter[str]) -> str:
    if isinstance(entry.description, str) and entry.description.strip():
        return cut_description(entry.description, repairs)
    repairs["missing description"] += 1
    return words_of(entry.name).capitalize() + "."


def _outputs(entry: Entry, repairs: Counter[str]) -> dict[str, Any] | None:
    if entry.outputs is None:
        return None
    found: Counter[str] = Counter()
    try:
        outputs = normal_outputs(entry.outputs, found)
    except UnusableSchema:  # the function can be called all the same
        repairs["unreadable outputs"] += 1
        return None
    repairs.update(found)
    return outputs


def _label(value: Any) -> str | None:
    return value[:MAX_LABEL] if isinstance(value, str) and value else None


def _rejection(entry: Entry | Fault, source: str, reason: str) -> Rejection:
    name = entry.name if isinstance(entry, Entry) else None
    return Rejection(
        source=source,
        position=entry.position or "the whole file",
        name=name[:MAX_NAME] if isinstance(name, str) and name else None,
        reason=reason,
    )


def _nothing_usable(path: Path, rejected: Sequence[Rejection]) -> CatalogError:
    known = f"simkit reads {FORMATS}, as JSON or JSON Lines."
    if not rejected:
        return CatalogError(f"{path} holds no function; {known}")
    first = rejected[0]
    return CatalogError(
        f"{path} holds no function that can be used ({len(rejected):,} refused); the first, "
        f"{first.position}, {first.reason}; {known}"
    )
