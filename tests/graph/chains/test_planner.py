"""Scenarios planned over walks: what is asked for, on offer and missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import pytest

from simkit.graph.catalog import demo_catalog
from simkit.graph.chains.planner import Planner
from simkit.graph.chains.rules import ChainRules
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.walk import Walk, Walker
from simkit.traces.functions import Function
from simkit.traces.records import Scenario
from simkit.traces.seeds import derive_seed

SEED = 7
OFF: dict[str, Any] = {
    "merge_rate": 0.0,
    "insert_rate": 0.0,
    "branch_rate": 0.0,
    "missing_function_rate": 0.0,
    "missing_parameter_rate": 0.0,
    "irrelevance_rate": 0.0,
    "distractors": (0, 0),
}


@pytest.fixture(scope="module")
def demo() -> FunctionGraph:
    return FunctionGraph.build(demo_catalog().functions, Lexical())


def planned(graph: FunctionGraph, count: int = 200, **rates: Any) -> list[Scenario]:
    """The first scenarios with everything off but *rates*."""
    planner = Planner(graph, ChainRules(**(OFF | rates)))
    walks = islice(Walker(graph, seed=SEED, min_length=2, max_length=8).walks(), count)
    return [
        planner.scenario(number, derive_seed(SEED, "scenario", number), walk)
        for number, walk in enumerate(walks)
    ]


def indexes(graph: FunctionGraph) -> dict[str, int]:
    return {function.name: index for index, function in enumerate(graph.functions)}


def feeds(graph: FunctionGraph, source: str, target: str) -> set[str]:
    """The inputs of *target* that *source* can feed."""
    number = indexes(graph)
    return {feed.input for feed in graph.feeds(number[source], number[target])}


def required(scenario: Scenario, name: str) -> set[str]:
    (function,) = (one for one in scenario.functions if one.name == name)
    return set(function.parameters.get("required", ()))


def test_with_everything_off_a_scenario_is_its_walk(demo: FunctionGraph) -> None:
    walks = islice(Walker(demo, seed=SEED, min_length=2, max_length=8).walks(), 100)
    for scenario, walk in zip(planned(demo, 100), walks, strict=True):
        names = [demo.functions[function].name for function in walk.functions]
        assert scenario.chain == tuple(names)
        assert sorted(tool.name for tool in scenario.tools) == sorted(names)
        assert (scenario.kind, scenario.withheld) == ("chain", ())
        assert [step.functions for step in scenario.plan] == [(name,) for name in names]


def test_the_order_of_tools_does_not_tell_the_plan(demo: FunctionGraph) -> None:
    scenarios = planned(demo)
    leads = sum(scenario.tools[0].name == scenario.chain[0] for scenario in scenarios)
    assert leads < 0.4 * len(scenarios)


def test_planning_again_gives_the_same_scenarios_in_any_order(demo: FunctionGraph) -> None:
    """
    A scenario depends on its own seed and walk, not on what was planned before it.
    """
    first = planned(demo, 30, **dict.fromkeys(("merge_rate", "insert_rate"), 0.5))
    planner = Planner(demo, ChainRules(**(OFF | {"merge_rate": 0.5, "insert_rate": 0.5})))
    walks = list(islice(Walker(demo, seed=SEED, min_length=2, max_length=8).walks(), 30))
    for number in reversed(range(30)):
        seed = derive_seed(SEED, "scenario", number)
        assert planner.scenario(number, seed, walks[number]) == first[number]


def test_the_chain_is_the_plan_and_is_on_offer_save_what_is_withheld(demo: FunctionGraph) -> None:
    rates = {"merge_rate": 0.5, "insert_rate": 0.5, "branch_rate": 0.5, "distractors": (0, 4)}
    kinds = {"missing_function_rate": 0.3, "irrelevance_rate": 0.3, "missing_parameter_rate": 0.3}
    for scenario in planned(demo, **rates, **kinds):
        in_plan = [name for step in scenario.plan for name in (*step.implicit, *step.functions)]
        offered = {tool.name for tool in scenario.tools}
        withheld = {function.name for function in scenario.withheld}
        assert in_plan == list(scenario.chain)
        assert len(set(in_plan)) == len(in_plan)
        assert len(offered) == len(scenario.tools)
        assert not offered & withheld
        assert set(in_plan) - offered == withheld
        for position, step in enumerate(scenario.plan):
            assert list(step.needs) == sorted({*step.needs})
            assert all(needed < position for needed in step.needs)


def test_merged_functions_do_not_feed_each_other(demo: FunctionGraph) -> None:
    merged = [
        step.functions
        for scenario in planned(demo, merge_rate=1.0)
        for step in scenario.plan
        if len(step.functions) > 1
    ]
    assert len(merged) > 100
    for one, other in merged:
        assert not feeds(demo, one, other)
        assert not feeds(demo, other, one)


def test_a_function_is_not_brought_forward_before_what_it_needs(demo: FunctionGraph) -> None:
    for scenario, walk in zip(
        planned(demo, merge_rate=1.0),
        islice(Walker(demo, seed=SEED, min_length=2, max_length=8).walks(), 200),
        strict=True,
    ):
        place = {name: at for at, step in enumerate(scenario.plan) for name in step.functions}
        names = [demo.functions[function].name for function in walk.functions]
        for name, origin in zip(names, walk.came_from, strict=True):
            assert origin < 0 or place[names[origin]] < place[name]


def test_an_implicit_function_feeds_a_required_input_of_its_step(demo: FunctionGraph) -> None:
    inserted = 0
    for scenario in planned(demo, insert_rate=1.0):
        for step in scenario.plan:
            for means in step.implicit:
                inserted += 1
                (function,) = step.functions
                assert feeds(demo, means, function) & required(scenario, function)
    assert inserted > 100


def test_a_branch_ends_in_a_function_that_two_steps_feed(demo: FunctionGraph) -> None:
    plain, branched = planned(demo), planned(demo, branch_rate=1.0)
    grown = [
        after
        for before, after in zip(plain, branched, strict=True)
        if len(after.chain) > len(before.chain)
    ]
    assert len(grown) > 50
    for scenario in grown:
        sources = [scenario.chain[needed] for needed in scenario.plan[-1].needs]
        fed = [feeds(demo, source, scenario.chain[-1]) for source in sources]
        assert len([one for one in fed if one]) >= 2
        assert len(set().union(*fed)) >= 2


def test_a_withheld_function_is_a_step_that_nothing_needs(demo: FunctionGraph) -> None:
    scenarios = planned(demo, missing_function_rate=1.0)
    missing = [one for one in scenarios if one.kind == "missing_function"]
    assert len(missing) > 150
    places = set()
    for scenario in missing:
        (withheld,) = scenario.withheld
        (place,) = (at for at, step in enumerate(scenario.plan) if withheld.name in step.functions)
        places.add(place == len(scenario.plan) - 1)
        assert all(place not in step.needs for step in scenario.plan)
    assert places == {True, False}  # not always the last: that could be learnt


def test_a_value_that_is_held_back_is_one_that_only_the_user_has(demo: FunctionGraph) -> None:
    held = [
        one for one in planned(demo, missing_parameter_rate=1.0) if one.kind == "missing_parameter"
    ]
    assert len(held) > 50
    for scenario in held:
        ((place, step),) = ((at, step) for at, step in enumerate(scenario.plan) if step.when_asked)
        (name,), (function,) = step.when_asked, step.functions
        assert name in required(scenario, function)
        assert not any(name in feeds(demo, one, function) for one in scenario.chain[:place])


def test_nothing_on_offer_is_of_use_in_an_irrelevant_scenario(demo: FunctionGraph) -> None:
    irrelevant = [one for one in planned(demo, irrelevance_rate=1.0) if one.kind == "irrelevance"]
    assert len(irrelevant) > 150
    for scenario in irrelevant:
        assert {one.name for one in scenario.withheld} == {*scenario.chain}
        assert not {one.domain for one in scenario.tools} & {
            one.domain for one in scenario.withheld
        }
        assert not any(step.needs for step in scenario.plan)


def test_distractors_are_as_many_as_asked_for_and_not_in_the_chain(demo: FunctionGraph) -> None:
    extra = [len(one.tools) - len(one.chain) for one in planned(demo, distractors=(2, 3))]
    assert {*extra} == {2, 3}
    assert [len(one.chain) for one in planned(demo, distractors=(2, 3))] == [
        len(one.chain) for one in planned(demo)
    ]


@pytest.mark.parametrize(
    ("rate", "kind"),
    [
        ("irrelevance_rate", "irrelevance"),
        ("missing_function_rate", "missing_function"),
        ("missing_parameter_rate", "missing_parameter"),
    ],
)
def test_a_rate_is_the_share_of_conversations(demo: FunctionGraph, rate: str, kind: str) -> None:
    scenarios = planned(demo, 1_000, **{rate: 0.2})
    assert 150 < sum(one.kind == kind for one in scenarios) < 250


def a_lone_graph(a_function: Any, names: Iterable[str]) -> FunctionGraph:
    functions: list[Function] = [
        a_function(name, description=name, outputs=None, outputs_origin="absent") for name in names
    ]
    return FunctionGraph.build(functions, Lexical())


@pytest.mark.parametrize("rates", [{"irrelevance_rate": 1.0}, {"missing_function_rate": 1.0}])
def test_what_a_graph_cannot_give_leaves_a_plain_chain(
    a_function: Any, rates: Mapping[str, float]
) -> None:
    """
    A catalog of one function has nothing else to offer, and nothing to withhold.
    """
    graph = a_lone_graph(a_function, ["paint_wall"])
    rules = OFF | {"merge_rate": 1.0, "insert_rate": 1.0, "branch_rate": 1.0}
    planner = Planner(graph, ChainRules(**(rules | {"distractors": (4, 4)} | dict(rates))))
    scenario = planner.scenario(0, 1, Walk((0,), (-1,)))
    assert (scenario.kind, scenario.chain, scenario.withheld) == ("chain", ("paint_wall",), ())
    assert [tool.name for tool in scenario.tools] == ["paint_wall"]


@pytest.mark.parametrize(
    ("rates", "complaint"),
    [
        ({"merge_rate": 1.5}, "merge_rate must be in"),
        ({"irrelevance_rate": 0.6, "missing_function_rate": 0.6}, "1 together at most"),
        ({"irrelevance_rate": -0.1}, "at least 0"),
        ({"distractors": (3, 1)}, "two ascending numbers"),
    ],
)
def test_rates_out_of_range_are_refused(rates: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ChainRules(**rates)
