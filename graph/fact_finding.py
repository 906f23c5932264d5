"""From functions to `Facts`: the one look at every parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simkit.graph.facts import Facts, FunctionColumns, ParameterColumns, in_order
from simkit.graph.naming import (
    Naming,
    ends_things,
    is_descriptive,
    is_setting,
    namings,
    nesting,
)
from simkit.graph.pairs import Indexes
from simkit.graph.parameters import Parameter, name_words, said_by
from simkit.traces.functions import Function

Columns = TypeVar("Columns", ParameterColumns, FunctionColumns)

_MOST_WORDS = 6
"""Words of a parameter, its owner's among them, that are compared."""
_OWNER_WEIGHT = 0.2
_OTHER_WEIGHT = 0.1
_GENERIC_FACTOR = 2.5
"""Owner and others count so much more where the name alone says little."""
_MAX_NESTING = 3
_FUNCTION_TEXT = 300
"""Characters of a function's name and first sentence that are embedded."""
_KINDS = {"string": 1, "integer": 1, "number": 1, "boolean": 2, "object": 4}
"""Types as bits: text and numbers are one, as they are written alike."""
_FORMS = {
    **dict.fromkeys(("date", "date-time", "time"), 1),
    **dict.fromkeys(("email", "idn-email"), 2),
    **dict.fromkeys(("uri", "url", "iri", "uri-reference"), 3),
    **dict.fromkeys(("uuid", "guid"), 4),
    **dict.fromkeys(("ipv4", "ipv6", "ip"), 5),
    **dict.fromkeys(("phone", "telephone"), 6),
}
"""Formats that tell one thing from another, by family; others are about how it is written."""


def facts_of(
    functions: Sequence[Function],
    outputs: Sequence[Parameter],
    inputs: Sequence[Parameter],
    known: Facts | None = None,
) -> Facts:
    """What there is to know of *functions*, each by itself.

    Args:
        outputs: Of all *functions*, grouped by function; *inputs* likewise.
        known: Facts of the first of them, which saves the look at these.
    """
    if known is None:
        return in_order(_Tables(None).facts(functions, functions, outputs, inputs))
    if len(known.functions) == len(functions):
        return known
    found = _Tables(known).facts(
        functions,
        functions[len(known.functions) :],
        outputs[len(known.outputs) :],
        inputs[len(known.inputs) :],
    )
    return in_order(
        replace(
            found,
            outputs=_joined(known.outputs, found.outputs),
            inputs=_joined(known.inputs, found.inputs),
            functions=_joined(known.functions, found.functions),
        )
    )


class _Numbers(dict[str, int]):
    """Distinct strings and the number of each, in the order in which they are asked for."""

    def of(self, values: Iterable[str]) -> Indexes:
        return np.array([self.setdefault(value, len(self)) for value in values], np.int64)


class _Tables:
    """The strings of some facts, and of those that are found."""

    def __init__(self, known: Facts | None) -> None:
        def table(values: Sequence[str]) -> _Numbers:
            return _Numbers((value, at) for at, value in enumerate(values))

        self._texts = table(known.texts if known else ())
        self._phrases = table(known.phrases if known else ())
        self._names = table(known.names if known else ())
        self._words = table(known.words if known else ())
        self._paths = table(known.paths if known else ())
        self._domains = table(known.domains if known else ())

    def facts(
        self,
        functions: Sequence[Function],
        new: Sequence[Function],
        outputs: Sequence[Parameter],
        inputs: Sequence[Parameter],
    ) -> Facts:
        """Facts of the *new* of *functions*, whose parameters these are."""
        given, taken = self._parameters(functions, outputs), self._parameters(functions, inputs)
        columns = FunctionColumns(
            text=self._texts.of(_function_text(one) for one in new),
            domain=self._domains.of(one.domain or one.source for one in new),
            ends=np.array([ends_things(one) for one in new], bool),
        )
        return Facts(
            texts=list(self._texts),
            phrases=list(self._phrases),
            names=list(self._names),
            words=list(self._words),
            paths=list(self._paths),
            domains=list(self._domains),
            outputs=given,
            inputs=taken,
            functions=columns,
        )

    def _parameters(
        self, functions: Sequence[Function], parameters: Sequence[Parameter]
    ) -> ParameterColumns:
        named = namings(functions, parameters)
        words, weights = self._weighted_words(named)
        last = self._words.of(one.name[-1] for one in named if one.name)
        last_word = np.full(len(named), -1)
        last_word[[bool(one.name) for one in named]] = last
        return ParameterColumns(
            function=np.array([one.function for one in parameters], np.int64),
            path=self._paths.of(one.path for one in parameters),
            text=self._texts.of(one.text for one in parameters),
            phrase=self._phrases.of(one.phrase for one in named),
            name=self._names.of(" ".join(one.name) for one in named),
            last_word=last_word,
            words=words,
            weights=weights,
            kinds=np.array([_kind_bits(one.kinds) for one in parameters], np.int8),
            form=np.array([_FORMS.get(one.form, 0) for one in parameters], np.int8),
            nesting=np.array([_depth(one.path) for one in parameters], np.float32),
            repeated=np.array(["[]" in one.path for one in parameters], bool),
            required=np.array([one.required for one in parameters], bool),
            choice=np.array([bool(one.choices) for one in parameters], bool),
            askable=np.array([_is_askable(one) for one in parameters], bool),
            descriptive=np.array([is_descriptive(one.name) for one in parameters], bool),
        )

    def _weighted_words(self, named: Sequence[Naming]) -> tuple[Indexes, NDArray[np.float64]]:
        shape = (len(named), _MOST_WORDS)
        words, weights = np.full(shape, -1), np.zeros(shape)
        for row, naming in enumerate(named):
            for column, (word, weight) in enumerate(_heaviest(naming)):
                words[row, column] = self._words.setdefault(word, len(self._words))
                weights[row, column] = weight
        return words, weights


def _heaviest(naming: Naming) -> list[tuple[str, float]]:
    factor = _GENERIC_FACTOR if naming.is_generic else 1.0
    weights = dict.fromkeys(naming.name, 1.0)
    for words, weight in ((naming.owner, _OWNER_WEIGHT), (naming.other, _OTHER_WEIGHT)):
        for word in words:
            weights.setdefault(word, weight * factor)
    return sorted(weights.items(), key=lambda item: -item[1])[:_MOST_WORDS]


def _kind_bits(kinds: Iterable[str]) -> int:
    bits = 0
    for kind in kinds:
        bits |= _KINDS.get(kind, 0)
    return bits


def _depth(path: str) -> float:
    return min(nesting(path), _MAX_NESTING) / _MAX_NESTING


def _is_askable(parameter: Parameter) -> bool:
    return not parameter.is_yes_or_no and not is_setting(parameter.name)


def _function_text(function: Function) -> str:
    first = re.split(r"(?<=[.!?])\s", said_by(function.description), maxsplit=1)[0]
    name = name_words(function.original_name or function.name)
    return f"{name}: {first}"[:_FUNCTION_TEXT]


def _joined(first: Columns, others: Columns) -> Columns:
    return type(first)(
        *(
            np.concatenate([getattr(first, one.name), getattr(others, one.name)])
            for one in fields(first)
        )
    )
