"""Weights and line from labels, and how they are read, measured and kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from simkit.graph.affinity import DEFAULT
from simkit.graph.affinity_file import AffinityError, affinity_toml, load_affinity
from simkit.graph.answers import (
    THRESHOLDS,
    Answer,
    answers,
    cuts,
    folds_of,
    left_out_answers,
    ranks,
)
from simkit.graph.calibration import fit, fit_line
from simkit.graph.evidence import Evidence, Weights
from simkit.graph.labels import LabelsError, Question, read_labels
from simkit.graph.rivals import rivals_of
from simkit.traces.functions import Function
from tests.graph.linked_pairs import evidence_of, schema

Build = Callable[..., Function]
THINGS = ["album", "order", "user", "city", "flight", "hotel", "recipe", "song", "team", "match"]


@pytest.fixture
def shop(a_function: Build) -> Sequence[Function]:
    """For each thing, who makes it and gives its id, and who says the same and has none."""
    functions = []
    for thing in THINGS:
        said = f"Id of the {thing}"
        functions += [
            a_function(f"make_{thing}", parameters=schema(), outputs=schema(id=said, at="When")),
            a_function(
                f"show_{thing}",
                parameters=schema("id", id=said),
                outputs=schema(id=said, note="Note"),
            ),
            a_function(f"drop_{thing}", parameters=schema("id", id=said), outputs=schema(ok="Ok")),
        ]
    return functions


@pytest.fixture
def evidence(shop: Sequence[Function]) -> Evidence:
    return evidence_of(shop)


@pytest.fixture
def questions(evidence: Evidence) -> list[Question]:
    """Each id is fed by who makes the thing."""
    return [
        Question(at, {int(function) // 3 * 3: frozenset()})
        for at, function in enumerate(evidence.takers)
    ]


WEIGHTLESS = replace(DEFAULT, weights=Weights(**{one.name: 0.0 for one in fields(Weights)}))


def test_fitted_weights_answer_better_than_those_they_started_from(
    evidence: Evidence, questions: list[Question]
) -> None:
    """
    From nothing: without weights, all functions are the same.
    """
    start = WEIGHTLESS
    fitted = fit([rivals_of(evidence, questions, start.weights)], start)
    before, after = (ranks(answers(evidence, questions, one)) for one in (start, fitted))
    assert after.hit_at_1 == 1
    assert before.hit_at_1 < 0.2
    assert fitted.weights.text > 0 > fitted.weights.needed


def test_weights_keep_their_sign(evidence: Evidence, questions: list[Question]) -> None:
    """
    These labels would have what a function repeats count for it.
    """
    wrong = [
        Question(one.input, {function + 1: frozenset()})
        for one in questions
        for function in one.producers
        if evidence.takers[one.input] != function + 1
    ]
    fitted = fit([rivals_of(evidence, wrong, DEFAULT.weights)], DEFAULT)
    for started, ended in zip(DEFAULT.weights.values(), fitted.weights.values(), strict=True):
        assert started * ended >= 0


def test_the_same_labels_always_give_the_same_numbers(
    evidence: Evidence, questions: list[Question]
) -> None:
    first, second = (fit([rivals_of(evidence, questions, DEFAULT.weights)]) for _ in range(2))
    assert first == second


def test_the_line_alone_can_be_fitted(evidence: Evidence, questions: list[Question]) -> None:
    rivals = rivals_of(evidence, questions, DEFAULT.weights)
    fitted = fit_line([rivals], DEFAULT.weights)
    assert fitted.weights == Weights(
        **{name: pytest.approx(value) for name, value in asdict(DEFAULT.weights).items()}
    )
    scores = fitted.scores(rivals.best_rows(fitted.weights.values().astype(float))[1])
    assert scores[rivals.right].mean() > 0.5 > scores[~rivals.right].mean()
    assert fitted.spread > 0


def test_a_large_set_weighs_no_more_than_another(
    evidence: Evidence, questions: list[Question]
) -> None:
    rivals = rivals_of(evidence, questions, DEFAULT.weights)
    apart, twice = fit([rivals]), fit([rivals, rivals])
    np.testing.assert_allclose(apart.weights.values(), twice.weights.values(), atol=1e-5)


def test_labels_that_the_weights_cannot_tell_apart_still_give_finite_numbers(
    evidence: Evidence, questions: list[Question]
) -> None:
    everyone = frozenset[str]()
    every = range(len(THINGS) * 3)
    all_right = [
        Question(one.input, {to: everyone for to in every if to != int(evidence.takers[one.input])})
        for one in questions
    ]
    fitted = fit([rivals_of(evidence, all_right, DEFAULT.weights)])
    assert np.isfinite([fitted.middle, fitted.spread, *fitted.weights.values()]).all()
    with pytest.raises(ValueError, match="no question"):
        fit([])


def test_an_output_that_a_label_names_is_the_one_that_counts(evidence: Evidence) -> None:
    def best(outputs: frozenset[str]) -> str:
        rivals = rivals_of(evidence, [Question(0, {0: outputs})], DEFAULT.weights)
        return str(int(np.diff(np.append(rivals.first_row, len(rivals.evidence)))[rivals.right][0]))

    assert best(frozenset()) == "2"
    assert best(frozenset({"at"})) == "1"
    assert best(frozenset({"no such output"})) == "2"


def write(path: Path, *rows: object) -> Path:
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return path


def test_labels_name_producers_or_their_outputs_and_lines_about_one_input_are_joined(
    tmp_path: Path, shop: Sequence[Function], evidence: Evidence
) -> None:
    asked = {"function": "show_album", "parameter": "id"}
    path = write(
        tmp_path / "labels.jsonl",
        {**asked, "producers": [{"function": "make_album", "output": "id", "score": 0.9}]},
        {**asked, "producers": ["drop_album", {"function": "make_album", "output": "at"}]},
    )
    labels = read_labels(path, shop, evidence.inputs)
    assert labels.questions == (Question(0, {0: frozenset({"id", "at"}), 2: frozenset()}),)
    assert labels.problems == ()


def test_labels_that_cannot_be_used_are_told_and_the_rest_goes_on(
    tmp_path: Path, shop: Sequence[Function], evidence: Evidence
) -> None:
    asked = {"function": "show_album", "parameter": "id"}
    path = write(
        tmp_path / "labels.jsonl",
        {**asked, "producers": ["make_album", "make_money", "show_album", 7]},
        {"function": "show_album", "parameter": "colour", "producers": ["make_album"]},
        {"function": ["x"], "parameter": "id", "producers": []},
        {**asked, "producers": "make_album"},
        [1],
        {**asked, "producers": [{"function": "make_album", "output": 3}]},
        {**asked, "producers": ["make_album"], "more": "x" * (1 << 20)},
    )
    with path.open("ab") as file:
        file.write(b"\n\n{broken\n")
    labels = read_labels(path, shop, evidence.inputs)
    assert labels.questions == (Question(0, {0: frozenset()}),)
    assert [problem.split(":")[0] for problem in labels.problems] == [
        f"line {number}" for number in (1, 1, 1, 2, 3, 4, 5, 6, 7, 9)
    ]
    assert "no function 'make_money'" in labels.problems[0]
    assert "cannot feed itself" in labels.problems[1]
    assert "takes no 'colour'" in labels.problems[3]


def test_a_file_without_a_usable_label_is_refused_with_an_example(
    tmp_path: Path, shop: Sequence[Function], evidence: Evidence
) -> None:
    with pytest.raises(LabelsError, match=r"no label that can be used.*line 1.*A line is like"):
        read_labels(write(tmp_path / "labels.jsonl", {}), shop, evidence.inputs)
    with pytest.raises(LabelsError, match="cannot be read"):
        read_labels(tmp_path / "none.jsonl", shop, evidence.inputs)


def answer(*right: bool, labelled: int) -> Answer:
    scores = np.linspace(0.95, 0.35, len(right))
    return Answer(scores, np.array(right, bool), labelled)


def test_ranks_and_cuts_count_what_was_not_found() -> None:
    given = [answer(True, False, False, labelled=2), answer(False, False, False, labelled=1)]
    measured = ranks(given)
    assert (measured.hit_at_1, measured.hit_at_5, measured.reciprocal_rank) == (0.5, 0.5, 0.5)
    strict = cuts(given)[THRESHOLDS.index(0.9)]
    assert (strict.kept, strict.precision, strict.recall) == (1.0, 0.5, pytest.approx(1 / 3))
    loose = cuts(given)[0]
    assert (loose.kept, loose.precision) == (3.0, pytest.approx(1 / 6))


def test_an_input_without_candidates_has_an_answer(a_function: Build) -> None:
    given = [Answer(np.empty(0), np.empty(0, bool), 1)]
    assert ranks(given).hit_at_5 == 0
    assert cuts(given)[0].recall == 0


def test_each_question_is_answered_by_what_others_taught(
    evidence: Evidence, questions: list[Question]
) -> None:
    folds, together = folds_of(evidence, questions)
    assert together == "function"
    assert len(set(folds)) == 5
    given = left_out_answers(evidence, questions, DEFAULT, folds, line_only=False)
    assert len(given) == len(questions)
    assert ranks(given).hit_at_1 == 1


def test_an_affinity_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "affinity.toml"
    path.write_text(affinity_toml(DEFAULT))
    assert load_affinity(path) == DEFAULT


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("spread = .*", "spread = 0", "spread must be above 0"),
        ("middle = .*", "middle = nan", "middle must be a number"),
        ("middle = .*", "", "middle is missing"),
        ("text = .*", "text = true", "weights.text must be a number"),
        ("text = .*", "txet = 1", "weights.text is missing"),
        ("echo = .*", "echo = 1\nmood = 2", "weights.mood is unknown; known are text"),
        (r"\[weights\]", "[scales]", r"needs a table \[weights\]"),
        (r"\[weights\]", "[weights", "is no TOML"),
    ],
)
def test_a_file_that_is_no_affinity_is_refused(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    path = tmp_path / "affinity.toml"
    path.write_text(re.sub(rf"(?m)^{old}$", new, affinity_toml(DEFAULT)))
    with pytest.raises(AffinityError, match=problem):
        load_affinity(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AffinityError, match=r"none.toml: cannot be read: No such file"):
        load_affinity(tmp_path / "none.toml")
