"""The operations of an OpenAPI document as catalog entries, one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside, kind
from simkit.graph.catalogs.openapi.references import References, Unresolved
from simkit.graph.catalogs.openapi.requests import (
    NotCallable,
    body_of,
    parameters_schema,
    swagger_body,
)
from simkit.graph.catalogs.openapi.responses import outputs_schema

MAX_OPERATIONS = 20_000
MAX_DECLARED = 1_000
"""Parameter objects of one operation that are looked at."""
MAX_PATH = 500
"""Characters of a path."""

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9]+")


@dataclass(frozen=True, slots=True)
class _Operation:
    """One method of one path."""

    method: str
    path: str
    around: dict[str, Any]
    """The path item."""
    declared: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"


def entries_of_paths(
    document: dict[str, Any], position: str, *, licence: Any
) -> Iterator[Entry | Fault]:
    """Every operation of *document* in its order, as an entry or a named fault.

    Lazy, one operation at a time: the schemas of one may be many times larger than what
    the document says about it. *licence* holds where the document names none.
    """
    reader = _Reader(document, position, licence)
    for number, found in enumerate(reader.operations()):
        if number == MAX_OPERATIONS:
            yield Fault(
                position=position, reason=f"has over {MAX_OPERATIONS:,} operations; split it"
            )
            return
        yield found if isinstance(found, Fault) else reader.entry(found)


class _Reader:
    """Reads the operations of one document."""

    def __init__(self, document: dict[str, Any], position: str, licence: Any) -> None:
        info = document.get("info")
        self._info = info if isinstance(info, dict) else {}
        self._document = document
        self._position = position
        self._licence = _licence(self._info) or licence
        self._references = References(document)

    def operations(self) -> Iterator[_Operation | Fault]:
        paths = self._document.get("paths")
        if not isinstance(paths, dict) or not paths:
            reason = "is an OpenAPI document without paths"
            yield Fault(position=self._position, reason=reason)
            return
        for path, item in paths.items():
            if path.startswith("x-"):
                continue
            yield from self._of_path(path, item)

    def _of_path(self, path: str, item: Any) -> Iterator[_Operation | Fault]:
        try:
            around = self._references.followed(item)
        except Unresolved as error:
            yield self._fault(path, str(error))
            return
        if not isinstance(around, dict):
            yield self._fault(path, f"is {kind(around)}, not a path with operations")
            return
        for method in _METHODS:
            if method not in around:
                continue
            declared = around[method]
            if isinstance(declared, dict):
                yield _Operation(method, path, around, declared)
            else:
                yield self._fault(
                    f"{method.upper()} {path}", f"is {kind(declared)}, not an operation"
                )

    def _fault(self, place: str, reason: str) -> Fault:
        return Fault(position=inside(self._position, place[:MAX_PATH]), reason=reason)

    def entry(self, operation: _Operation) -> Entry | Fault:
        repairs: list[str] = []
        try:
            parameters = self._parameters(operation, repairs)
        except NotCallable as error:
            return self._fault(operation.label, str(error))
        outputs = outputs_schema(operation.declared, self._references, repairs)
        return Entry(
            position=inside(self._position, operation.label[:MAX_PATH]),
            name=_name(operation),
            description=_description(operation),
            parameters=parameters,
            outputs=outputs,
            domain=self._domain(operation),
            licence=self._licence,
            repairs=tuple(repairs),
        )

    def _parameters(self, operation: _Operation, repairs: list[str]) -> dict[str, Any]:
        declared = [*chain(_parameters(operation.around), _parameters(operation.declared))]
        if len(declared) > MAX_DECLARED:
            raise NotCallable(
                f"declares {len(declared):,} parameters, over the limit of {MAX_DECLARED:,}"
            )
        body = body_of(operation.declared, self._references, repairs)
        body = body or swagger_body(declared, self._references)
        return parameters_schema(operation.path, declared, body, self._references, repairs)

    def _domain(self, operation: _Operation) -> Any:
        # Tags such as "users" recur in unrelated documents, and some documents give each
        # operation a tag of its own; what works together is the operations of one document.
        return self._info.get("title") or next(iter(_listed(operation.declared.get("tags"))), None)


def _parameters(holder: dict[str, Any]) -> list[Any]:
    return _listed(holder.get("parameters"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _licence(info: dict[str, Any]) -> Any:
    licence = info.get("license")
    if isinstance(licence, dict):
        return licence.get("identifier") or licence.get("name")
    return licence


def _name(operation: _Operation) -> str:
    given = operation.declared.get("operationId")
    if isinstance(given, str) and given.strip():
        return given
    path = re.sub(r"\{([^{}/]*)\}", r"by_\1", operation.path[:MAX_PATH])
    return _ILLEGAL.sub("_", f"{operation.method}_{path}").strip("_")


def _description(operation: _Operation) -> str | None:
    for holder in (operation.declared, operation.around):
        summary, description = (_text(holder.get(key)) for key in ("summary", "description"))
        if description.casefold().startswith(summary.rstrip(".").casefold()):
            summary = ""
        whole = "\n\n".join(part for part in (summary, description) if part)
        if whole:
            return whole
    return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
