"""The card of a data set: its ``README.md``, for people and for loaders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simkit.traces.counts import RunCounts
from simkit.traces.one_line import one_line

_ABOUT = """\
Conversations of a user, an assistant and its tools, simulated by language models along chains of
functions, and filtered: whole conversations were dropped, and of those that were kept, single
turns are masked (`weight` 0: context, not to be trained on)."""

_COLUMNS = (
    ("id", "text", "the conversation; the same for the same run seed and scenario"),
    ("messages", "list", "role, content, reasoning_content, tool_calls, tool_call_id, weight"),
    ("tools", "JSON text", "what the assistant was offered, as chat completions have it"),
    ("kind", "text", "kind of the scenario"),
    ("chain", "list of text", "the functions that the conversation was planned to need, in order"),
    ("metadata", "JSON text", "scenario, seeds, models, prompts and sources of the conversation"),
)


def card(name: str, manifest: Mapping[str, Any], trained_turns: int, counts: RunCounts) -> str:
    """The card as Markdown, with the block of YAML that loaders read.

    Args:
        name: Of the data set.
        manifest: What the export says about its files and where they come from.
        trained_turns: Assistant messages of weight 1.
        counts: Of the run, by the verdicts that the export went by.
    """
    files = manifest.get("files") or {"train.parquet": manifest}
    parts = (
        _front(files),
        f"# {_cell(name)}",
        _ABOUT,
        *(f"> {_cell(notice)}" for notice in manifest["notices"]),
        "## What is in it",
        _table(("file", "conversations", "SHA-256"), _files(files)),
        f"{trained_turns:,} assistant messages are trained on.",
        *_about_splits(manifest),
        _table(("column", "type", "what"), _COLUMNS),
        "## What the filters let through",
        _table(("conversations", "number", "share of those played"), _outcomes(counts)),
        *_reasons("dropped by", "conversations", counts.drop_reasons, counts.played),
        *_reasons(
            "masked by",
            "turns of kept conversations",
            counts.mask_reasons,
            counts.trained_turns + counts.masked_turns,
        ),
        "## Where it comes from",
        f"Made by simkit {_joined(manifest['simkit'])}, run seed {_joined(manifest['run_seed'])}.",
        *_named("role", "models asked for", manifest["models"]),
        *_named(
            "role", "models that answered, as the provider names them", manifest["answered_by"]
        ),
        *_named("catalog of functions", "licences it names", manifest["sources"]),
        "The texts of the models that answered are under the terms of whoever provides them.",
        "## Prompts",
        *_named("prompt", "hash of its file", manifest["prompts"]),
    )
    return "\n\n".join(parts) + "\n"


def _front(files: Mapping[str, Any]) -> str:
    lines = ["---", "tags:", "- function-calling", "- tool-use", "- synthetic", "configs:"]
    lines += ["- config_name: default", "  data_files:"]
    for file in files:
        lines += [f"  - split: {file.removesuffix('.parquet')}", f"    path: data/{file}"]
    return "\n".join([*lines, "---"])


def _files(files: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for file, about in files.items():
        yield f"data/{file}", f"{about['trajectories']:,}", f"`{about['sha256']}`"


def _about_splits(manifest: Mapping[str, Any]) -> Iterator[str]:
    if "test_share" in manifest:
        yield (
            "Conversations whose chains hold the same functions are on the same side, which a "
            f"hash of their names decides; {manifest['test_share']:.3g} of all sets of functions "
            "are for tests. Chains that share some functions may be on both sides."
        )


def _outcomes(counts: RunCounts) -> Iterator[tuple[str, str, str]]:
    numbers = {
        "kept": counts.kept,
        "dropped": counts.dropped,
        "undecided": counts.undecided,
        "failed": counts.failed,
        "not judged yet": counts.unjudged,
    }
    for name, number in numbers.items():
        yield name, f"{number:,}", _share(number, counts.played)


def _reasons(title: str, of_what: str, reasons: Mapping[str, int], total: int) -> Iterator[str]:
    if reasons:
        rows = ((name, f"{number:,}", _share(number, total)) for name, number in reasons.items())
        yield _table((title, of_what, "share"), rows)


def _named(what: str, values: str, names: Mapping[str, list[str]]) -> Iterator[str]:
    if names:
        rows = ((name, _joined(found) or "none named") for name, found in names.items())
        yield _table((what, values), rows)


def _joined(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


def _share(number: int, total: int) -> str:
    return f"{100 * number / total:.1f} %" if total else "-"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """*text*, which may come from anywhere, as it may stand in a table."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")
