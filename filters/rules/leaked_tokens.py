"""Stop words, chat templates and prompts that were never meant to be said."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.latest_words import next_assistant
from simkit.filters.phrases import Phrase, Phrases
from simkit.filters.prose import own_words, read_part
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory

_TOKENS = Phrase(
    r"(?-i:#{3}[A-Z][A-Z_ -]{2,40}#{3})"  # ###STOP### and its like
    # <|im_start|>, <|eot_id|>, <|fim_prefix|>, and the same with DeepSeek's wide strokes
    r"|<[|｜][a-z0-9▁]{1,20}(?:[_▁][a-z0-9▁]{1,20}){1,5}[|｜]>"
    r"|<[|｜](?:system|user|assistant|end|endoftext|endofprompt|startoftext|pad|channel|message"
    r"|start|return|call|constrain|observation|tool|sep)[|｜]>"
    r"|\[/?INST\]|<</?SYS>>|\[/?(?:TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)\]"
    r"|</?(?:start_of_turn|end_of_turn|bos|eos)>|</s>\s*\Z"
    r"|</?(?:func(?:tion)?_return|tool_calls?|function_?calls?|tool_(?:response|result|use|outputs?)"
    r"|function_(?:response|result)s?|antml:\w{1,20})>|<function=|<invoke name="
    r"|<functioncall>|(?-i:\bFUNCTION RESPONSE:)"
)
_THOUGHT = Phrase(r"</?(?:think|thinking|scratchpad)>")
_INTENT = Phrases(
    r"</?(?:private_)?intent>",
    r"\"when_asked\"\s{0,3}:",
    r"\b(?:my|the|your) (?:private|hidden|secret) "
    r"(?:intent|goal|instruction|persona)s?\b",
    r"\b(?:my|the|this) (?:system prompt|instructions?) (?:says?|tells?|states?|requires?"
    r"|forbids?) (?:me\b|that I\b|I\b)",
    r"\b(?:as|being) (?:a|the) (?:simulated user|user simulator|user agent|roleplayed? user)\b",
    r"\bI(?:'m| am|'ve been| was) (?:supposed|instructed|told|asked|prompted) to (?:play"
    r"|act as|pretend|simulate|role-?play|stay in character)\b",
    r"\bin this (?:simulation|role-?play)\b",
    r"\b(?:stay(?:ing)?|remain|break(?:ing)?) (?:in )?character\b",
)
_PROMPT = Phrase(
    r"(?:\A|\n)\W{0,12}(?:system\W{0,6})?You are (?:an? |the )?[^.\n]{0,60}"
    r"\b(?:assistant|agent|chatbot|language model|AI)\b[^.\n]{0,80}(?:\.|\n)\s{0,4}"
    r"(?:you|your|call|use|when|always|never|do not|-|\*|#)"
)
_WORD = re.compile(r"\w+")
_RUN = 30
"""Words in a row that nobody says twice by chance."""


class LeakedTokens:
    """A turn with machinery in it: stop words, a chat template's tokens, pieces of prompts.

    Objects to an assistant message that holds, in its content or its reasoning, a stop word
    (``###STOP###`` and others of its form), a token of a chat template (``<|im_start|>``,
    ``[INST]``, ``</s>`` at its end), a tag of a call or a result (``<tool_call>``,
    ``<func_return>``); in its content also ``<think>`` and its like, the words of a private
    intent or of a played part ("my private intent", "in this simulation"), a system prompt
    in general form ("You are a helpful assistant. Never ..."), or 30 words in a row of the
    conversation's own system message. Tokens count wherever they stand, in code too: whoever
    trains on them trains on the template. A user's or a tool's message with a token, or a
    user's with words of its part, masks the assistant message that goes along.

    Lets pass: talk about prompts and tokens in other words; thinking tags in reasoning, which
    stands in such tags in some exports; all other angle brackets, as HTML and code have them.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "leaked_tokens"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        prompt = _runs("\n".join(m.content for m in messages if m.role == "system"))
        answered = set[int]()
        for index, message in enumerate(messages):
            fault = _fault(message, prompt)
            is_own = message.role == "assistant"
            turn = index if is_own else next_assistant(messages, index)
            if fault is None or turn is None or turn in answered:
                continue
            answered.add(turn)
            told = one_line(f"message {index} ({message.role}) {fault}")
            yield Objection(check=self.name, message=told, turn=turn)


def _fault(message: Message, prompt: frozenset[int]) -> str | None:
    if message.role == "system":
        return None
    text = read_part(message.content)
    found = _TOKENS.search(text)
    if found is None and message.role == "assistant":
        found = _THOUGHT.search(text) or _TOKENS.search(read_part(message.reasoning or ""))
    if found:
        return f"leaks the token {found[0]!r}"
    if message.role == "tool":
        return None
    words = own_words(message.content)
    found = _INTENT.search(words)
    if found:
        return f"tells of its prompt: {found[0]!r}"
    if message.role == "user":
        return None
    found = _PROMPT.search(words)
    if found:
        return f"is a system prompt: {found[0]!r}"
    return "repeats the system message" if prompt and not prompt.isdisjoint(_runs(text)) else None


def _runs(text: str) -> frozenset[int]:
    """Every `_RUN` words in a row, as numbers."""
    words = [word.casefold() for word in _WORD.findall(read_part(text))]
    return frozenset(hash(tuple(words[at : at + _RUN])) for at in range(len(words) - _RUN + 1))
