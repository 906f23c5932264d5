"""Functions of real catalogs, as tools of a chat request."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from simkit.graph.catalog import read_catalogs
from simkit.graph.inferred_outputs import with_inferred_outputs
from simkit.standin.tool_checks import ToolChecker

_EVERY = 20
"""One in so many is looked at; all 15,000 take a minute."""


@pytest.fixture(scope="module")
def checker() -> ToolChecker:
    return ToolChecker()


def test_every_function_of_real_catalogs_is_a_tool_that_a_provider_takes(
    shared_data: Path, checker: ToolChecker
) -> None:
    folders = [path for path in sorted(shared_data.iterdir()) if path.is_dir()]
    functions = read_catalogs(folders, pass_over=True, near=False).functions
    assert len(functions) > 15_000
    for function in with_inferred_outputs(functions)[::_EVERY]:
        checker.check_tools([function.as_tool()])
        Draft202012Validator.check_schema(function.outputs or {})
