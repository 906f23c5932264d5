"""The process that runs the functions of one file: ``python -m simkit.python_tools.worker FILE``.

It speaks JSON lines. The first one it writes tells what it has, ``{"digest", "definitions"}``,
or the ``problem`` for which it has nothing. Each line it then reads is a call,
``{"number", "name", "arguments"}``, and is answered by one line: the number, a space, and the
result as a JSON object. Whatever the functions print goes nowhere. When its input ends, as it
does when whoever started it has died, it ends with all that it started, in the middle of a call
too.

``MEMORY_MB`` and ``MAX_OUTPUT_BYTES`` follow FILE on the command line.
"""

from __future__ import annotations

import hashlib
import os
import queue
import resource
import signal
import sys
import threading
import traceback
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import typing_extensions
from pydantic_core import from_json, to_json

from simkit.python_tools.definitions import Tool, UnusableFile, WrongArguments, tools_of
from simkit.traces.one_line import one_line

_MODULE = "simkit_tools_file"
"""What the file is imported as: no name that another module may have."""


def main(path: Path, memory_mb: int, max_output_bytes: int) -> None:
    """Serve calls of the functions in the file *path* until the input ends."""
    calls, results = _own_streams()
    lines = _lines(calls)
    _limit(memory_mb)
    try:
        digest, tools = _loaded(path)
        first = {"digest": digest, "definitions": [tool.definition for tool in tools.values()]}
        _write(results, to_json(first))
    except UnusableFile as problem:
        _write(results, to_json({"problem": one_line(str(problem))}))
        return
    own = os.getpid()
    while True:
        call = from_json(lines.get())
        result = answer(tools, call, max_output_bytes)
        if os.getpid() != own:  # a function has forked; calls are not for its child
            os._exit(0)
        _write(results, b"%d %b" % (call["number"], result))


def answer(tools: Mapping[str, Tool], call: Mapping[str, Any], max_output_bytes: int) -> bytes:
    """The result of *call* as the JSON of an object, errors too."""
    try:
        returned = tools[call["name"]].call(call["arguments"])
    except WrongArguments as wrong:
        return _error("invalid_arguments", str(wrong))
    except BaseException as error:
        return _error(type(error).__name__, _message(error))
    try:
        encoded = to_json(returned, inf_nan_mode="null")
    except MemoryError:
        return _error("MemoryError", "the result takes more memory than there is")
    except Exception as error:  # objects may say anything when they are looked into
        kind = type(returned).__name__
        problem = f"the function returned a {kind} that JSON cannot hold: {_message(error)}"
        return _error("unserialisable_result", problem)
    if not encoded.startswith(b"{"):
        encoded = b'{"result":%b}' % encoded
    if len(encoded) > max_output_bytes:
        size = f"{len(encoded):,} bytes, over the limit of {max_output_bytes:,}"
        return _error("output_too_large", f"the result takes {size}")
    return encoded


def _error(kind: str, message: str) -> bytes:
    return to_json({"error": {"type": one_line(kind), "message": one_line(message)}})


def _message(error: BaseException) -> str:
    try:
        return str(error).strip() or f"the function raised {type(error).__name__}"
    except Exception:
        return f"the function raised {type(error).__name__}"


def _loaded(path: Path) -> tuple[str, dict[str, Tool]]:
    """The digest of the file's content, and the functions in its ``TOOLS``.

    Raises:
        UnusableFile: It cannot be imported, or some function cannot be offered.
    """
    if sys.version_info < (3, 12):  # where pydantic reads no other TypedDict than this one
        vars(typing)["TypedDict"] = typing_extensions.TypedDict
    sys.dont_write_bytecode = True
    sys.path.append(str(path.parent))
    sys.argv[:] = [str(path)]
    module = sys.modules[_MODULE] = types.ModuleType(_MODULE)
    module.__file__ = str(path)
    try:
        content = path.read_bytes()
        # Not by the import system, so that the digest is of what runs.
        exec(compile(content, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the user's own code
    except SyntaxError as error:
        raise UnusableFile(f"line {error.lineno}: {error.msg}") from error
    except BaseException as error:
        place = _line_of(error, path)
        raise UnusableFile(f"{place}{type(error).__name__}: {_message(error)}") from error
    return hashlib.sha256(content).hexdigest(), tools_of(getattr(module, "TOOLS", None))


def _line_of(error: BaseException, path: Path) -> str:
    """Where in the file *error* was raised, or what it called raised it: ``line 3: ``."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f"line {lines[-1]}: " if lines else ""


def _limit(memory_mb: int) -> None:
    # Not the address space, most of which is never used: libraries reserve a lot of it.
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = memory_mb * 2**20
    data = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Input and output for calls; what the functions read is empty, what they print is dropped."""
    own = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    return own


def _lines(calls: BinaryIO) -> queue.SimpleQueue[bytes]:
    """Where each call arrives; a thread reads them, and notices the end while others work."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        for line in calls:
            lines.put(line)
        _end()

    threading.Thread(target=read, daemon=True).start()
    return lines


def _end() -> typing.NoReturn:
    if os.getpgrp() == os.getpid():  # the group is of this process, and what it has started
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _write(results: BinaryIO, line: bytes) -> None:
    results.write(line + b"\n")
    results.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
