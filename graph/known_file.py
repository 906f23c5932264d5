"""What is known of the functions of a catalog, as a file: arrays one after another, in numpy's
own format, and a checksum of them."""

from __future__ import annotations

import math
import mmap
import os
import zlib
from collections.abc import Iterator
from dataclasses import fields
from typing import IO, Any

import numpy as np
import numpy.lib.format as npy
import orjson
from numpy.typing import NDArray

from simkit.graph.facts import TABLES, Facts, FunctionColumns, ParameterColumns
from simkit.graph.known import Known

_ALIGNED = 64
"""Arrays begin at multiples of so many bytes."""


def write_known(known: Known, file: IO[bytes]) -> None:
    """Write *known* to *file*; the same gives the same bytes.

    Raises:
        OSError: It cannot be written.
    """
    checksum = 0
    for array in _arrays(known):
        _save(file, array)
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    _save(file, np.array([checksum]))


def read_known(file: IO[bytes]) -> Known:
    """What `write_known` wrote to *file*, on a machine of the same kind.

    Raises:
        OSError, ValueError: It cannot be read, or is damaged.
    """
    try:
        return _read(file)
    except (EOFError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"it is damaged: {error!r}") from error


def _read(file: IO[bytes]) -> Known:
    reader = _Reader(file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    tables = orjson.loads(reader.array().tobytes())
    facts = Facts(
        outputs=ParameterColumns(*reader.columns(ParameterColumns)),
        inputs=ParameterColumns(*reader.columns(ParameterColumns)),
        functions=FunctionColumns(*reader.columns(FunctionColumns)),
        **{name: tables[name] for name in TABLES},
    )
    known = Known(facts, texts=reader.array(), phrases=reader.array())
    checksum = reader.checksum
    if reader.array().tolist() != [checksum]:
        raise ValueError("its checksum is wrong")
    return known


class _Reader:
    """Arrays as they lie in the file: what is not looked at takes no memory."""

    def __init__(self, file: IO[bytes], content: mmap.mmap) -> None:
        self._file = file
        self._content = content
        self.checksum = 0

    def array(self) -> NDArray[Any]:
        """The next array."""
        file = self._file
        file.seek(file.tell() + -file.tell() % _ALIGNED)
        if npy.read_magic(file) != (1, 0):
            raise ValueError("it is of another format")
        shape, _, dtype = npy.read_array_header_1_0(file)
        count = math.prod(shape)
        array = np.frombuffer(self._content, dtype, count, file.tell()).reshape(shape)
        file.seek(array.nbytes, os.SEEK_CUR)
        self.checksum = zlib.crc32(array.data, self.checksum)
        return array

    def columns(self, side: type[ParameterColumns] | type[FunctionColumns]) -> list[NDArray[Any]]:
        """As many as *side* has fields."""
        return [self.array() for _ in fields(side)]


def _save(file: IO[bytes], array: NDArray[Any]) -> None:
    file.write(bytes(-file.tell() % _ALIGNED))
    npy.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def _arrays(known: Known) -> Iterator[NDArray[Any]]:
    facts = known.facts
    tables = {name: list(getattr(facts, name)) for name in TABLES}
    yield np.frombuffer(orjson.dumps(tables), np.uint8)
    for side in (facts.outputs, facts.inputs, facts.functions):
        yield from (getattr(side, one.name) for one in fields(side))
    yield known.texts
    yield known.phrases
