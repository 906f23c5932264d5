"""What a function most likely gives, by rule: from its name, its description and its inputs.

Most real catalogs declare no outputs. A guess serves twice: the graph joins functions by it, and
the simulated tool fills it in. So it names few fields, and none where nothing can be said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from simkit.graph.inference.actions import Action, action_of
from simkit.graph.inference.field_types import type_of_field
from simkit.graph.inference.input_names import InputNames, place_of
from simkit.graph.inference.names_near import NamesNear
from simkit.graph.inference.word_forms import plural, singular
from simkit.graph.inference.wording import MAX_READ, wording_of
from simkit.graph.parameters import name_words, returned_thing
from simkit.traces.functions import Function

__all__ = ["InputNames", "inferred_outputs", "with_inferred_outputs"]

MAX_FIELDS = 12
MAX_SAID = 200
"""Characters of a field's description."""

_Fields = dict[str, dict[str, Any]]

_FACTS: dict[str, tuple[str, ...]] = {
    "address": ("street", "city", "country", "postal code"),
    "coordinate": ("latitude", "longitude"),
    "email": ("subject", "body"),
    "exchange rate": ("rate",),
    "forecast": ("temperature", "conditions"),
    "geolocation": ("latitude", "longitude"),
    "weather": ("temperature", "humidity", "conditions"),
    "weather forecast": ("temperature", "humidity", "conditions"),
}
"""What everybody expects of a few everyday things."""

_INTRODUCED = re.compile(r"\A[^\0]{0,1000}?\b(?:tool|function) description:\s*", re.IGNORECASE)
"""What some catalogs say of the whole service before they come to the function."""
_NUMBER = {"type": "number"}
_PAST = {
    "compose": "composed",
    "decode": "decoded",
    "decrypt": "decrypted",
    "encode": "encoded",
    "encrypt": "encrypted",
    "format": "formatted",
    "hash": "hashed",
    "paraphrase": "paraphrased",
    "rephrase": "rephrased",
    "rewrite": "rewritten",
    "summarize": "summary",
    "transcribe": "transcribed",
    "translate": "translated",
}
_RESULTS = {
    "analyse": "analysis",
    "analyze": "analysis",
    "assess": "assessment",
    "classify": "category",
    "compare": "comparison",
    "diagnose": "diagnosis",
    "plan": "plan",
    "simulate": "simulation result",
    "test": "test result",
}
_MAKES_NO_RECORD = frozenset({"donate", "launch", "open", "start", "initialize", "init"})
_ALWAYS_MANY = frozenset({"browse", "discover", "explore", "filter", "list", "lists", "search"})
_COLLECTIONS = frozenset(
    {"characteristic", "dimension", "feature", "metric", "property", "setting", "stat", "statistic"}
)
"""In the plural they are one thing with many fields."""
_TRUTHS = frozenset({"are", "can", "does", "has", "is", "validate", "verify"})
_WHETHER = re.compile(r"\b(?:if|whether)\b", re.IGNORECASE)


def inferred_outputs(function: Function, names: InputNames | None = None) -> dict[str, Any] | None:
    """A JSON Schema (an object) of what *function* gives, or None where nothing can be said.

    What the description says comes first, then what the verb and its object suggest. *names*,
    built from the whole catalog, lets identifiers be spelled as other functions ask for them.
    What the function takes is not given back. About 20,000 functions in a few seconds.
    """
    return _Guess(function, names or InputNames(())).schema()


