"""Checks an intent against the chain that it was written for, before anything is played.

A conversation about an intent that lacks what the chain needs, or gives away what only the chain
can tell, costs as much as a good one and is dropped at the end. So the writer's model is asked
again, with the complaint. The paper knows no such check (arXiv 2511.15718); all rules here are
generous, since each complaint costs a call: what a good model writes should pass at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from simkit.agents.intent_doubts import doubts
from simkit.traces.plans import Step
from simkit.traces.records import Fact, Goal, Intent, Scenario
from simkit.traces.voice import ReplyRejected

MOST_CONSTRAINTS = 3
_MOST_COMPLAINTS = 5
_LONGEST_WORDING = 2_000
"""Characters of a role, a goal, a constraint."""
_LONGEST_VALUE = 8_000


class IntentCheck:
    """The check of one scenario's intents.

    All complaints about an intent are made at once, and what only rules of thumb object to is
    objected to once: the model may know better, and a conversation is not given up for it.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._has_complained = False

    def check(self, intent: Intent) -> None:
        """Make sure that *intent* is about the chain and can be played.

        Where the scenario has no plan, only wordings, and a change of mind, are checked.

        Raises:
            ReplyRejected: It cannot be; says what to mend.
        """
        complaints = list(_certain(intent, self._scenario))
        if not complaints and not self._has_complained:
            complaints = list(doubts(intent, self._scenario))
        if complaints:
            self._has_complained = True
            raise ReplyRejected("; ".join(complaints[:_MOST_COMPLAINTS]))


def _certain(intent: Intent, scenario: Scenario) -> Iterator[str]:
    yield from _of_form(intent)
    if scenario.plan:
        yield from _of_plan(intent, scenario.plan)
    if scenario.dialogue == "change_of_mind":
        yield from _of_change(intent)


def _of_form(intent: Intent) -> Iterator[str]:
    if not intent.goals or not all(goal.text.strip() for goal in intent.goals):
        yield "it needs at least one goal, and no goal may be empty"
    if not intent.role.strip():
        yield '"role" must not be empty'
    if len(intent.constraints) > MOST_CONSTRAINTS:
        yield f"it has {len(intent.constraints)} constraints; at most {MOST_CONSTRAINTS} are wanted"
    texts = (intent.role, intent.style, *intent.constraints, *(goal.text for goal in intent.goals))
    for text in texts:
        if len(text) > _LONGEST_WORDING:
            yield f"this is too long, at most {_LONGEST_WORDING} characters: {text[:100]} ..."
    for fact in _facts(intent):
        if not fact.name.strip() or not fact.value.strip():
            yield f"a known value needs a name and a value: {fact.name[:50]!r}, {fact.value[:50]!r}"
        if len(fact.value) > _LONGEST_VALUE:
            yield f"the value of {fact.name[:50]!r} is longer than {_LONGEST_VALUE} characters"


def _of_plan(intent: Intent, plan: tuple[Step, ...]) -> Iterator[str]:
    if len(intent.goals) != len(plan):
        yield (
            f"it has {len(intent.goals)} goals for {len(plan)} steps; it needs one goal for each "
            "step, in the same order"
        )
        return
    for number, (goal, step) in enumerate(zip(intent.goals, plan, strict=True), start=1):
        if step.when_asked and not any(fact.when_asked for fact in goal.known):
            yield (
                f"goal {number} needs a known value with when_asked true: the one for "
                f"{', '.join(step.when_asked)}"
            )


def _of_change(intent: Intent) -> Iterator[str]:
    change = intent.change
    if change is None:
        yield 'it needs a "change": the person changes their mind once'
        return
    if not 1 <= change.goal <= len(intent.goals):
        yield f'"change" names goal {change.goal}; there are goals 1 to {len(intent.goals)}'
        return
    goal = intent.goals[change.goal - 1]
    fact = _fact_named(goal, change.name)
    if fact is None:
        names = ", ".join(fact.name for fact in goal.known) or "none"
        yield (
            f'"change" is about {change.name[:50]!r}, which is no known value of goal '
            f"{change.goal}; there is {names}"
        )
    elif fact.when_asked:
        yield f'"change" is about {fact.name}, which the person keeps until asked; choose another'
    elif not change.first.strip() or change.first.strip().casefold() == fact.value.casefold():
        yield f'"first" must be another value of {fact.name} than {fact.value[:50]!r}'


def _facts(intent: Intent) -> Iterator[Fact]:
    return chain.from_iterable(goal.known for goal in intent.goals)


def _fact_named(goal: Goal, name: str) -> Fact | None:
    return next((fact for fact in goal.known if fact.name == name), None)
