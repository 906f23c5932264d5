"""What people say feeds what: lines of labels, read against the functions of a graph.

A line is ``{"function": consumer, "parameter": name, "producers": [...]}``; a producer is the
name of a function or ``{"function": name, "output": path}``, the path optional and further
keys ignored, so that lines of `simkit graph candidates`, cut down to what is right, are labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from simkit.graph.parameters import Parameter
from simkit.traces.functions import Function

_MAX_LINE = 1 << 20
"""Bytes of a line; longer ones are no labels."""
_MAX_SHOWN = 80
_EXAMPLE = '{"function": "get_album", "parameter": "album_id", "producers": ["search"]}'
MAX_QUESTIONS = 2_000
"""Inputs asked about at most, the first ones: a dozen weights do not get better for more."""


class LabelsError(Exception):
    """A file of labels cannot be used; the message says what, where and the mend."""

    def __init__(self, message: str, passed_over: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.passed_over = passed_over
        """Labels that could not be used by themselves, as in `Labels.problems`."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which functions feed this input? Any of *producers* is right."""

    input: int
    """Index of the input."""
    producers: Mapping[int, frozenset[str]]
    """By index of the function: the paths of the outputs that are right, or none for any.
    Never the input's own function."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What a file of labels asks."""

    questions: tuple[Question, ...]
    """By input, each input once."""
    problems: tuple[str, ...]
    """What was passed over, with the line and why."""


def read_labels(path: Path, functions: Sequence[Function], inputs: Sequence[Parameter]) -> Labels:
    """The labels in the file *path*, of *functions* and their *inputs*.

    Functions go by their names in the graph or, where only one has it, in their catalog.
    Lines about one input are joined. What cannot be used is passed over and told.

    Raises:
        LabelsError: The file cannot be read, or holds not one label that can be used.
    """
    catalog = _Catalog(functions, inputs)
    answers: dict[int, dict[int, frozenset[str]]] = defaultdict(dict)
    problems: list[str] = []
    for number, line in _lines(path):
        try:
            asked, named = catalog.question(_parsed(line))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        for producer in named:
            try:
                function, outputs = catalog.producer(producer, asked)
            except ValueError as error:
                problems.append(f"line {number}: {error}")
            else:
                answers[asked][function] = _joined(answers[asked].get(function), outputs)
    questions = tuple(Question(at, answers[at]) for at in sorted(answers) if answers[at])
    if not questions:
        raise LabelsError(
            f"{path} holds no label that can be used{'; ' + problems[0] if problems else ''}. "
            f"A line is like {_EXAMPLE}"
        )
    if len(questions) > MAX_QUESTIONS:
        problems.append(f"only the first {MAX_QUESTIONS:,} of {len(questions):,} inputs are used")
    return Labels(questions[:MAX_QUESTIONS], tuple(problems))


class _Catalog:
    """Finds what labels name."""

    def __init__(self, functions: Sequence[Function], inputs: Sequence[Parameter]) -> None:
        self._inputs = {(one.function, one.path): at for at, one in enumerate(inputs)}
        self._owners = [one.function for one in inputs]
        self._functions = {
            name: numbers[0]
            for name, numbers in _numbers_by_original_name(functions).items()
            if len(numbers) == 1
        } | {function.name: number for number, function in enumerate(functions)}

    def question(self, label: Mapping[str, Any]) -> tuple[int, list[Any]]:
        """The input that *label* asks about, and its producers as they stand."""
        name, parameter, producers = (
            label.get(key) for key in ("function", "parameter", "producers")
        )
        if not (isinstance(parameter, str) and isinstance(producers, list)):
            raise ValueError('it needs "function", "parameter" and a list of "producers"')
        asked = self._inputs.get((self._function(name), parameter))
        if asked is None:
            raise ValueError(f"{name} takes no {_shown(parameter)}")
        return asked, producers

    def producer(self, producer: Any, asked: int) -> tuple[int, frozenset[str]]:
        """The function that feeds, and the output where one is named."""
        named = producer if isinstance(producer, dict) else {"function": producer}
        function, output = self._function(named.get("function")), named.get("output", "")
        if function == self._owners[asked]:
            raise ValueError(f"{named['function']} cannot feed itself")
        if not isinstance(output, str):
            raise ValueError(f"an output is named by its path, not by {_shown(output)}")
        return function, frozenset([output] if output else ())

    def _function(self, name: Any) -> int:
        number = self._functions.get(name) if isinstance(name, str) else None
        if number is None:
            raise ValueError(f"the graph has no function {_shown(name)}")
        return number


def _numbers_by_original_name(functions: Sequence[Function]) -> Mapping[str, list[int]]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, function in enumerate(functions):
        numbers[function.original_name or function.name].append(number)
    return numbers


def _joined(before: frozenset[str] | None, now: frozenset[str]) -> frozenset[str]:
    """Any output is right where one of the labels names none."""
    return before | now if before and now else now if before is None else frozenset()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Those that are not blank, with their numbers; of one too long, its first part."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE):
                number += 1
                if line.strip():
                    yield number, line
                while not line.endswith(b"\n") and (line := file.readline(_MAX_LINE)):
                    pass
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read: {error.strerror}") from error


def _parsed(line: bytes) -> Mapping[str, Any]:
    try:
        label = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError("it is no JSON, or longer than a megabyte") from error
    if not isinstance(label, dict):
        raise ValueError("it is no JSON object")
    return label


def _shown(value: Any) -> str:
    return repr(value)[:_MAX_SHOWN]
