"""YAML as JSON values: safe for text from anywhere, and with the scalars of YAML 1.2.

Built from the parser's events rather than with a PyYAML loader: those read ``no`` as false
and dates as dates, keep the last of two equal keys, and follow aliases without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from simkit.traces.one_line import one_line

MAX_DEPTH = 200
"""Lists and objects inside each other."""
MAX_VALUES = 5_000_000
"""Values of a document when aliases are written out; a few lines can stand for billions."""

_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_BASED = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,2})?")
_STRING_TAG = "tag:yaml.org,2002:str"


class YamlError(ValueError):
    """The text is no YAML that can be read; the message completes "FILE ..."."""


@dataclass(slots=True)
class _Open:
    """A list or an object that has begun."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    size: int = 1
    """Values in it, itself included, with aliases written out."""
    key: str | None = None
    """Of an object: the key that waits for its value."""
    merged: list[Any] = field(default_factory=list)
    """Of an object: what it takes over with ``<<``."""


def values_of(text: bytes) -> Iterator[Any]:
    """Each document of *text*, as what JSON can say; keys are the text they are written as.

    Dates, ``.nan`` and ``.inf`` stay text, and tags other than that of strings are ignored.

    Raises:
        YamlError: The text is broken, has a key twice, is nested over `MAX_DEPTH`, or its
            aliases stand for over `MAX_VALUES` values. Documents before it were given.
    """
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield _Document().value_of(events)
    except yaml.MarkedYAMLError as error:
        raise YamlError(f"is not valid YAML ({_what(error)})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise YamlError(f"is not valid YAML ({one_line(str(error))[:200]})") from error


def _what(error: yaml.MarkedYAMLError) -> str:
    problem = one_line(error.problem or error.context or "broken")[:200]
    mark = error.problem_mark or error.context_mark
    return f"{problem}, {_place(mark)}" if mark else problem


def _place(mark: Any) -> str:
    return f"line {mark.line + 1} column {mark.column + 1}"


class _Document:
    """Builds the value of one document."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        """Each value with its size."""
        self._root: Any = None

    def value_of(self, events: Iterator[Any]) -> Any:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent():
                    self._begin({}, event)
                case yaml.SequenceStartEvent():
                    self._begin([], event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentEndEvent():
                    break
        return self._root

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._awaits_key():
            self._key(event.value, event)
            return
        value = _scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, 1, event)

    def _begin(self, value: list[Any] | dict[str, Any], event: Any) -> None:
        if self._awaits_key():
            self._key(value, event)  # complains
        if len(self._open) == MAX_DEPTH:
            raise YamlError(f"is nested over {MAX_DEPTH} levels, {_place(event.start_mark)}")
        self._open.append(_Open(value, event.anchor))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for other in done.merged:
                for key, part in other.items():
                    done.value.setdefault(key, part)
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size)
        self._put(done.value, done.size, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        anchor = event.anchor or ""
        if anchor not in self._anchors:
            raise YamlError(
                f"uses *{anchor[:80]} before its value is complete, {_place(event.start_mark)}"
            )
        value, size = self._anchors[anchor]
        if self._awaits_key():
            self._key(value, event)
        else:
            self._put(value, size, event)

    def _awaits_key(self) -> bool:
        return bool(self._open) and (
            isinstance(self._open[-1].value, dict) and self._open[-1].key is None
        )

    def _key(self, key: Any, event: Any) -> None:
        if not isinstance(key, str):
            raise YamlError(f"has a key that is no text, {_place(event.start_mark)}")
        if key in self._open[-1].value:
            shown = one_line(key)[:80]
            raise YamlError(f"has the key {shown!r} twice, {_place(event.start_mark)}")
        self._open[-1].key = key

    def _put(self, value: Any, size: int, event: Any) -> None:
        if not self._open:
            self._root = value
            return
        top = self._open[-1]
        top.size += size
        if top.size > MAX_VALUES:
            raise YamlError(f"stands for over {MAX_VALUES:,} values, {_place(event.start_mark)}")
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key == "<<" and (others := _objects(value)) is not None:
            top.merged += others
        elif top.key is not None:
            top.value[top.key] = value
        top.key = None


def _objects(value: Any) -> list[Any] | None:
    """What a merge key takes over: an object, or a list of them; None for another value."""
    several = value if isinstance(value, list) else [value]
    return several if all(isinstance(each, dict) for each in several) else None


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = event.value
    if event.style or event.tag == _STRING_TAG:  # quoted, a block, or said to be text
        return text
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text
