"""Turns of English speech that rather one side of a service conversation uses than the other.

Each alone says little. They are matched against a speaker's own words (`prose.own_words`); every
repetition in them is bounded, so the time is linear in the length of the text.
"""

from __future__ import annotations

from simkit.filters.phrases import Phrases
from simkit.filters.role_phrases import FIRMS, REST, SERVING

_LONGEST = 600
"""Characters; in a longer text, a task or an article, some of all hints are found by chance."""

_AN_ASSISTANTS = (
    r"apolog|mistake|error|bad\b|pleasure|records?|systems?|end\b|side\b|knowledge|understanding"
    r"|best|team|colleagues?|supervisor|capabilit|abilit|functions?|purpose|training|tools?"
    r"|name\b|data"
    r"|responses?|answers?|search|calculations?|suggestions?|recommendations?|previous|current|last"
    r"|instructions?|reach|power"
)
"""What an assistant calls its own."""
_SERVERS = (
    r"polic(?:y|ies)|systems?|team|records?|support|agents?|services?|terms|rules|stores?|help"
    r"|assist|understanding|time\b|patience|persistence|end\b|side\b|effort|advice|suggestion"
    r"|answer|response"
    r"|concern|attention|kind|work|opinion|database|supervisor|manager|compan"
)
"""What a user finds with whoever serves."""


def any_of(*patterns: str) -> str:
    """One hint, of several that go together."""
    return "|".join(patterns)


OF_SERVED = Phrases(
    # Wants something done, by somebody, for oneself.
    any_of(
        rf"\b(?:can|could|will) you\b(?!{REST}\b(?:your|provide|confirm|clarify|specify))"
        r"(?!(?: also| please| kindly)? (?:tell|let|give) me\b(?! what you))"
    ),
    any_of(r"\bare you able to\b", r"\bdo me a favou?r\b", r"\bI was wondering\b"),
    any_of(rf"\bfor me\b(?! to\b)(?!{REST}\byour\b)"),
    any_of(
        r"\b(?:help|show|send|get|find) me\b(?! (?:know|your|the|which|what|more|a|see|check|look"
        r"|find"
        r"|help|assist|get|pull|search|do|try|calculate|create|convert|start))",
        r"\bwhat you need from me\b",
    ),
    any_of(r"\bplease (?:proceed|go ahead|(?:check|try|look) again|do (?:that|so|it))\b"),
    # Has things, people, a home and a purse.
    any_of(rf"\bmy (?!{_AN_ASSISTANTS})[a-z]{{3,}}"),
    any_of(r"\bI (?:live|work|am staying|will be staying|have an?)\b"),
    any_of(
        r"\b(?:too|so|very|that|quite|more) (?:expensive|pricey|much money|costly)\b",
        r"\bspend (?:too|so|that) much\b",
    ),
    # Wishes, needs and chooses.
    any_of(
        rf"\bI (?:need|want|prefer|would like|would love"
        rf"|hope)\b(?!{REST}\byou)(?! to (?:{SERVING}))"
    ),
    any_of(
        rf"\bI(?:'d| would) (?:prefer|rather|like|love)\b(?!{REST}\byour\b)(?! to (?:{SERVING}))"
    ),
    any_of(r"\b(?:fine|okay|ok|good|great|best|well|perfect|right) (?:with|by|for|to) me\b"),
    any_of(r"\bI(?:'ll| will) (?:take|have|go with|think)\b", r"\bwhat happens next\b"),
    # Has been through something.
    any_of(
        r"\bI (?:(?:never|already|just|also|once) )?(?:received|bought|ordered|paid|booked|got|lost"
        r"|forgot|called|had to|have to|was (?:told|promised|charged|hoping|planning))\b"
    ),
    any_of(
        r"\b(?:somebody|someone|they|nobody|the agent|a friend) (?:told|promised|said|charged) me\b"
    ),
    any_of(
        r"\bI(?:'m| am) (?:not (?:happy|sure|satisfied)|unhappy|tired|worried|curious|calling"
        r"|writing"
        r"|planning|travel\w{1,6}|going to|interested|wondering)\b"
    ),
    any_of(
        r"\bI (?:don't|do not) (?:know|want|need|remember|like|care|mind|have (?:that|it|my|one"
        r"|any))\b"
    ),
    # Has been served.
    any_of(
        r"\bthank(?:s| you)[^.!?\n]{0,30}(?:\bfor (?:sorting|fixing|helping|doing|taking|finding"
        r"|your)"
        r"|[!.]?\Z)"
    ),
    any_of(
        r"\byou(?:'ve| have) been\b[^.!?\n]{0,20}\b(?:help|kind|great)",
        r"\bthat(?:'s| is|'ll be) all\b",
    ),
    any_of(r"\btaking (?:far |way |so |much )?too long\b", r"\byou (?:people|guys|folks)\b"),
)
"""Rather said by who is served."""

