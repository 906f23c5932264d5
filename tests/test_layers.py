"""Who may import whom, as docs/design.md says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "traces": set(),
    "graph": {"traces"},
    "filters": {"traces"},
    "agents": {"traces", "graph"},
}
"""Package to the other packages of ours that it may import."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; say simkit.{path.parent.name}"
            yield node.module or ""


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"no modules in {package}"
    return found


@pytest.mark.parametrize("package", LAYERS)
def test_a_package_imports_only_the_layers_below_it(package: str) -> None:
    allowed = {package, *LAYERS[package]}
    for path in modules(package):
        for name in imports(path):
            if name.split(".")[0] == "simkit":
                assert name.split(".")[1:2] != [], f"{path} imports the whole of simkit"
                assert name.split(".")[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("package", ["agents", "filters"])
def test_agents_and_filters_open_no_socket_and_read_no_clock(package: str) -> None:
    for path in modules(package):
        for name in imports(path):
            top = name.split(".")[0]
            assert top not in {"aiohttp", "socket", "time", "random"}, f"{path}: {top}"
        # Dates may be read from texts, as long as nobody asks what day it is.
        asked = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert not asked & {"now", "today", "utcnow"}, f"{path} reads the clock"


def test_only_the_function_graph_imports_igraph() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for package in (*LAYERS, "simkit")
        for path in modules(package)
        if any(name.split(".")[0] == "igraph" for name in imports(path))
    }
    assert users == {"graph/function_graph.py"}


def test_only_retrying_imports_tenacity() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for package in (*LAYERS, "simkit")
        for path in modules(package)
        if any(name.split(".")[0] == "tenacity" for name in imports(path))
    }
    assert users == {"simkit/clients/retrying.py"}


def test_the_links_in_simkit_are_relative() -> None:
    for package in LAYERS:
        link = ROOT / "simkit" / package
        assert link.is_symlink()
        assert link.readlink() == Path("..") / package
