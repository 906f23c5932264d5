"""Functions of Python files that really run, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import anyio
import orjson
import pytest

from simkit.config import ConfigError
from simkit.config_file import load_config
from simkit.config_tools import ToolsSection
from simkit.python_tools.definitions import UnusableFile, tools_of
from simkit.python_tools.opened import open_python_tools
from simkit.python_tools.process import CallFailed, CannotStart, Limits, Worker
from simkit.python_tools.tools_file import ToolsFile, open_tools_file
from simkit.traces.calls import CallSite, ChatRequest
from simkit.traces.functions import Function
from simkit.traces.records import Message

SHOP = """
    from __future__ import annotations

    import os
    import subprocess
    import time
    from datetime import date
    from typing import TypedDict

    class OrderUnknown(Exception):
        pass

    class Order(TypedDict):
        order_id: str
        total: float

    def find_order(order_id: str, on: date | None = None) -> Order:
        '''Find an order by
        its id.

        Whatever else there is to say.

        Args:
            order_id: Id of the order,
                as on the bill.
        '''
        print("looking")
        if order_id == "broken":
            return {"order_id": order_id}
        if order_id != "A-1":
            raise OrderUnknown(f"no order {order_id}\\nat all")
        return {"order_id": order_id, "total": 20.5 if on is None else on.year}

    def names() -> list[str]:
        return sorted({"b", "a"})

    def environment() -> dict:
        return dict(os.environ)

    def folder() -> str:
        return os.getcwd()

    def odd(kind: str):
        if kind == "object":
            return {"one": object()}
        if kind == "flood":
            return "x" * 100_000
        if kind == "deep":
            value = []
            for _ in range(150):
                value = [value]
            return value
        if kind == "memory":
            return len(bytearray(400 * 2**20))
        if kind == "exit":
            raise SystemExit(3)
        if kind == "crash":
            os._exit(7)
        alive = open(os.path.join(os.path.dirname(__file__), "alive"), "w")
        print("yes", file=alive, flush=True)
        subprocess.Popen(["sleep", "60"], stdout=alive)
        time.sleep(60)

    odd.schema = {
        "name": "be_odd",
        "description": "Go wrong.",
        "parameters": {"type": "object", "properties": {"kind": {"type": "string"}}},
    }
    TOOLS = [find_order, names, environment, folder, odd]
