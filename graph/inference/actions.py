"""What a function does to what, from its name, or from its description."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from simkit.graph.inference.word_forms import is_plural, singular
from simkit.graph.parameters import name_words, returned_thing
from simkit.traces.functions import Function

Kind = Literal["asks", "changes", "computes", "counts", "gets", "lists", "makes", "runs", "writes"]

MAX_WORDS = 4
"""Of an object; the last ones are the ones that say what it is."""

_VERBS: dict[Kind, str] = {
    "asks": """
        are can check confirm contains does exists has is validate verify
    """,
    "changes": """
        accept activate adjust approve archive assign attach block cancel change clear close
        configure confirm control deactivate decline delete detach disable dislike drop edit
        enable exit follow insert join leave like lock log logout manage mark mention merge modify
        move mute notify patch pause pin play publish purge record reject remove rename replace
        reply reset restart restore resume retweet revoke rm save send set share shutdown stop
        switch sync terminate toggle transfer turn unassign unblock unfollow unlock unmute update
        upsert withdraw write
    """,
    "computes": """
        calculate compute convert estimate measure predict
    """,
    "counts": "count",
    "gets": """
        access build define describe determine display download draw examine export extract fetch
        find generate get identify inspect load locate lookup obtain provide query read render
        retrieve return show track view
    """,
    "lists": """
        browse discover explore filter list lists recommend search suggest
    """,
    "makes": """
        add book buy clone copy create deploy donate duplicate enrol enroll fork import init
        initialize invite issue launch make open order place post purchase register rent report
        request reserve schedule start submit subscribe upload
    """,
    "runs": """
        analyse analyze apply assess benchmark call classify compare compile conduct crawl debug
        detect diagnose evaluate execute improve monitor optimize perform plan plot process
        profile run scan scrape simulate solve test train transform trigger
    """,
    "writes": """
        compose decode decrypt encode encrypt format hash paraphrase pronounce rephrase rewrite
        summarize transcribe translate transliterate
    """,
}
_KINDS: dict[str, Kind] = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}
_ALSO_NOUNS_LIST = """
    access block book call change copy design display draw edit export filter format hash
    import issue like list lock log measure monitor open order patch place plan play plot post
    process profile query record render rent report request reserve schedule set share start
    stop test track transfer view
"""
_ALSO_NOUNS = frozenset(_ALSO_NOUNS_LIST.split())
_NEVER_NOUNS_LIST = """
    add analyse analyze calculate cancel check compute convert create delete determine disable
    download edit enable estimate execute extract fetch find generate get insert is modify
    predict read remove retrieve search send set submit summarize translate update upload
    validate verify
"""
_NEVER_NOUNS = frozenset(_NEVER_NOUNS_LIST.split())
_AGENTS = {
    "calculator": "calculate",
    "checker": "check",
    "converter": "convert",
    "conversion": "convert",
    "finder": "find",
    "generator": "generate",
    "lookup": "lookup",
    "translator": "translate",
    "validator": "validate",
    "verifier": "verify",
}
_LEADS_AWAY_LIST = """
    across after around as at based before between by during for from given if in inside into
    matching near on onto over per since that through to under until using via when where
    whether which who whose with within without
"""
_LEADS_AWAY = frozenset(_LEADS_AWAY_LIST.split())
_QUALIFIERS_LIST = """
    a actual additional all an any available basic batch bulk comprehensive current detailed
    estimated existing filtered full general given global historical individual its latest
    live many more most multiple my nearby new newest next one own paginated personal popular
    previous random real recent related single some specific specified the their these this
    time top trending upcoming various your
"""
_QUALIFIERS = frozenset(_QUALIFIERS_LIST.split())
_MAY_OPEN = frozenset({"for", "if", "whether"})
_PARTS = re.compile(r"[./]|::|__")
_VERSION = re.compile(r"v?\d+|api")
_TAILS_LIST = "advanced api async endpoint helper request sync tool"
_TAILS = frozenset(_TAILS_LIST.split())
_ABOUT_LIST = """
    detail details info information metadata object profile record
"""
_ABOUT = frozenset(_ABOUT_LIST.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The verb of a function and its object."""

    kind: Kind
    verb: str
    thing: tuple[str, ...]
    """The object's words, lower case, the head last and singular; empty when there is none."""
    many: bool
    """The object stands in the plural."""
    about: bool
    """The name asks for facts about the object: ``get_user_info``."""


