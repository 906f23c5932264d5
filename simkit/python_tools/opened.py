"""All Python files of a run: what they offer, what is noted of them, who runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from simkit.clients.journaled import Journal, Journaled
from simkit.config import ConfigError
from simkit.config_tools import ToolsSection, source_of
from simkit.drain import Drain, Drainable
from simkit.python_tools.tools_file import ToolsFile, called, open_tools_file
from simkit.traces.functions import Function
from simkit.traces.voice import Voice

_NOTED = "tools"
"""Where a run notes the files and their digests."""


@dataclass(frozen=True, slots=True)
class PythonTools:
    """The files, each by its source."""

    files: Mapping[str, ToolsFile] = field(default_factory=dict)

    @property
    def functions(self) -> tuple[Function, ...]:
        """Those of all files, in order; two may have the same name."""
        return tuple(function for file in self.files.values() for function in file.functions)

    @property
    def notes(self) -> Mapping[str, str]:
        """What is to be known of them about a run."""
        digests = {source: file.digest for source, file in self.files.items()}
        return {_NOTED: orjson.dumps(digests).decode()} if digests else {}

    def check_same(self, meta: Mapping[str, str], place: Path) -> None:
        """Make sure that the run at *place*, which notes *meta*, was made with the same files.

        Raises:
            ConfigError: Some have changed since.
        """
        noted: Mapping[str, str] = orjson.loads(meta.get(_NOTED, "{}"))
        changed = [
            f"tools.python: the run in {place} was made with another content of {file.path}, and "
            "going on would mix two sets of data; put it back as it was, or choose a new folder "
            "with --out"
            for source, file in self.files.items()
            if noted.get(source, file.digest) != file.digest
        ]
        if changed:
            raise ConfigError(*changed)

    def check_offered(self, functions: Iterable[Function]) -> None:
        """Make sure that those of *functions* that are said to come from a file are offered there.

        Raises:
            ConfigError: Some are not, or otherwise: a catalog has them, or what the file imports
                has changed.
        """
        problems = list(self._not_offered(functions))
        if problems:
            raise ConfigError(*problems)

    def voices(self, journal: Journal, drain: Drain) -> dict[str, Voice]:
        """Source to the voice of who runs its functions; results are in *journal* before use."""
        return {
            source: Voice(role="tool", client=Journaled(Drainable(file, drain), journal))
            for source, file in self.files.items()
        }

    def _not_offered(self, functions: Iterable[Function]) -> Iterator[str]:
        offered = {(one.source, called(one)): one.parameters for one in self.functions}
        for one in functions:
            if one.source not in self.files:
                continue
            if offered.get((one.source, called(one))) != one.parameters:
                yield (
                    f"tools.python: {called(one)} is said to come from {one.source}, which does "
                    "not offer it so; leave it out of the catalogs, or put back what the file "
                    "imports"
                )


@asynccontextmanager
async def open_python_tools(section: ToolsSection) -> AsyncIterator[PythonTools]:
    """Import every file, each in a process of its own; on leaving, all processes end.

    Raises:
        ConfigError: Some file cannot be used.
    """
    async with AsyncExitStack() as stack:
        files: dict[str, ToolsFile] = {}
        for path in section.python:
            file = await stack.enter_async_context(open_tools_file(path, section))
            files[source_of(path)] = file
        yield PythonTools(files)
