"""The rule checks: one file each, free of charge, asked before any judge."""

from __future__ import annotations

from simkit.filters.filter import Check
from simkit.filters.rules.call_result_linkage import CallResultLinkage
from simkit.filters.rules.duplicate_calls import DuplicateCalls
from simkit.filters.rules.failed_tool_calls import FailedToolCalls
from simkit.filters.rules.known_function import KnownFunction
from simkit.filters.rules.non_empty_turns import NonEmptyTurns
from simkit.filters.rules.parents_turns import ParentsTurns
from simkit.filters.rules.role_order import RoleOrder
from simkit.filters.rules.schema_valid_arguments import SchemaValidArguments

__all__ = [
    "CallResultLinkage",
    "DuplicateCalls",
    "FailedToolCalls",
    "KnownFunction",
    "NonEmptyTurns",
    "ParentsTurns",
    "RoleOrder",
    "SchemaValidArguments",
    "default_checks",
]


def default_checks() -> list[Check]:
    """Every check, in the order in which reasons are listed: structure first."""
    return [
        RoleOrder(),
        CallResultLinkage(),
        NonEmptyTurns(),
        KnownFunction(),
        SchemaValidArguments(),
        FailedToolCalls(),
        DuplicateCalls(),
        ParentsTurns(),
    ]
