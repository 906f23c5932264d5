"""What a function takes and gives, as one short text for each parameter.

The texts are what is embedded to find out which output can feed which input, after
ToolMind (arXiv 2511.15718, section 3.1): description and type of a parameter, without its
name. Names are used only where a catalog gives no description.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from simkit.traces.functions import Function, Schema

MAX_DEPTH = 5
"""Names in the path of a nested output, at most."""
MAX_PER_FUNCTION = 100
MAX_FORMAT = 50
"""Characters of a format that are kept."""
MAX_TEXT = 500
"""Characters of a description that count; the models behind read about as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One input or output of a function."""

    function: int
    """Index of the function in its catalog."""
    path: str
    """``a``, or ``a.b`` and ``a[].b`` inside an output; empty for an inferred output."""
    text: str
    """What the paper's rule embeds; never empty unless name and description are."""
    kinds: frozenset[str] = frozenset()
    """Its JSON types, an array's those of its items too; empty when the catalog does not say."""
    form: str = ""
    """Its ``format``, where there is one, e.g. ``date-time``."""
    choices: frozenset[str] = frozenset()
    """The values of its ``enum`` as text, where there is one."""
    required: bool = False
    """Of inputs only."""
    inferred: bool = False
    """The catalog declares no output: this one is guessed from the function's description."""

    @property
    def is_yes_or_no(self) -> bool:
        """Whether it is a flag."""
        return self.kinds - {"null"} == {"boolean"}

    @property
    def name(self) -> str:
        """The last name of the path, as the catalog spells it."""
        return self.path.rpartition(".")[2].removesuffix("[]")

    @property
    def around(self) -> str:
        """The name of what holds it: ``tracks`` for ``tracks[].id``; empty at the top."""
        return self.path.rpartition(".")[0].rpartition(".")[2].removesuffix("[]")


def inputs_of(functions: Sequence[Function]) -> list[Parameter]:
    """The top-level arguments of every function, in catalog order, 100 a function at most."""
    return [
        _parameter(
            index, name, name, schema, required=name in function.parameters.get("required", ())
        )
        for index, function in enumerate(functions)
        for name, schema in islice(
            _properties(function.parameters, function.parameters).items(), MAX_PER_FUNCTION
        )
    ]


def outputs_of(functions: Sequence[Function]) -> list[Parameter]:
    """The result fields of every function, in catalog order, outer fields before inner ones.

    Nested fields count down to `MAX_DEPTH` names, `MAX_PER_FUNCTION` a function. A function
    that declares none gets one inferred output, so every function gives something.
    """
    parameters: list[Parameter] = []
    for index, function in enumerate(functions):
        inferred = function.outputs_origin == "inferred"
        fields = [
            _parameter(index, path, name, schema, inferred=inferred)
            for path, name, schema in _fields(function.outputs or {})
        ]
        parameters += fields or [
            Parameter(function=index, path="", text=returned_thing(function), inferred=True)
        ]
    return parameters


def _parameter(
    function: int,
    path: str,
    name: str,
    schema: Schema,
    *,
    required: bool = False,
    inferred: bool = False,
) -> Parameter:
    given = schema.get("enum")
    return Parameter(
        function=function,
        path=path,
        text=parameter_text(name, schema),
        kinds=frozenset(_kinds(schema)),
        form=str(schema.get("format", ""))[:MAX_FORMAT],
        choices=frozenset(str(one) for one in given) if isinstance(given, list) else frozenset(),
        required=required,
        inferred=inferred,
    )


def _kinds(schema: Schema) -> Iterator[str]:
    """The JSON types of *schema*, and of its items where it is an array."""
    kind = schema.get("type")
    yield from kind if isinstance(kind, list) else [kind] if isinstance(kind, str) else ()
    items = schema.get("items")
    inner = [items] if isinstance(items, Mapping) else []
    for key in ("anyOf", "oneOf"):
        choices = schema.get(key)
        inner += [one for one in choices or () if isinstance(one, Mapping)]
    for one in inner:
        yield from _kinds(one)


def parameter_text(name: str, schema: Schema) -> str:
    """Description and type of a parameter; the name's words stand in for no description."""
    said = said_by(schema.get("description"))[:MAX_TEXT] or name_words(name)
    kind = _type_words(schema)
    return f"{said} ({kind})" if kind else said


_SAYS_NOTHING = re.compile(
    r"\W*|(?:no description|description)(?: (?:is )?(?:not )?(?:available|provided|given))?\W*"
    r"|n/?a|none|todo|tbd",
    re.IGNORECASE,
)


