"""Saying that something was done which no call has done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simkit.filters.actions import only_looks
from simkit.filters.failures import is_failure
from simkit.filters.filter import Objection
from simkit.filters.grounding.normal_text import name_words
from simkit.filters.tool_results import results_by_call
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory


class _Kind(NamedTuple):
    """Things that are done in the same way, in the words of who says so and who does them."""

    said: str
    """Participles, as a regular expression."""
    done: str
    """How words begin, as one, in the name, the description or a result of a function that
    may do it."""
    of_records: bool = False
    """Whether a text can be treated so, too: then it counts only when done to a record."""


_KINDS = (
    _Kind(
        "booked|reserved|scheduled|rescheduled|ordered|purchased|bought|placed",
        r"book|reserv|schedul|reschedul|order|purchas|buy|bought|plac|checkout|appoint",
    ),
    _Kind(
        "cancell?ed|unsubscribed|deactivated|revoked",
        r"cancel|unsubscri|deactivat|revok|delet|remov|clos|terminat|refund|return",
    ),
    _Kind(
        "sent|emailed|e-mailed|messaged|notified|forwarded",
        r"send|sent|email|mail|messag|notif|forward|invit|repl|sms|post|contact|shar",
    ),
    _Kind(
        "paid|refunded|transferred|charged|credited|issued",
        r"pay|paid|issu|refund|transf|charg|credit|cancel|return|bill|certificat|escalat",
    ),
    _Kind(
        "registered|enrolled|submitted|filed|subscribed|activated|uploaded",
        r"regist|enrol|submit|fil|subscri|activat|upload|creat|sign|report|request",
    ),
    _Kind(
        "created|added|saved|updated|changed|modified|removed|deleted",
        r"creat|add|sav|updat|chang|modif|remov|delet|edit|set|insert|cancel",
        of_records=True,
    ),
)
_IRREGULAR = {"sent": "send", "paid": "pay", "bought": "buy"}
_VERB = "|".join(f"(?P<k{number}>{kind.said})" for number, kind in enumerate(_KINDS))
_ADVERBS = r"(?:(?:also|already|both|just|now|successfully|then|gone ahead and|went ahead and) )*"
_CLAIM = re.compile(
    rf"\b(?:(?P<own>(?:i|we)(?:['’]ve| have)?) {_ADVERBS}"
    rf"|(?:has|have) {_ADVERBS}been {_ADVERBS}|(?:is|are) (?:now|successfully) {_ADVERBS}"
    rf"|successfully )(?:{_VERB})\b",
    re.IGNORECASE,
)
_UNREAL = re.compile(
    r"\b(?:after|as soon as|assum\w+|before|can|cannot|could|ensure|example|if|in case|may|might|"
    r"must|never|no(?! problem| worries|,)|nor|not|nothing|once|shall|should|suppose|to be|unable|"
    r"unless|until|when|whenever|whether|will|without|would|yet)\b|n['’]t\b|['’]ll\b|['’]d\b"
    r"|\b(?:look|seem|appear)s?\b",
    re.IGNORECASE,
)
"""What makes a clause that follows it in the sentence no claim."""
_RECORD = re.compile(
    r"\byour (?:\w+ ){0,3}(?:account|address|appointment|booking|calendar|cart|event|flight|"
    r"meeting|order|password|payment|playlist|profile|record|registration|reminder|reservation|"
    r"subscription|ticket|to-?do|trip)s?\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"```.*?(?:```|\Z)|\"[^\"\n]{0,600}\"|“[^”]{0,600}”", re.DOTALL)
_TO_YOU = re.compile(r"\byou", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]{1,600}[.!?\n]?")
_WORDS = re.compile(r"[a-z]{3,30}")
_TOLD = re.compile(
    r"\b(?:already|are|been|did|got|had|has|have|i|is|they|was|we|were|['’]ve) (?:\w{1,12} )?"
    r"(\w{2,12}ed|sent|paid|bought)\b"
)


class UnbackedClaims:
    """A turn that tells the user of something done which no call has done is masked.

    A claim is a sentence such as "I've booked", "your order has been placed", "is now cancelled"
    or "successfully updated". It is backed by an earlier successful call, or one that the
    message itself makes,

    - of a function in whose name or description the deed or a synonym occurs, whenever it was;
    - of any function that may act (by its name, see `only_looks`) since the user spoke: what a
      booking entails, such as a mail or a payment, needs no call of its own, unless a function
      is on offer whose name says just this ("updated the passengers" beside
      ``update_passengers``) and neither it nor one like it was ever called;

    or by a result of any function that says so itself ("status": "cancelled"). Plans, offers,
    questions, conditions, denials and what is quoted are no claims; nor is a passive that the
    user said first ("it was cancelled"), nor what is done to a text ("I've updated the list")
    rather than to something that a function on offer acts on. A call that failed backs nothing.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "unbacked_claims"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        about = {tool.name: tool.description for tool in trajectory.scenario.functions}
        offered = tuple(_Act.of(tool.name) for tool in trajectory.scenario.tools)
        known = _Known(about, tuple(act for act in offered if act is not None))
        for index, message in enumerate(trajectory.messages):
            if message.role == "user":
                known.hear(message)
            if message.role != "assistant":
                continue
            claim = next(_unbacked(message, known), None)
            if claim is not None:
                yield Objection(check=self.name, message=_told(index, claim, known), turn=index)
            known.learn(trajectory.messages, index)