class _Guess:
    """One function, while its result is guessed."""

    def __init__(self, function: Function, names: InputNames) -> None:
        function = replace(
            function, description=_INTRODUCED.sub("", function.description[:MAX_READ])
        )
        self._function = function
        self._action = action_of(function)
        self._wording = wording_of(function.description)
        self._near = NamesNear(function, names)

    def schema(self) -> dict[str, Any] | None:
        said = self._said()
        fields = self._fields(said)
        if not fields:
            return None
        return {
            "type": "object",
            "properties": dict(list(fields.items())[:MAX_FIELDS]),
            "required": [],
        }

    def _said(self) -> _Fields:
        """The fields that the description names, but for those that the function takes."""
        return {
            self._near.spelled(one.name): one.schema | {"description": one.description or one.name}
            for one in self._wording.fields
            if not self._near.is_taken(one.name)
        }

    def _fields(self, said: _Fields) -> _Fields:
        action = self._action
        if action is None:
            return said
        many = action.many or action.verb in _ALWAYS_MANY or self._wording.kind == "array"
        many = many and not _is_collection(action)
        if many and action.kind in ("gets", "lists") and action.thing:
            return self._listed(action, said)
        if self._wording.kind == "boolean" and action.kind != "changes":
            return self._one(self._truth(action), {"type": "boolean"})
        if action.kind == "makes" and action.thing:
            return self._made(action) | said
        if said:
            return said
        return self._by_verb(action)

    def _by_verb(self, action: Action) -> _Fields:
        match action.kind:
            case "asks":
                return self._asked(action)
            case "changes" | "makes":
                return self._success()
            case "counts":
                return self._one(("count",), {"type": "integer"})
            case "computes":
                return self._computed(action)
            case "writes":
                return self._one(_written(action), {"type": "string"})
            case "gets" | "lists":
                return self._got(action)
            case "runs":
                return self._run(action)

    def _asked(self, action: Action) -> _Fields:
        if action.verb in _TRUTHS or _WHETHER.search(self._function.description[:MAX_SAID]):
            return self._one(self._truth(action), {"type": "boolean"})
        words = action.thing or ("result",)
        return self._one(words, type_of_field(words))

    def _truth(self, action: Action) -> tuple[str, ...]:
        """Words for a field that is true or false."""
        if action.verb in ("validate", "verify"):
            return ("valid",)
        if action.verb in _TRUTHS:
            return (action.verb, *action.thing)
        return action.thing if action.thing and not action.many else ("result",)

    def _success(self) -> _Fields:
        about = {"type": "boolean", "description": "Whether it succeeded."}
        return {self._near.spelled("success"): about}

    def _computed(self, action: Action) -> _Fields:
        if action.verb == "convert":
            return self._one(("converted", *(action.thing[-1:] or ("value",))), _NUMBER)
        thing = action.thing or ("result",)
        guess = type_of_field(thing)
        return self._one(thing, _NUMBER if guess["type"] == "string" else guess)

    def _run(self, action: Action) -> _Fields:
        words: tuple[str, ...] = (_RESULTS.get(action.verb, "result"),)
        if action.verb in ("conduct", "perform") and action.thing:
            words = action.thing
        return self._one(words, {"type": "string"})

    def _got(self, action: Action) -> _Fields:
        """One thing: its identifiers and what is known of it, or the thing itself."""
        thing = action.thing
        if not thing:
            return {}
        if action.verb == "read":
            return self._one((*thing, "content"), {"type": "string"})
        facts = _FACTS.get(" ".join(thing[-2:])) or _FACTS.get(thing[-1], ())
        fields = {
            self._near.spelled(fact): _described(fact.split(), f"The {fact}.")
            for fact in facts
            if not self._near.is_taken(fact)
        }
        kind = type_of_field(thing)
        if kind["type"] == "string" or action.about:
            fields |= {} if self._near.takes_id else self._near.identifiers(thing)
            fields |= self._near.attributes(thing)
        if fields:
            return fields
        if _is_collection(action):
            return self._one((*thing[:-1], plural(thing[-1])), {"type": "object"})
        if kind["type"] == "string" and (action.about or self._near.is_known(thing)):
            kind = {"type": "object"}
        return self._one((*thing, "info") if self._near.is_taken(" ".join(thing)) else thing, kind)

    def _made(self, action: Action) -> _Fields:
        fields = self._near.identifiers(action.thing)
        if not fields and action.verb not in _MAKES_NO_RECORD:
            fields = self._near.own_identifier(action.thing)
        return fields | self._success()

    def _listed(self, action: Action, said: _Fields) -> _Fields:
        thing = action.thing
        inner = self._near.identifiers(thing) | self._near.attributes(thing)
        if not inner and (action.kind == "lists" or action.verb == "find"):
            inner = self._near.own_identifier(thing)
        inner |= {name: schema for one in said.items() for name, schema in [self._each(*one)]}
        if inner and not said and not any(name.lower().endswith("name") for name in inner):
            inner["name"] = {"type": "string", "description": f"Name of the {' '.join(thing)}."}
        items: dict[str, Any] = {"type": "string"}
        if inner:
            items = {"type": "object", "properties": inner}
        about = {"type": "array", "description": self._thing_said(), "items": items}
        return {self._near.spelled(" ".join((*thing[:-1], plural(thing[-1])))): about}

    def _each(self, name: str, schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A field said of many things, as a field of one of them: ``names`` are a ``name`` each."""
        words = name_words(name).split()
        if schema["type"] != "array":
            return name, schema
        words[-1] = singular(words[-1])
        return self._near.spelled(" ".join(words)), _described(words, schema["description"])

    def _one(self, words: Iterable[str], schema: Mapping[str, Any]) -> _Fields:
        name = " ".join(words)
        if self._near.is_taken(name):
            name = f"{name} result" if name != "result" else "output"
        return {self._near.spelled(name): dict(schema) | {"description": self._thing_said()}}

    def _thing_said(self) -> str:
        return returned_thing(self._function)[:MAX_SAID]


def with_inferred_outputs(
    functions: Sequence[Function], among: Sequence[Function] = ()
) -> tuple[Function, ...]:
    """*functions*, those that declare no outputs with what can be inferred.

    Args:
        among: Others of the same catalog, whose inputs they may feed.
    """
    places = {place_of(one) for one in functions}  # others spell for themselves
    names = InputNames((*(one for one in among if place_of(one) in places), *functions))
    return tuple(
        function if function.outputs is not None else _completed(function, names)
        for function in functions
    )


def _completed(function: Function, names: InputNames) -> Function:
    outputs = inferred_outputs(function, names)
    if outputs is None:
        return function
    return replace(function, outputs=outputs, outputs_origin="inferred")


def _written(action: Action) -> tuple[str, ...]:
    """``translated text``, ``summary``, ``encoded data``."""
    past = _PAST.get(action.verb, action.verb)
    return (past,) if past == "summary" else (past, *(action.thing[-1:] or ("text",)))


def _is_collection(action: Action) -> bool:
    return action.many and bool(action.thing) and action.thing[-1] in _COLLECTIONS


def _described(words: Sequence[str], about: str) -> dict[str, Any]:
    return type_of_field(words) | {"description": about}
