"""The texts of a benchmark file, as hashes of their runs of 13 words."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import numpy as np
import orjson
from numpy.typing import NDArray

from simkit.filters.plain_words import plain_words
from simkit.traces.json_rows import DAMAGED_GZIP

NGRAM = 13
"""Words in a row that two texts must have in common."""

Ngrams = NDArray[np.uint64]

_CHUNK_BYTES = 2**20
_MOST_AT_ONCE = 4 * 2**20
"""Characters of a string, or of a word, that are looked at together."""
_SHORTEST = 2 * NGRAM - 1
"""Characters of the shortest text that has so many words."""
_GZIP = b"\x1f\x8b"
_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[\]{"0-9tfn-])')
# To its closing quote, to where the text ends, or to the end of the line: in what is no JSON
# quotes are thus taken the wrong way round for the rest of a line only.
_STRING = re.compile(r'"((?:[^"\\\n]++|\\[^\n])*+)("|\\?(?:\n|\Z))')
_PLAIN = frozenset({".csv", ".md", ".text", ".tsv", ".txt"})
_POWERS = np.array([pow(0x9E3779B97F4A7C15, i, 2**64) for i in range(NGRAM)], dtype=np.uint64)


class BenchmarkError(Exception):
    """A benchmark file cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """What stands in one file; takes 8 bytes a word."""

    path: Path
    ngrams: Ngrams
    """Of every run of words, ascending."""

    def holds(self, ngrams: Ngrams) -> NDArray[np.bool_]:
        """Which of *ngrams* stand in the file; a false yes is as rare as 1 in 10**9."""
        at = np.searchsorted(self.ngrams, ngrams)
        held: NDArray[np.bool_] = self.ngrams[np.minimum(at, len(self.ngrams) - 1)] == ngrams
        return held

    @property
    def digest(self) -> str:
        """The same for files with the same runs of words."""
        return hashlib.blake2b(self.ngrams.data, digest_size=16).hexdigest()


def ngrams(words: Sequence[str]) -> Ngrams:
    """The hash of each run of `NGRAM` words, in order; the same on every machine."""
    if len(words) < NGRAM:
        return np.empty(0, dtype=np.uint64)
    hashes = np.fromiter(
        (zlib.crc32(word.encode(errors="replace")) for word in words), np.uint64, len(words)
    )
    count = len(words) - NGRAM + 1
    runs = np.zeros(count, dtype=np.uint64)
    for offset, power in enumerate(_POWERS):
        runs += hashes[offset : offset + count] * power
    return runs


def read_benchmark(path: Path) -> Benchmark:
    """The runs of words in the file *path*: JSON and JSON Lines of any shape, of which every
    string is read, or CSV or plain text, read from end to end; plain or gzipped, UTF-8.

    Raises:
        BenchmarkError: It cannot be read, or has not one text of `NGRAM` words.

    Takes some 80 s for 1 GB, and memory for 8 bytes a word besides a piece of the file.
    """
    found = bytearray()
    # A pipe would be waited for, for ever.
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise _unusable(path, "is no regular file")
    try:
        with _opened(path) as file:
            for words in _passages(_decoded(file), path):
                found += ngrams(words).data
    except UnicodeDecodeError as error:
        raise _unusable(path, f"is not UTF-8 text ({error.reason})") from error
    except DAMAGED_GZIP as error:
        raise _unusable(path, f"is cut off or damaged gzip data ({error})") from error
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror or error}") from error
    if not found:
        raise _unusable(path, f"has no text of {NGRAM} words, so nothing can overlap with it")
    runs = np.frombuffer(found, dtype=np.uint64)
    runs.sort()
    return Benchmark(path, runs)


def _unusable(path: Path, why: str) -> BenchmarkError:
    return BenchmarkError(
        f"the benchmark file {path} {why}; expected JSON, JSON Lines, CSV or plain text"
    )


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    with path.open("rb") as plain:
        if not plain.peek(len(_GZIP)).startswith(_GZIP):
            yield plain
            return
        with gzip.open(plain) as unpacked:
            yield cast(BufferedIOBase, unpacked)


def _decoded(file: BufferedIOBase) -> Iterator[str]:
    """The text of *file* in pieces."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    while piece := file.read(_CHUNK_BYTES):
        if b"\0" in piece:
            raise UnicodeDecodeError("utf-8", b"", 0, 1, "it is binary data")
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _passages(pieces: Iterator[str], path: Path) -> Iterator[Sequence[str]]:
    """Words that stand in a row; of a long text several times, overlapping by one run."""
    first = next(pieces)
    is_json = _JSON.match(first) and not _PLAIN.intersection(path.suffixes)
    return (_of_json if is_json else _of_text)(_all(first, pieces))


def _all(first: str, others: Iterable[str]) -> Iterator[str]:
    yield first
    yield from others


def _of_json(pieces: Iterator[str]) -> Iterator[Sequence[str]]:
    """The words of each string."""
    rest = ""
    for piece in pieces:
        text, rest = rest + piece, ""
        for found in _STRING.finditer(text):
            goes_on = found[2] in ("", "\\")
            if goes_on and len(found[1]) < _MOST_AT_ONCE:
                rest = found[0]
                break
            if len(found[1]) >= _SHORTEST:
                yield from _of_string(_unescaped(found[1]))
            if goes_on:
                rest = f'"{found[2]}'


def _of_string(text: str) -> Iterator[Sequence[str]]:
    """The words of *text*, and of the strings in it where it is JSON once more."""
    yield plain_words(text)
    if "\\" in text and _JSON.match(text):
        yield from _of_json(iter([text]))


def _unescaped(written: str) -> str:
    try:
        value: str = orjson.loads(f'"{written}"')
    except ValueError:  # half of a surrogate pair, or what JSON does not know
        return written.replace("\\n", " ")
    return value


def _of_text(pieces: Iterator[str]) -> Iterator[Sequence[str]]:
    """The words of the whole text."""
    before: Sequence[str] = ()
    cut = ""
    for piece in pieces:
        text = cut + piece
        # The last word may go on in the next piece.
        whole = max(text.rfind(" "), text.rfind("\n")) + 1
        if not whole and len(text) < _MOST_AT_ONCE:
            cut = text
            continue
        whole = whole or len(text)
        text, cut = text[:whole], text[whole:]
        words = [*before, *plain_words(text)]
        yield words
        before = words[1 - NGRAM :]
    yield [*before, *plain_words(cut)]