class _Act(NamedTuple):
    """What a function that acts does, by its name."""

    function: str
    verb: str
    things: tuple[str, ...]
    """What it does it to, each word without its plural."""

    @classmethod
    def of(cls, function: str) -> _Act | None:
        """None for one that only looks, or whose name says no more than what it does."""
        words = name_words(function)
        if only_looks(function) or len(words) < 2:
            return None
        return cls(function, words[0], tuple(map(_singular, words[1:])))

    def is_named(self, said: str, words: set[str]) -> bool:
        """Whether a sentence of these *words*, with the participle *said*, is about it."""
        stem = self.verb.removesuffix("e").removesuffix("y")
        is_verb = said.startswith(stem) or _IRREGULAR.get(said) == self.verb
        return is_verb and words.issuperset(self.things)

    def is_like(self, kind: _Kind, words: set[str]) -> bool:
        """Whether it may be what a sentence of these *words*, about such a deed, means."""
        return re.match(kind.done, self.verb) is not None and words.issuperset(self.things)


@dataclass(slots=True)
class _Known:
    """What has been done and said so far."""

    about: Mapping[str, str]
    offered: tuple[_Act, ...] = ()
    """Functions that act; what they act on is a record."""
    acted: set[str] = field(default_factory=set)
    """Functions that may act and have succeeded."""
    deeds: set[str] = field(default_factory=set)
    """Words of functions that may act and have succeeded, and of their results."""
    reports: set[str] = field(default_factory=set)
    """Words of all results."""
    told: set[str] = field(default_factory=set)
    """What the user said was done."""
    has_acted: bool = False
    """Whether a call that may act has succeeded since the user spoke."""
    failed: str | None = None
    """The last call that failed since the user spoke."""

    def hear(self, user: Message) -> None:
        self.told.update(_TOLD.findall(_plain(user.content)))
        self.has_acted = False
        self.failed = None

    def learn(self, messages: Sequence[Message], index: int) -> None:
        """Take in the calls of message *index* and their results."""
        results = results_by_call(messages, index)
        for call in messages[index].tool_calls:
            result = results.get(call.id)
            if result is None or is_failure(result):
                self.failed = call.name
                continue
            words = _WORDS.findall(_plain(result.content))
            self.reports.update(words)
            if not only_looks(call.name):
                self.has_acted = True
                self.acted.add(call.name)
                self.deeds.update(words, name_words(call.name))
                self.deeds.update(_WORDS.findall(self.about.get(call.name, "").lower()))

    def has_done_like(self, kind: _Kind, words: set[str]) -> bool:
        """Whether a function that has acted does such things to any of what *words* name."""
        acts = (_Act.of(function) for function in self.acted)
        return any(act is not None and act.is_like(kind, words) for act in acts)

    def backs(self, verb: str, kind: _Kind) -> bool:
        """Whether something of this kind was done, or a result says the very word."""
        return verb in self.reports or any(map(re.compile(kind.done).match, self.deeds))


class _Claim(NamedTuple):
    verb: str
    sentence: str


def _unbacked(message: Message, known: _Known) -> Iterator[_Claim]:
    if not all(only_looks(call.name) for call in message.tool_calls):
        return
    for sentence in _SENTENCE.findall(_QUOTED.sub("it", message.content)):
        found = _CLAIM.search(sentence)
        if found is None or sentence.endswith("?") or _UNREAL.search(sentence[: found.end()]):
            continue
        group = str(found.lastgroup)
        verb, kind = _plain(found[group]), _KINDS[int(group[1:])]
        words = set(map(_singular, _WORDS.findall(_plain(sentence))))
        meant = {act.function for act in known.offered if act.is_named(verb, words)}
        if found["own"] is None and verb in known.told:
            continue
        if found["own"] in ("I", "i", "We", "we") and not _TO_YOU.search(sentence):
            continue
        if meant and not meant & known.acted and not known.has_done_like(kind, words):
            # What acts entail is said of what no function is on offer for.
            if verb not in known.reports:
                yield _Claim(verb, sentence)
            continue
        if known.has_acted or (kind.of_records and not meant and not _RECORD.search(sentence)):
            continue
        if not known.backs(verb, kind):
            yield _Claim(verb, sentence)


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _plain(text: str) -> str:
    """In lower case, in American spelling as far as it matters here."""
    return text.lower().replace("cancelled", "canceled")


def _told(index: int, claim: _Claim, known: _Known) -> str:
    why = (
        "no call that could have done it has succeeded"
        if known.failed is None
        else f"the call to {known.failed!r} failed and no other could have done it"
    )
    return one_line(f"message {index} says {one_line(claim.sentence, limit=120)!r}, but {why}")
