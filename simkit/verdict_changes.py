"""What changes when stored conversations are judged again."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from simkit.traces.records import Reason, Verdict

EXAMPLES = 3
"""Of each kind of change."""

Change = Literal[
    "kept to dropped", "dropped to kept", "now undecided", "turns masked", "masks lifted"
]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Example:
    """One conversation whose verdict is another now."""

    conversation: int
    message: int | None
    """Index of the assistant message, where the change is about one."""
    check: str
    reason: str
    """Of the new verdict; of the earlier one where that was the stricter."""


@dataclass(slots=True)
class Changed:
    """Conversations, or turns, that changed in one way."""

    number: int = 0
    because_of: Counter[str] = field(default_factory=Counter)
    """Check to their number; one may count for several checks."""
    examples: list[Example] = field(default_factory=list)
    """The first ones, in the order of conversations."""

    def add(self, conversation: int, reasons: Iterable[Reason], message: int | None = None) -> None:
        """Count one, which *reasons* tell the cause of."""
        reasons = list(reasons)
        self.number += 1
        self.because_of.update({reason.check for reason in reasons})
        for reason in reasons[:1]:
            example = Example(
                conversation=conversation,
                message=message,
                check=reason.check,
                reason=reason.message,
            )
            insort(self.examples, example, key=_place)
            del self.examples[EXAMPLES:]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "number": self.number,
            "because_of": by_frequency(self.because_of),
            "examples": [
                {
                    "conversation": example.conversation,
                    "message": example.message,
                    "check": example.check,
                    "reason": example.reason,
                }
                for example in self.examples
            ],
        }


@dataclass(slots=True)
class VerdictChanges:
    """Earlier and new verdicts on the same conversations, compared; in whatever order they come.

    Masks are compared where the conversation is kept by both verdicts: those of a dropped
    one mean nothing.
    """

    before: Counter[str] = field(default_factory=Counter)
    """Outcome to conversations; "not judged" is one of them."""
    after: Counter[str] = field(default_factory=Counter)
    kinds: dict[Change, Changed] = field(
        default_factory=lambda: {
            "kept to dropped": Changed(),
            "dropped to kept": Changed(),
            "now undecided": Changed(),
            "turns masked": Changed(),
            "masks lifted": Changed(),
        }
    )
    other_reasons: int = 0
    """Conversations that are dropped by both verdicts, because of other checks."""

    @property
    def conversations(self) -> int:
        """How many were compared."""
        return self.after.total()

    def add(self, conversation: int, before: Verdict | None, after: Verdict) -> None:
        """Compare two verdicts; no earlier one means that it was not judged."""
        self.before["not judged" if before is None else before.outcome] += 1
        self.after[after.outcome] += 1
        match before and before.outcome, after.outcome:
            case "kept", "dropped":
                self.kinds["kept to dropped"].add(conversation, after.reasons)
            case "dropped", "kept":
                assert before is not None  # noqa: S101 - it has an outcome
                self.kinds["dropped to kept"].add(conversation, before.reasons)
            case "dropped", "dropped":
                assert before is not None  # noqa: S101 - it has an outcome
                self.other_reasons += _checks(before) != _checks(after)
            case earlier, "undecided" if earlier != "undecided":
                self.kinds["now undecided"].add(conversation, after.reasons)
            case "kept", "kept":
                assert before is not None  # noqa: S101 - it has an outcome
                self._compare_turns(conversation, before, after)

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "conversations": self.conversations,
            "before": dict(sorted(self.before.items())),
            "after": dict(sorted(self.after.items())),
            **{kind.replace(" ", "_"): changed.as_json() for kind, changed in self.kinds.items()},
            "dropped_for_other_reasons": self.other_reasons,
        }

    def _compare_turns(self, conversation: int, before: Verdict, after: Verdict) -> None:
        was = {turn.index: turn for turn in before.turns}
        for turn in after.turns:
            earlier = was[turn.index]
            if earlier.ok and not turn.ok:
                self.kinds["turns masked"].add(conversation, turn.reasons, turn.index)
            elif turn.ok and not earlier.ok:
                self.kinds["masks lifted"].add(conversation, earlier.reasons, turn.index)


def by_frequency(counts: Counter[str]) -> dict[str, int]:
    """*counts* with the largest first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _place(example: Example) -> tuple[int, int]:
    return example.conversation, -1 if example.message is None else example.message


def _checks(verdict: Verdict) -> set[str]:
    return {reason.check for reason in verdict.reasons}