def action_of(function: Function) -> Action | None:
    """The action of *function*; None where neither name nor description starts with a verb."""
    named = _named(function)
    place = _verb_place(named)
    if place is None or named[place] == "post":
        return _from_description(function, named) or _from_name(named, place, function)
    return _from_name(named, place, function)


def _named(function: Function) -> list[str]:
    """The words of the name that tell: the last part of ``a.b.c``, unless it is only a verb."""
    name = (function.original_name or function.name).partition(" for ")[0]
    parts = [name_words(part).split() for part in _PARTS.split(name)]
    words = [word for part in parts[-1:] for word in part]
    if len(words) < 2 and len(parts) > 1:
        words = parts[-2] + words
    return [word for word in words if not _VERSION.fullmatch(word)]


def _from_name(words: list[str], place: int | None, function: Function) -> Action | None:
    if place is None:
        return None
    verb = _AGENTS.get(words[place], words[place])
    after = (word for word in words[place + 1 :] if word not in _NEVER_NOUNS)
    thing = _object(after) or _object(words[:place])
    if not thing:
        thing = _short(_object(name_words(returned_thing(function)).split()))
    return _action(verb, thing)


def _from_description(function: Function, named: Sequence[str]) -> Action | None:
    """The verb that the description opens with; its object is the name, if that has a noun."""
    for word in name_words(function.description[:200]).split()[:4]:
        verb = _lemma(word)
        if verb in _KINDS and verb not in ("deploy", "use"):
            own = _object([word for word in named if word not in _KINDS])
            said = _short(_object(name_words(returned_thing(function)).split()))
            return _action(verb, own or said)
    return None


def _short(words: list[str]) -> list[str]:
    return words if len(words) <= MAX_WORDS else []


def _verb_place(words: Sequence[str]) -> int | None:
    """Where the verb is: the first word, one that is never a noun, or the last word."""
    if not words:
        return None
    if words[0] in _KINDS and words[0] not in _ALSO_NOUNS:
        return 0
    end = next((at for at, word in enumerate(words) if at and word in _LEADS_AWAY), len(words))
    for place, word in enumerate(words[:end]):
        if word in _NEVER_NOUNS:
            return place
    if words[0] in _KINDS:
        return 0
    inner = [place for place in range(1, end) if words[place] in _KINDS or words[place] in _AGENTS]
    return inner[0] if inner else None


def _lemma(word: str) -> str:
    if word in _KINDS:
        return word
    for ending in ("s", "es", "ing"):
        if word.endswith(ending) and word.removesuffix(ending) in _KINDS:
            return word.removesuffix(ending)
    return word.removesuffix("ies") + "y" if word.endswith("ies") else word


def _object(words: Iterable[str]) -> list[str]:
    """The noun that *words* start with, without what only narrows it."""
    kept: list[str] = []
    for word in words:
        if word in _LEADS_AWAY or word == "and":
            if kept or word not in _MAY_OPEN:
                break
            continue
        if word not in _QUALIFIERS:
            kept.append(word)
    while kept and (kept[-1] in _TAILS or kept[-1].isdigit()):
        kept.pop()
    return kept


def _action(verb: str, words: list[str]) -> Action:
    kind = _KINDS[verb]
    words = _of_turned(words)
    listed = bool(words) and words[-1] in ("list", "lists", "results")
    about = bool(words) and words[-1] in _ABOUT
    if (listed or about) and len(words) > 1:
        words = words[:-1]
    many = listed or (bool(words) and is_plural(words[-1]))
    thing = (*words[:-1], singular(words[-1])) if words else ()
    return Action(kind=kind, verb=verb, thing=thing[-MAX_WORDS:], many=many, about=about)


def _of_turned(words: list[str]) -> list[str]:
    """``area of triangle`` is the triangle's area: the head is what stands before ``of``."""
    if "of" not in words:
        return words
    place = words.index("of")
    head, rest = words[:place], [word for word in words[place + 1 :] if word != "of"]
    if head in (["list"], ["lists"], ["array"], ["set"], ["collection"]):
        return rest
    if head == ["number"]:
        return [*rest[-1:], "count"]
    return head or rest