"""
SECTION = ToolsSection(workers=1, timeout_seconds=0.5, memory_mb=300, max_output_bytes=20_000)

Call = Callable[..., Awaitable[Any]]


def written(folder: Path, text: str = SHOP, name: str = "shop.py") -> Path:
    path = folder / name
    path.write_text(dedent(text))
    return path


def names(folder: Path | str) -> list[str] | None:
    """What is in *folder*; None where there is none."""
    found = Path(folder)
    return [path.name for path in found.iterdir()] if found.exists() else None


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[int]:
    """A pipe beside the file; whatever hangs holds its other end for as long as it lives."""
    os.mkfifo(tmp_path / "alive")
    reading = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    yield reading
    os.close(reading)


async def ended(alive: int) -> None:
    """Wait until nobody holds the other end of *alive*, which somebody has written to."""
    with anyio.fail_after(10):
        await anyio.wait_readable(alive)
        while os.read(alive, 100):
            await anyio.wait_readable(alive)


@dataclass
class Opened:
    """A file, and a short way to call its functions."""

    file: ToolsFile

    async def call(self, name: str, **arguments: Any) -> Any:
        content = orjson.dumps({"name": name, "arguments": arguments}).decode()
        request = ChatRequest(
            site=CallSite(scenario=0, role="tool", turn=1),
            messages=(Message(role="user", content=content),),
        )
        answer = await self.file.complete(request)
        assert answer.completion.model == self.file.model == "python"
        return orjson.loads(answer.completion.content)

    @property
    def functions(self) -> dict[str, Function]:
        return {function.name: function for function in self.file.functions}


@asynccontextmanager
async def opened(path: Path, section: ToolsSection = SECTION) -> AsyncIterator[Opened]:
    async with open_tools_file(path, section) as file:
        yield Opened(file)


async def test_functions_are_described_by_hints_and_docstrings_and_run(tmp_path: Path) -> None:
    async with opened(written(tmp_path)) as shop:
        find = shop.functions["find_order"]
        assert find.description == "Find an order by its id."
        assert find.source == "shop.py"
        assert find.outputs_origin == "declared"
        assert find.parameters["required"] == ["order_id"]
        assert find.parameters["properties"]["order_id"] == {
            "type": "string",
            "description": "Id of the order, as on the bill.",
        }
        assert find.outputs is not None
        assert set(find.outputs["properties"]) == {"order_id", "total"}
        assert shop.functions["environment"].outputs is None  # nothing is known of it
        assert shop.functions["be_odd"].description == "Go wrong."
        assert await shop.call("find_order", order_id="A-1") == {"order_id": "A-1", "total": 20.5}
        dated = await shop.call("find_order", order_id="A-1", on="1999-01-31")
        assert dated["total"] == 1999  # the function got a date, not a text
        assert await shop.call("names") == {"result": ["a", "b"]}
        wrong = await shop.call("find_order", order_id="A-1", on="tomorrow")
        assert wrong["error"]["type"] == "invalid_arguments"
        assert "on" in wrong["error"]["message"]


async def test_what_goes_wrong_in_a_function_is_a_result(tmp_path: Path) -> None:
    async with opened(written(tmp_path)) as shop:
        unknown = await shop.call("find_order", order_id="B")
        assert unknown == {"error": {"type": "OrderUnknown", "message": "no order B at all"}}
        kinds = {
            kind: (await shop.call("be_odd", kind=kind))["error"]["type"]
            for kind in ("object", "flood", "deep", "memory", "exit")
        }
        assert kinds == {
            "object": "unserialisable_result",
            "flood": "output_too_large",
            "deep": "invalid_result",
            "memory": "MemoryError",
            "exit": "SystemExit",
        }
        broken = (await shop.call("find_order", order_id="broken"))["error"]
        assert broken["type"] == "invalid_result"  # the hint promises a total
        assert "total" in broken["message"]
        assert await shop.call("names") == {"result": ["a", "b"]}  # by the same process


async def test_a_call_that_hangs_or_ends_the_process_gives_way_to_a_fresh_one(
    tmp_path: Path, alive: int
) -> None:
    async with opened(written(tmp_path)) as shop:
        hung = await shop.call("be_odd", kind="hang")
        assert hung["error"]["type"] == "timeout"
        assert "0.5 s" in hung["error"]["message"]
        await ended(alive)  # what it had started is gone as well
        crashed = await shop.call("be_odd", kind="crash")
        assert crashed["error"]["type"] == "crashed"
        assert "exit code 7" in crashed["error"]["message"]
        assert await shop.call("names") == {"result": ["a", "b"]}


async def test_a_function_that_forks_does_not_mix_up_later_results(tmp_path: Path) -> None:
    path = tmp_path / "forks.py"
    path.write_text(
        dedent("""
            import os

            def split(a: int) -> dict:
                os.fork()
                return {"split": a}

            def write(a: int) -> dict:
                for stream in range(3, 9):
                    try:
                        os.write(stream, b'1 {"a": "lie"}\\n')
                    except OSError:
                        pass
                return {"wrote": a}

            TOOLS = [split, write]
        """)
    )
    limits = Limits(seconds=20, memory_mb=512, max_output_bytes=10_000)
    worker = await Worker.start(path, limits)
    try:
        for number in range(4):
            assert orjson.loads(await worker.call("split", {"a": number})) == {"split": number}
        with pytest.raises(CallFailed, match="broken into the results"):
            await worker.call("write", {"a": 1})
    finally:
        await worker.stop()


async def test_keys_are_not_in_the_environment_and_files_go_to_a_folder_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with opened(written(tmp_path)) as shop:
        seen = await shop.call("environment")
        assert not seen.keys() - {"HOME", "LANG", "PATH", "PYTHONPATH", "PYTHONHASHSEED"}
        folder = (await shop.call("folder"))["result"]
        assert names(folder) == []
    assert names(folder) is None
    assert names(tmp_path) == ["shop.py"]  # no bytecode beside it


async def test_a_cancelled_call_ends_its_process_and_a_changed_file_ends_the_run(
    tmp_path: Path, alive: int
) -> None:
    path = written(tmp_path)
    async with opened(path, SECTION.model_copy(update={"timeout_seconds": 60.0})) as shop:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(shop.call, "be_odd", kind="hang"))
            await anyio.wait_readable(alive)
            group.cancel_scope.cancel()
        await ended(alive)
        path.write_text(path.read_text() + "\nTOOLS = TOOLS[:1]\n")
        with pytest.raises(ConfigError, match=r"shop\.py: it has changed since the run began"):
            await shop.call("names")


async def test_a_worker_ends_when_its_input_does_in_the_middle_of_a_call(
    tmp_path: Path, alive: int
) -> None:
    command = [sys.executable, "-m", "simkit.python_tools.worker", str(written(tmp_path))]
    async with await anyio.open_process(
        [*command, "300", "1000"], stderr=subprocess.DEVNULL, start_new_session=True
    ) as worker:
        assert worker.stdin is not None
        await worker.stdin.send(b'{"name":"be_odd","arguments":{"kind":"hang"}}\n')
        await anyio.wait_readable(alive)
        await worker.stdin.aclose()
        await ended(alive)
        assert await worker.wait() == -9


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(x: int) -> int:\n    return x\n", "has no list TOOLS"),
        ("\nTOOLS = [f\n", "line 2: '[' was never closed"),
        ("x = 1\nimport nowhere_at_all\n", "line 2: ModuleNotFoundError: No module named"),
        ("import os\nos._exit(4)\n", "importing it ended its process (exit code 4)"),
    ],
)
async def test_a_file_that_cannot_be_imported_is_refused_with_its_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        async with open_tools_file(path, SECTION):
            pass
    (told,) = refused.value.problems
    assert told.startswith(f"tools.python: {path}: ")
    assert problem in told


async def test_an_import_that_hangs_is_given_up(tmp_path: Path) -> None:
    path = written(tmp_path, "while True: pass\n")
    limits = Limits(seconds=1, memory_mb=300, max_output_bytes=1_000, import_seconds=0.5)
    with pytest.raises(CannotStart, match=r"importing it takes over 0\.5 s"):
        await Worker.start(path, limits)


def hintless(order_id, on: int = 1) -> None: ...  # type: ignore[no-untyped-def]


def starred(*order_ids: str) -> None: ...


def opaque(thing: Path | Awaitable[int]) -> None: ...


async def waiting() -> None: ...


def schemed() -> None: ...


schemed.schema = {"name": "schemed"}  # type: ignore[attr-defined]


def good() -> None: ...


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ([], "no list TOOLS"),
        ([good, "good"], r"TOOLS\[1\] is no function defined with def, but of str"),
        ([good, good], r"TOOLS\[1\]: good is there before"),
        ([hintless], "hintless: the parameter order_id has no type hint; .* order_id: str"),
        ([starred], "starred: the parameter order_ids stands for any number of values"),
        ([opaque], "opaque: its parameters cannot be described by a schema"),
        ([waiting], "waiting: it is no plain function"),
        ([schemed], "schemed.schema must be a dict with a JSON Schema under 'parameters'"),
    ],
)
def test_a_function_that_cannot_be_offered_is_named_with_the_reason(
    listed: list[Any], problem: str
) -> None:
    with pytest.raises(UnusableFile, match=problem):
        tools_of(listed)


async def test_a_catalog_cannot_pass_for_a_file_that_really_runs(
    tmp_path: Path, a_function: Callable[..., Function]
) -> None:
    section = SECTION.model_copy(update={"python": (written(tmp_path),)})
    async with open_python_tools(section) as tools:
        tools.check_offered([*tools.functions, a_function(source="other.py")])
        with pytest.raises(ConfigError, match=r"find_order is said to come from shop\.py"):
            tools.check_offered([a_function("find_order", source="shop.py")])


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / "a" / "shop.py", tmp_path / "b" / "shop.py"]
    with pytest.raises(ConfigError, match=r'tools\.python.*two files are called "shop\.py"'):
        load_config(None, {"tools.python": files})
