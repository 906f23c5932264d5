"""The rule checks: one file each, free of charge, asked before any judge."""

from __future__ import annotations

from simkit.filters.filter import Check
from simkit.filters.rules.argument_provenance import ArgumentProvenance
from simkit.filters.rules.call_result_linkage import CallResultLinkage
from simkit.filters.rules.calls_in_prose import CallsInProse
from simkit.filters.rules.contradictory_repeats import ContradictoryRepeats
from simkit.filters.rules.duplicate_calls import DuplicateCalls
from simkit.filters.rules.failed_tool_calls import FailedToolCalls
from simkit.filters.rules.invented_dates import InventedDates
from simkit.filters.rules.known_function import KnownFunction
from simkit.filters.rules.language_switch import LanguageSwitch
from simkit.filters.rules.leaked_tokens import LeakedTokens
from simkit.filters.rules.misreported_results import MisreportedResults
from simkit.filters.rules.non_empty_turns import NonEmptyTurns
from simkit.filters.rules.parents_turns import ParentsTurns
from simkit.filters.rules.placeholders import Placeholders
from simkit.filters.rules.premature_calls import PrematureCalls
from simkit.filters.rules.repetition import Repetition
from simkit.filters.rules.role_drift import RoleDrift
from simkit.filters.rules.role_order import RoleOrder
from simkit.filters.rules.schema_valid_arguments import SchemaValidArguments
from simkit.filters.rules.secrets import Secrets
from simkit.filters.rules.truncated_turns import TruncatedTurns
from simkit.filters.rules.unbacked_claims import UnbackedClaims

__all__ = [
    "ArgumentProvenance",
    "CallResultLinkage",
    "CallsInProse",
    "ContradictoryRepeats",
    "DuplicateCalls",
    "FailedToolCalls",
    "InventedDates",
    "KnownFunction",
    "LanguageSwitch",
    "LeakedTokens",
    "MisreportedResults",
    "NonEmptyTurns",
    "ParentsTurns",
    "Placeholders",
    "PrematureCalls",
    "Repetition",
    "RoleDrift",
    "RoleOrder",
    "SchemaValidArguments",
    "Secrets",
    "TruncatedTurns",
    "UnbackedClaims",
    "default_checks",
]


def default_checks() -> list[Check]:
    """Every check, in the order in which reasons are listed: structure first."""
    return [
        RoleOrder(),
        CallResultLinkage(),
        NonEmptyTurns(),
        TruncatedTurns(),
        Repetition(),
        Placeholders(),
        RoleDrift(),
        LeakedTokens(),
        LanguageSwitch(),
        Secrets(),
        CallsInProse(),
        KnownFunction(),
        SchemaValidArguments(),
        PrematureCalls(),
        ArgumentProvenance(),
        InventedDates(),
        FailedToolCalls(),
        DuplicateCalls(),
        ContradictoryRepeats(),
        MisreportedResults(),
        UnbackedClaims(),
        ParentsTurns(),
    ]