OF_SERVING = Phrases(
    # Asks what is needed, and what is wanted.
    any_of(
        r"\b(?:may|shall|should) I (?:have|ask|get|proceed|go|do|book|confirm|assist|help)\b",
        r"\b(?:can|could) I (?:ask|confirm|assist|help)\b",
    ),
    any_of(r"\b(?:would|do|did) you (?:like|want|prefer|need|have|wish)\b", r"\byou prefer\b"),
    any_of(
        r"\b(?:which|what|how many|how much|when|where)\b(?! you need from me)[^.!?\n]{0,60}\byou\b"
        r"[^.!?\n]{0,60}\?"
    ),
    any_of(
        r"\bplease (?:provide (?:your|us|any|more|the)|hold|wait|confirm|note|specify|share"
        r"|bear|stand by|allow|be aware"
        r"|choose"
        r"|select|let me know|clarify|enter|verify|tell me (?:your|which|what))\b"
    ),
    any_of(
        r"\b(?:verify|confirm|update|retrieve|access|review) your\b(?! system)",
        r"\byour identity\b",
    ),
    any_of(r"\byou(?:'d| would) like (?:me )?to\b", r"\byou (?:want|need) me to\b"),
    any_of(r"\bis that (?:right|correct)\?", r"\bjust to confirm\b"),
    # Has looked, and tells.
    any_of(
        r"\bI(?:'ve| have)? (?:found|located|pulled up|retrieved|looked|checked|reviewed|processed"
        r"|updated|noted|gone through|went through)\b"
    ),
    any_of(
        r"\bhere(?:'s| is| are) (?:the|your|some|what I)\b",
        r"\bhas been (?:\w{2,12}ed|taken|sent|made|set)\b",
    ),
    any_of(
        r"\byou(?:'ll| will) (?:receive|be|get|find|need|have)\b",
        r"\byou(?:'re| are) all set\b",
        r"(?<!thing )(?<!way )(?<!if )(?<!ion )(?<!else )\byou can\b(?! (?:do|help|provide|offer))",
    ),
    any_of(
        r"\bbased on (?:what you|your|the information)\b",
        r"\b(?:as|what) you (?:told|asked|requested|mentioned|described)\b",
    ),
    # Offers, advises, excuses.
    any_of(r"\bI can (?:offer|help|assist|provide|book|check|look|do|also|only|certainly)\b"),
    any_of(r"\bI(?:'d| would)? (?:recommend|suggest|advise)\b"),
    any_of(
        r"\bI(?:'ll| will) (?:escalate|transfer|look|check|process|proceed|now|send|get|go ahead"
        r"|retrieve|connect|forward|need (?:your|the|you|some))\b",
        r"\blet me (?!know\b)",
        r"\bwhile I\b",
    ),
    any_of(
        r"\b(?:happy|glad|here|pleased|able) to (?:help|assist)\b",
        r"\bat your service\b",
    ),
    any_of(
        r"\bI(?:'m| am) (?:so |very |truly )?sorry (?:for|about|to hear|but)\b",
        r"\bI apologi[sz]e\b",
        r"\bunfortunately\b",
    ),
    any_of(
        rf"\bour (?:{FIRMS})",
        r"\bwe (?:offer|do not (?:offer|allow)|don't (?:offer|allow)|cannot|are unable)\b",
    ),
    any_of(
        r"\bdon't hesitate\b",
        r"\bfeel free\b",
        r"\breach out\b",
        r"\bwelcome (?:back|to)\b",
    ),
    any_of(r"\b(?:assist|help|brings|for) you\b"),
    any_of(
        r"\b(?:something|anything) else\b[^.!?\n]{0,10}\b(?:you(?:'d| would| need| want)|I can)\b"
    ),
    any_of(r"\A\W{0,3}(?:certainly|of course|absolutely|sure thing|great question)\b"),
    any_of(r"\b(?:any|if you have) (?:other |more |further |additional )?questions\b"),
    any_of(rf"\byour (?:own )?(?!{_SERVERS}|{FIRMS})[a-z]{{3,}}"),
)
"""Rather said by who serves."""


def sounds(text: str, like: Phrases, unlike: Phrases) -> str | None:
    """The hints that tell the one voice, where two or more do and none tells the other."""
    if len(text) > _LONGEST or any(unlike.matches(text)):
        return None
    found = [said[0] for said in like.matches(text)]
    return " ... ".join(found) if len(found) > 1 else None