def said_by(description: object) -> str:
    """*description* on one line; empty when it is a placeholder."""
    text = " ".join(description.split()) if isinstance(description, str) else ""
    return "" if _SAYS_NOTHING.fullmatch(text) else text


def name_words(name: str) -> str:
    """The words of a name: ``getUserID_v2`` gives ``get user id v2``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.findall(r"[^\W_]+", spaced)).lower()


_SAYS_WHAT_IT_RETURNS = re.compile(
    r"\b(?:returns|returning|and return)\s+([^.;\n]{3,})", re.IGNORECASE
)
_ENDS_BEFORE = re.compile(r"\b(?:given|based on|according to|using|by)\b", re.IGNORECASE)
_OPENER = re.compile(
    r"this (?:api|command|endpoint|function|method|tool)\b"
    r"(?: (?:allows|be|can|enables|helps|is|lets|to|us|used|users?|will|you))*\s+",
    re.IGNORECASE,
)
_VERBS = """
    add analyze apply book browse build calculate call cancel change check compare compute construct
    convert count create delete describe determine display download draw edit estimate evaluate
    execute explore export extract fetch find generate get give identify insert list load locate log
    look lookup make manage modify move obtain open perform place play post predict produce provide
    query read recommend register remove request reserve resolve retrieve return run save scan
    schedule search select send set show simulate solve start stop submit suggest summarize tell
    track translate update upload validate verify view write
"""
_FILLERS = "and for me out up you"
_MAY_GO = frozenset(f"{_VERBS} {_FILLERS}".split())
_ARTICLES = frozenset({"a", "all", "an", "any", "one", "the", "your"})


def returned_thing(function: Function) -> str:
    """A guess at what *function* gives, from its description: the object of its verb.

    "Calculates the area of a triangle given its sides." gives "the area of a triangle".
    """
    description = said_by(function.description)
    said = _SAYS_WHAT_IT_RETURNS.search(description)
    if said:
        return said[1].strip()[:MAX_TEXT]
    sentence = re.split(r"(?<=[.!?;])\s(?=[A-Z])", description, maxsplit=1)[0].rstrip(".!?; ")
    words = _ENDS_BEFORE.split(_OPENER.sub("", sentence))[0].split()
    while len(words) > 1 and (is_action(words[0]) or words[1].lower() in _ARTICLES):
        words.pop(0)
    return " ".join(words)[:MAX_TEXT] or name_words(function.name)


def is_action(word: str) -> bool:
    """Whether *word* is one of the verbs and fillers that say what is done, not to what."""
    word = word.lower().strip(",")
    return not _MAY_GO.isdisjoint((word, word.removesuffix("s"), word.removesuffix("es")))


def _fields(root: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Path, name and schema of the fields of a result, breadth first."""
    waiting = deque(
        (f"{name}", 1, name, schema) for name, schema in _properties(root, root).items()
    )
    for _ in range(MAX_PER_FUNCTION):
        if not waiting:
            return
        path, depth, name, schema = waiting.popleft()
        yield path, name, schema
        if depth < MAX_DEPTH:
            mark, inner = _inside(schema, root)
            waiting.extend(
                (f"{path}{mark}.{key}", depth + 1, key, value)
                for key, value in _properties(inner, root).items()
            )


def _inside(schema: Schema, root: Schema) -> tuple[str, Schema]:
    """The schema whose fields lie inside *schema*, and how a path says so."""
    items = schema.get("items")
    if isinstance(items, Mapping):
        return "[]", _resolved(items, root)
    return "", schema


def _properties(schema: Schema, root: Schema) -> dict[str, Schema]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: _resolved(value, root) if isinstance(value, Mapping) else {}
        for name, value in properties.items()
    }


def _resolved(schema: Schema, root: Schema) -> Schema:
    """*schema* with a local reference followed; what stands beside the reference wins."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    target: Any = root
    for part in reference[2:].split("/"):
        target = target.get(part) if isinstance(target, Mapping) else None
    return {**target, **schema} if isinstance(target, Mapping) else schema


def _type_words(schema: Schema) -> str:
    """The JSON types of *schema* in words, e.g. ``array of string``; empty when it says none."""
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        inner = _type_words(items) if isinstance(items, Mapping) else ""
        return f"array of {inner}" if inner else "array"
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        return " or ".join(str(one) for one in kind if one != "null")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(choices, list):
        return ""
    words = (_type_words(choice) for choice in choices if isinstance(choice, Mapping))
    return " or ".join(dict.fromkeys(word for word in words if word and word != "null"))
