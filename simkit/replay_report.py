"""What came of a replay, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, get_args

import orjson
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.clients.recorded import RecordedCall
from simkit.divergence import Divergence
from simkit.rendering import plain_text, render_conversation
from simkit.replay import ReplayReport
from simkit.replayer import Replayed, Sameness
from simkit.tables import share_table, value_table
from simkit.traces.version import __version__

_PRINTED = 5
"""Divergences, and unreadable conversations, that people are shown; `DIVERGENCES_KEPT` are in
the JSON."""

_CONVERSATIONS: dict[str, Sameness] = {
    "identical": "identical",
    "ended by the provider, identical to there": "no_reply",
    "diverged": "diverged",
}
_VERDICTS: dict[str, Sameness] = {
    "identical": "identical",
    "left open by the judge's provider, identical": "no_reply",
    "diverged": "diverged",
}


def render_replay(report: ReplayReport) -> RenderableType:
    """The counts as tables, then each divergence that is named; made for 100 columns."""
    played, judged = report.conversations, report.verdicts
    shares = {name: played[key] for name, key in _CONVERSATIONS.items()}
    shares["unreadable"] = report.unreadable
    tables = [
        share_table("conversations", shares, sum(shares.values())),
        share_table(
            "verdicts", {name: judged[key] for name, key in _VERDICTS.items()}, judged.total()
        ),
        value_table("about the replay", dict(_facts(report))),
    ]
    return Group(
        Text(f"replay of {plain_text(str(report.directory))}", style="bold"),
        *(table for table in tables if table.row_count),
        *_named("conversations", report.divergences, played["diverged"]),
        *_named("verdicts", report.verdict_divergences, judged["diverged"]),
        *_unreadable(report),
    )


def replay_json(report: ReplayReport) -> str:
    """The whole report as one JSON object."""
    conversations: dict[str, int] = {key: report.conversations[key] for key in get_args(Sameness)}
    figures = {
        "directory": str(report.directory),
        "identical": report.is_identical,
        "conversations": conversations | {"unreadable": report.unreadable},
        "verdicts": {key: report.verdicts[key] for key in _VERDICTS.values()},
        "divergences": report.divergences,
        "verdict_divergences": report.verdict_divergences,
        "unreadable": report.unreadable_named,
        "changed_prompts": sorted(report.changed_prompts),
        "made_by": dict(sorted(report.made_by.items())),
        "replayed_by": __version__,
        "seconds": round(report.seconds, 3),
    }
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def render_replayed(replayed: Replayed) -> RenderableType:
    """One conversation turn by turn, the calls that it was made of, and where it diverged."""
    # A verdict is about the stored messages, and its marks fit no others.
    verdict = None if replayed.conversation == "diverged" else replayed.verdict
    return Group(
        render_conversation(replayed.trajectory, verdict),
        Text(),
        _calls(replayed.calls),
        Text(),
        Text(_sameness(replayed), style="bold"),
        *_named("conversation", _some(replayed.divergence), 1),
        *_named("verdict", _some(replayed.verdict_divergence), 1),
    )


def replayed_json(replayed: Replayed) -> str:
    """One conversation with its calls, as one JSON object."""
    figures = {
        "conversation": replayed.conversation,
        "divergence": replayed.divergence,
        "verdict": replayed.judgement,
        "verdict_divergence": replayed.verdict_divergence,
        "trajectory": replayed.trajectory,
        "calls": list(map(_call, replayed.calls)),
    }
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def _sameness(replayed: Replayed) -> str:
    """What was compared, and with what result, on one line."""
    names = {key: name for name, key in _CONVERSATIONS.items()}
    line = f"played again: {names[replayed.conversation]}"
    if replayed.judgement is None:
        return f"{line}; there is no verdict to compare"
    names = {key: name for name, key in _VERDICTS.items()}
    return f"{line}; its verdict: {names[replayed.judgement]}"


def _facts(report: ReplayReport) -> Iterator[tuple[str, str]]:
    played = report.conversations.total()
    speed = f", {played / report.seconds:,.0f} a second" if report.seconds else ""
    yield "time", f"{report.seconds:.1f} s{speed}"
    others = sorted(report.made_by.keys() - {__version__})
    if others:
        yield "made by simkit", ", ".join(others)
        yield "replayed by simkit", __version__
    if report.changed_prompts:
        yield "prompts that are not the run's", ", ".join(sorted(report.changed_prompts))


def _named(what: str, divergences: Sequence[Divergence], diverged: int) -> Iterator[Text]:
    shown = divergences[:_PRINTED]
    if shown:
        yield Text(f"diverged {what}{_of_all(len(shown), diverged)}:", style="bold")
    yield from map(_divergence, shown)


def _unreadable(report: ReplayReport) -> Iterator[Text]:
    shown = report.unreadable_named[:_PRINTED]
    if shown:
        of = _of_all(len(shown), report.unreadable)
        yield Text(f"unreadable conversations{of}:", style="bold")
    for found in shown:
        yield Text(plain_text(found.why), style="red", overflow="fold")


def _of_all(shown: int, there_are: int) -> str:
    return "" if shown == there_are else f", the first {shown} of {there_are:,}"


def _some(found: Divergence | None) -> list[Divergence]:
    return [] if found is None else [found]


def _divergence(found: Divergence) -> Text:
    place = f"conversation {found.conversation}"
    if found.turn is not None:
        place += ", about the whole" if found.turn < 0 else f", message {found.turn}"
    if found.role is not None:
        place += f", {found.role}"
    text = Text(f"{place}, {plain_text(found.field) or 'bytes'}\n", overflow="fold")
    text.append(f"    recorded: {plain_text(found.recorded)}\n", style="green")
    text.append(f"    new:      {plain_text(found.new)}", style="red")
    return text


def _calls(calls: Sequence[RecordedCall]) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    for name in ("message", "role", "model"):
        table.add_column(name)
    for name in ("tokens in", "out", "seconds", "attempts"):
        table.add_column(name, justify="right")
    for facts in map(_call, calls):
        table.add_row(
            "" if facts["turn"] < 0 else f"[{facts['turn']}]",
            facts["role"] + (" (asked again)" if facts["ask"] else ""),
            Text(plain_text(facts["model"])),
            f"{facts['input_tokens']:,}",
            f"{facts['output_tokens']:,}",
            f"{facts['total_seconds']:.2f}",
            str(facts["attempts"]),
        )
    return table


def _call(call: RecordedCall) -> dict[str, Any]:
    answer = call.answer()
    return {
        **asdict(call.site),
        "model": answer.completion.model or call.model,
        **asdict(answer.usage),
        **asdict(answer.times),
    }
