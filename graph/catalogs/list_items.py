"""Where the items of a JSON list begin and end, in a text of which one may be broken.

Only strings, brackets and commas are looked at, whatever stands between them, so that a value
that no JSON may hold, or one nested thousands deep, costs the item that it is in and no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_INNER = re.compile(_STRING + rb'|[\[\]{}"]', re.DOTALL)
_OUTER = re.compile(_STRING + rb'|[\[\]{},"]', re.DOTALL)
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")


def item_spans(text: bytes) -> list[tuple[int, int]] | None:
    """Start and end of each item of the list that is the whole of *text*, in order.

    None where it is no list, or one whose strings and brackets do not end as they should.
    Linear in the size of *text*.
    """
    begin = len(text) - len(text.lstrip())
    if text[begin : begin + 1] != b"[":
        return None
    spans: list[tuple[int, int]] = []
    start = begin + 1
    for at, mark in _outer_marks(text, start):
        if mark == b"," or (spans or text[start:at].strip()):
            spans.append((start, at))
        start = at + 1
        if mark == b"]":
            return None if text[start:].strip() else spans
    return None


def _outer_marks(text: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The commas between the items from *at* on, and the bracket that ends the list.

    Ends without that bracket where the text does, or where a string or bracket is out of place.
    """
    while found := _OUTER.search(text, at):
        mark, at = found[0], found.end()
        if mark in _OPENING:
            at = _end_of_brackets(text, at)
            if not at:
                return
        elif mark in (b",", b"]"):
            yield found.start(), mark
        elif mark in (b'"', b"}"):
            return


def _end_of_brackets(text: bytes, at: int) -> int:
    """The place after what closes the bracket before *at*; 0 where nothing does."""
    depth = 1
    for found in _INNER.finditer(text, at):
        mark = found[0]
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth -= 1
        elif mark == b'"':
            return 0
        if not depth:
            return found.end()
    return 0
