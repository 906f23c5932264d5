"""What disturbed the conversations of a run, and how their users went about it, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import orjson

from simkit.traces.counts import Query, largest_first
from simkit.traces.plans import DialogueKind

# Each can stand nowhere else in a stored trajectory: what a model or a catalog wrote is inside of
# strings, escaped, and where names are keys, texts or lists of texts follow.
_KIND = b'"dialogue":"'
_FAULTS = b'"faults":[{"'
_REASKED = b'"reasked":{"'

# Searched, not parsed, save for the last fields where they tell something.
_SELECT = """
SELECT substr(body, nullif(instr(body, ?), 0) + ?, ?), substr(body, nullif(instr(body, ?), 0)),
 substr(body, nullif(instr(body, ?), 0)), is_kept FROM (
SELECT CAST(t.body AS BLOB) AS body, coalesce(v.outcome = 'kept', 0) AS is_kept
FROM trajectories AS t
LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueCounts:
    """Of all conversations played, failed ones too; mappings by name have the largest first."""

    kinds: Mapping[str, int]
    """Kind of dialogue to the number of conversations; gradual ones first, then in the order in
    which the kinds are known."""
    kept_kinds: Mapping[str, int]
    """Likewise, of those that were kept."""
    reasked: Mapping[str, int]
    """Cause to the messages of the user's model that were refused for it."""
    with_reasked: int
    """Conversations with such a message."""
    kept_with_reasked: int
    faults: Mapping[str, int]
    """Kind to how often it was put into a tool."""
    with_faults: int
    """Conversations with such a fault."""
    kept_with_faults: int


def count_dialogues(query: Query, verdicts: str) -> DialogueCounts:
    """Count what *query* sees, by the verdicts of that set; searches each conversation once.

    What is damaged counts as gradual and undisturbed.
    """
    kinds: Counter[str] = Counter()
    reasked: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    known = get_args(DialogueKind)
    longest = max(map(len, known)) + 1
    values = (_KIND, len(_KIND), longest, _FAULTS, _REASKED, verdicts)
    for found, from_faults, from_reasked, is_kept in query(_SELECT, *values):
        kind = "gradual" if found is None else found.split(b'"')[0].decode(errors="replace")
        kinds[kind] += 1
        kept[kind] += is_kept
        here, refused = _disturbances(from_faults or from_reasked)
        faults.update(here)
        reasked.update(refused)
        for name, disturbed in (("faults", here), ("reasked", refused)):
            totals[name] += bool(disturbed)
            totals[f"kept {name}"] += bool(disturbed) and is_kept
    order = [*(kind for kind in known if kinds[kind]), *sorted(kinds.keys() - set(known))]
    return DialogueCounts(
        kinds={kind: kinds[kind] for kind in order},
        kept_kinds={kind: kept[kind] for kind in order},
        reasked=largest_first(reasked),
        with_reasked=totals["reasked"],
        kept_with_reasked=totals["kept reasked"],
        faults=largest_first(faults),
        with_faults=totals["faults"],
        kept_with_faults=totals["kept faults"],
    )


def _disturbances(last_fields: bytes | None) -> tuple[Counter[str], Counter[str]]:
    """Faults by kind, and refused messages by cause; *last_fields* end the trajectory."""
    if last_fields is None:
        return Counter(), Counter()
    try:
        fields = orjson.loads(b"{" + last_fields)
        faults = Counter(str(fault["kind"]) for fault in fields.get("faults", ()))
        reasked = {str(cause): int(number) for cause, number in fields.get("reasked", {}).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return Counter(), Counter()
    return faults, Counter(reasked)
