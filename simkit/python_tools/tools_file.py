"""A Python file as a source of functions, and as the client that runs them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import structlog

from simkit.config import ConfigError
from simkit.config_tools import ToolsSection, source_of
from simkit.graph.catalogs.entry import Entry
from simkit.graph.entry_function import Refused, function_of
from simkit.python_tools import MODEL
from simkit.python_tools.pool import Workers
from simkit.python_tools.process import CallFailed, CannotStart, Limits
from simkit.traces.arguments import schema_problem
from simkit.traces.calls import Answer, CallTimes, ChatRequest, Completion
from simkit.traces.functions import Function, Schema
from simkit.traces.one_line import one_line
from simkit.traces.shallow_json import parse_json

_log = structlog.get_logger()


class ToolsFile:
    """The functions of one file, which *workers* run; a `ChatClient`.

    A request's last message is JSON, ``{"name", "arguments"}``, with the name that the file
    knows. What goes wrong with the call is a result as well: ``{"error": {"type", "message"}}``.
    """

    model = MODEL

    def __init__(
        self, path: Path, digest: str, functions: tuple[Function, ...], workers: Workers
    ) -> None:
        self.path = path
        self.digest = digest
        """Of the file's content: sha256 in hex."""
        self.functions = functions
        self._workers = workers
        self._told: set[str] = set()
        """Functions of which the log tells that they break what they declare."""
        self._declared: dict[str, Schema] = {
            called(function): function.outputs
            for function in functions
            if function.outputs is not None
        }

    async def complete(self, request: ChatRequest) -> Answer:
        """Run the function; waits for a free worker.

        Raises:
            ConfigError: A worker had to be started anew, and the file is not what it was.

        Cancelling ends the worker in the middle of the call.
        """
        started_at, started = time.time(), time.monotonic()
        call = orjson.loads(request.messages[-1].content)
        result = await self._result(call["name"], call["arguments"])
        seconds = time.monotonic() - started
        return Answer(
            completion=Completion(content=orjson.dumps(result).decode(), model=MODEL),
            times=CallTimes(started_at=started_at, provider_seconds=seconds, total_seconds=seconds),
        )

    async def _result(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            line = await self._workers.call(name, arguments)
        except CallFailed as failed:
            return _error(failed.kind, str(failed))
        except CannotStart as cause:
            raise unusable(self.path, str(cause)) from cause
        try:
            result: dict[str, Any] = parse_json(line)
        except ValueError as invalid:
            return self._invalid(name, f"the result cannot be kept: {invalid}")
        declared = self._declared.get(name)
        if declared is None or "error" in result:
            return result
        problem = schema_problem(declared, result)
        if problem is None:
            return result
        return self._invalid(name, f"the result breaks the output schema: {problem.message}")

    def _invalid(self, name: str, why: str) -> dict[str, Any]:
        """An error in the place of a result: data must not teach to trust a broken shape."""
        if name not in self._told:  # else thousands of conversations would say the same
            self._told.add(name)
            _log.warning("a function gave what it does not declare", name=name, why=why)
        return _error("invalid_result", why)


def called(function: Function) -> str:
    """What the file of *function* calls it."""
    return function.original_name or function.name


def unusable(path: Path, why: str) -> ConfigError:
    """The error that the file *path* cannot be used."""
    return ConfigError(f"tools.python: {path}: {why}")


@asynccontextmanager
async def open_tools_file(path: Path, section: ToolsSection) -> AsyncIterator[ToolsFile]:
    """Import the file *path* in a worker; on leaving, all its workers end.

    Raises:
        ConfigError: It cannot be imported, or some function cannot be offered.
    """
    limits = Limits(
        seconds=section.timeout_seconds,
        memory_mb=section.memory_mb,
        max_output_bytes=section.max_output_bytes,
    )
    workers = Workers(path, limits, section.workers)
    try:
        digest, definitions = await workers.begin()
        functions = tuple(_function(definition, path) for definition in definitions)
        yield ToolsFile(path, digest, functions, workers)
    except CannotStart as cause:
        raise unusable(path, str(cause)) from cause
    finally:
        await workers.end()


def _function(definition: dict[str, Any], path: Path) -> Function:
    entry = Entry(
        position="TOOLS",
        name=definition["name"],
        description=definition["description"],
        parameters=definition["parameters"],
        outputs=definition.get("outputs"),
        domain=None,
        licence=None,
    )
    try:
        return function_of(entry, Counter(), source=source_of(path))
    except Refused as refusal:
        raise unusable(path, f"{definition['name']} {refusal}") from refusal


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": one_line(message)}}
