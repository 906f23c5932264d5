"""Everybody in their own role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from simkit.filters.filter import Objection
from simkit.filters.latest_words import next_assistant, user_before
from simkit.filters.phrases import Phrase
from simkit.filters.prose import asks_for_writing, own_words, without_code
from simkit.filters.role_phrases import CHATS, CUSTOMER, SERVANT
from simkit.filters.voice_hints import OF_SERVED, OF_SERVING, sounds
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory
from simkit.traces.shallow_json import parse_json

_SPEECH = 300
"""Longer texts of a tool may be documents: pages, letters, logs. Of them, only this much at the
beginning and at the end is taken for the tool's own speech, in characters."""
_SPEAKER = Phrase(
    r"^[ \t#*_>\[]{0,6}(?:(user|human|customer|client)|(assistant|ai|agent|bot|chatbot|ai assistant"
    r"|system|tool|function response|observation))[\])*_ \t]{0,4}:[*_]{0,2}[ \t]*"
    r"\S+[ \t]+\S+[ \t]+\S",
    re.IGNORECASE | re.MULTILINE,
)
_WANTS_DATA = re.compile(
    r"\b(?:json|yaml|schema|object|dict|dictionary|array|structured?|payload)\b", re.IGNORECASE
)
_ECHO, _SHORT_ECHO = 40, 20
_TELLS = re.compile(r"\s*(?:[^\W\d_][\w',-]{0,40}\s{1,4}){5,}[^\n\d]{0,2000}[.!?]\s*\Z")
"""A sentence in words, rather than a value."""
_FIRST_PERSON = re.compile(r"\bI(?:'m|'ve|'ll|'d)?\s[a-z]{2,}")
_FAILS = re.compile(
    r"\W{0,3}(?:error|exception|fail|invalid|time-?out|timed out|traceback|warning|no |not |unknown"
    r"|missing|unable|cannot|http|usage)",
    re.IGNORECASE,
)


class RoleDrift:
    """A turn in which the assistant, or whoever it answers, speaks in another one's role.

    Objects to an assistant message that speaks as the one who is served ("I'd like to book a
    flight", "my reservation", "thanks for your help"), that says what a user said word for word
    (a question, 20 characters of the latest message, 40 of others), that is nothing but JSON
    though nobody asked for any, and to one that plays both sides ("User: ... Assistant: ..."). A
    user who speaks as an assistant ("How can I help you?", "I've cancelled it for you") or for
    both sides, and a tool that chats instead of giving data, or tells in a sentence what it
    declares as an object or has given as one before, cannot be masked: there the assistant
    message that goes along is (arXiv 2511.15718). When half or more of the user's messages are
    like this, it objects to the whole.

    Lets pass: what stands in quotation marks, code or quoted lines; assistant messages after a
    request for a text (a letter, a story, a dialogue), which speak in another voice rightly;
    plain text from tools that only tells ("Error: user not found", "Transfer successful", a
    page or a letter), and all tool results that are JSON objects or arrays.

    Who speaks is told by phrases that only one side says (`role_phrases`), or by two turns of
    speech that this side rather uses and none that the other does (`voice_hints`). Phrases are
    English; in other languages only echoes, bare JSON and played dialogues show. How much that
    tells depends on the matter: of real messages of 60 characters or more, those of tau-bench's
    assistants are known as such in 97 % and those of its users in 72 %; in glaive, where people
    ask for knowledge, in 29 % and 26 %.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masked 8; three hints have been narrowed since.
    """

    name = "role_drift"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        users = [index for index, message in enumerate(messages) if message.role == "user"]
        drifted = {index: fault for index in users if (fault := _user_fault(messages[index]))}
        if drifted and 2 * len(drifted) >= len(users):
            index, fault = next(iter(drifted.items()))
            share = f"{len(drifted)} of {len(users)} user messages are not a user's"
            told = one_line(f"{share}: message {index} {fault}")
            yield Objection(check=self.name, message=told, turn=None)
            return
        said = {_flat(messages[index].content) for index in users}
        objects = _should_be_objects(trajectory)
        answered = set[int]()
        for index, message in enumerate(messages):
            turn: int | None = index
            if message.role == "assistant":
                fault = _assistant_fault(messages, index, said)
            else:
                fault = drifted.get(index) or _tool_fault(message, index in objects)
                turn = next_assistant(messages, index)
            if fault is None or turn is None or turn in answered:
                continue
            answered.add(turn)
            told = one_line(f"message {index} ({message.role}) {fault}")
            yield Objection(check=self.name, message=told, turn=turn)


def _user_fault(message: Message) -> str | None:
    text = own_words(message.content)
    found = SERVANT.search(text)
    told = found[0] if found else sounds(text, OF_SERVING, OF_SERVED)
    if told:
        return f"speaks as an assistant: {told!r}"
    return _plays_both(message.content)


def _assistant_fault(messages: tuple[Message, ...], index: int, said: set[str]) -> str | None:
    text = messages[index].content
    if not text.strip():
        return None
    asked = [said for said, _ in zip(user_before(messages, index), range(2), strict=False)]
    flat = _flat(text)
    is_reply = bool(asked) and flat == _flat(asked[0])
    if flat in said and ("?" in text or len(flat) >= (_SHORT_ECHO if is_reply else _ECHO)):
        return "says what the user said, word for word"
    if _is_bare_data(text) and not any(map(_WANTS_DATA.search, user_before(messages, index))):
        return "is nothing but JSON, as a tool's result"
    own = own_words(text)
    found = CUSTOMER.search(own)
    told = found[0] if found else sounds(own, OF_SERVED, OF_SERVING)
    fault = f"speaks as a user: {told!r}" if told else _plays_both(text)
    return None if fault is None or any(map(asks_for_writing, asked)) else fault


def _tool_fault(message: Message, should_be_object: bool) -> str | None:
    if message.role != "tool" or _is_bare_data(message.content):
        return None
    text = own_words(_ends(message.content))
    found = SERVANT.search(text) or CHATS.search(text)
    fails = _FAILS.match(text)
    if found is None and len(text) <= _SPEECH and not fails:
        found = _FIRST_PERSON.search(text)
    if found:
        return f"chats instead of giving data: {found[0]!r}"
    is_told = should_be_object and not fails and _TELLS.match(text)
    return "tells in a sentence what should be an object" if is_told else None


def _should_be_objects(trajectory: Trajectory) -> set[int]:
    """The results of functions that declare an object, or give one elsewhere here."""
    objects = {
        tool.name
        for tool in trajectory.scenario.tools
        if tool.outputs_origin == "declared" and (tool.outputs or {}).get("type") == "object"
    }
    messages = trajectory.messages
    functions = dict(_functions_of_results(messages))
    objects |= {name for at, name in functions.items() if _is_bare_data(messages[at].content)}
    return {at for at, name in functions.items() if name in objects}


def _functions_of_results(messages: Sequence[Message]) -> Iterator[tuple[int, str]]:
    """Index of each result that a call asked for, with the call's function.

    Where ids come again, as in foreign rows, the latest call counts.
    """
    called: dict[str | None, str] = {}
    for index, message in enumerate(messages):
        called |= {call.id: call.name for call in message.tool_calls}
        if message.role == "tool" and message.tool_call_id in called:
            yield index, called[message.tool_call_id]


def _plays_both(text: str) -> str | None:
    """The fault of a text with lines of both a user and an assistant or tool."""
    if ":" not in text:
        return None
    speakers = list(_SPEAKER.finditer(without_code(text)))
    served = next((found[1] for found in speakers if found[1]), None)
    serving = next((found[2] for found in speakers if found[2]), None)
    if served is None or serving is None:
        return None
    return f"holds a whole dialogue: lines of {served!r} and of {serving!r}"


def _is_bare_data(text: str) -> bool:
    """Whether *text* is a JSON object or array, fenced or not, and nothing besides."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not bare.startswith(("{", "[")):
        return False
    try:
        parse_json(bare)
    except ValueError:
        return False
    return True


def _ends(text: str) -> str:
    text = text.strip().strip('"')  # a JSON string is a text, too
    return text if len(text) <= 2 * _SPEECH else f"{text[:_SPEECH]}\n{text[-_SPEECH:]}"


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
