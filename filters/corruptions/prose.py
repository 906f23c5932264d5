"""Turns of assistants, users and tools whose words are wrong."""

from __future__ import annotations

import re
from dataclasses import replace

from simkit.filters.corruptions.edit import (
    Draw,
    Edit,
    Site,
    everything_in,
    follows,
    put,
    result_of,
    results_end,
    said,
    sites,
    spoken,
)
from simkit.filters.corruptions.voices import as_assistant, as_tool, as_user
from simkit.traces.records import Message, Trajectory
from simkit.traces.shallow_json import parse_json

_TOKENS = (
    "###STOP###",
    "###TRANSFER###",
    "<|im_end|>",
    "<|im_start|>user",
    "<|eot_id|>",
    "</s>",
    "[/INST]",
    "</tool_call>",
    "<|endoftext|>",
)
_FOREIGN = (
    "好的，我已经为您查询到相关信息，请问您还需要其他帮助吗？",
    "Конечно, я уже проверил эту информацию. Могу ли я помочь вам чем-нибудь ещё?",
    "Claro, ya he revisado la información de su solicitud. ¿Hay algo más en lo que pueda ayudarle?",
    "Gerne, ich habe die Angaben zu Ihrer Anfrage geprüft. Kann ich sonst noch etwas für Sie tun?",
    "Bien sûr, j'ai vérifié les informations de votre demande. Puis-je encore vous aider?",
    "承知しました。ご依頼の内容を確認いたしました。他に何かお手伝いできることはありますか？",
)
_DONE = {
    "book": "booked",
    "cancel": "cancelled",
    "create": "created",
    "update": "updated",
    "send": "sent",
    "delete": "deleted",
    "add": "added",
    "schedule": "scheduled",
    "submit": "submitted",
    "set": "set",
    "order": "ordered",
    "refund": "refunded",
    "transfer": "transferred",
    "register": "registered",
}
_CLAIMS = (
    "I have also {done} the {about} for you.",
    "I've gone ahead and {done} your {about} as well.",
    "The {about} has been {done}, too.",
    "Besides, your {about} is now {done}.",
)
_ALSO = (
    "I have also sent you a confirmation email with all the details.",
    "I've also issued a refund of the difference to your original payment method.",
    "I have forwarded your case to our support team and opened a ticket for you.",
)
_NUMBER = re.compile(
    r"(?<![\w.,/-])(?<!\d:)(?!(?:19|20)\d\d(?!\d))"
    r"(?:\d{1,3}(?:,\d{3})+|\d{2,15})(?:\.\d+)?(?![\w:/-])(?!,\d)"
)
"""Figures that are no part of a date, a time or a code."""
_TRIES = 5
_SMALL = 12
"""Figures up to this are in everybody's mouth."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def role_drift_user(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The user speaks as the assistant would."""
    messages = trajectory.messages
    later = [i for i, m in enumerate(messages) if m.role == "user" and i > 0]
    later = [index for index in later if messages[index - 1].role == "assistant"]
    if not later:
        return None
    index = draw.choice(later)
    content = as_assistant(trajectory, draw)
    return Edit(
        messages=said(messages, index, content),
        turns=tuple(range(index, min(index + 2, len(messages)))),
        changed=f"the user says {content[:80]!r}",
    )


def role_drift_assistant(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The assistant speaks as the user would, or says again what the user said."""
    messages = trajectory.messages
    turns = spoken(messages)
    if not turns:
        return None
    index = draw.choice(turns)
    theirs = [m.content for m in messages[:index] if m.role == "user" and m.content.strip()]
    echo = bool(theirs) and draw.random() < 0.5
    content = theirs[-1] if echo else as_user(trajectory, draw)
    return _said(trajectory, index, content, f"the assistant says {content[:80]!r}")


def role_drift_tool(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A tool that answers in JSON speaks as an assistant would.

    Only where the assistant goes on from the result: after the last one nothing is left to be
    trained on.
    """
    messages = trajectory.messages
    found = []
    for site in sites(trajectory):
        at, end = result_of(messages, site), results_end(messages, site.turn)
        if at is None or end == len(messages) or messages[end].role != "assistant":
            continue
        if _is_structured(messages[at].content):
            found.append((site, at, end))
    if not found:
        return None
    site, at, end = draw.choice(found)
    same = [other for other, index, _ in found if other.call.name == site.call.name and index != at]
    content = as_tool(trajectory, draw, gives_objects=bool(same) or _declares_object(site))
    return Edit(
        messages=said(messages, at, content),
        turns=(site.turn, at, end),
        changed=f"{site.call.name} gives {content[:80]!r}",
    )


def _declares_object(site: Site) -> bool:
    function = site.function
    return (
        function is not None
        and function.outputs_origin == "declared"
        and (function.outputs or {}).get("type") == "object"
    )


def unbacked_claim(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The assistant says that it did what it never did.

    That is certain of a function on offer that is never called, and of anything else before
    the first call of all: what is done may entail more (a booking, a mail).
    """
    messages, claims = trajectory.messages, _claims(trajectory)
    called = [index for index, message in enumerate(messages) if message.tool_calls]
    first = called[0] if called else len(messages)
    turns = [index for index in spoken(messages) if claims or index < first]
    if not turns:
        return None
    index = draw.choice(turns)
    claim = draw.choice(claims or list(_ALSO))
    content = f"{messages[index].content.rstrip()} {claim}"
    return _said(trajectory, index, content, f"claims: {claim}")


def _claims(trajectory: Trajectory) -> list[str]:
    """That a function was called which is on offer and is not."""
    called = {call.name for message in trajectory.messages for call in message.tool_calls}
    claims = []
    for tool in trajectory.scenario.tools:
        verb, _, noun = tool.name.partition("_")
        if tool.name not in called and noun and verb in _DONE and not noun.startswith("to_"):
            about = noun.replace("_", " ")
            claims += [claim.format(done=_DONE[verb], about=about) for claim in _CLAIMS]
    return claims


def misreported_result(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A figure that a result gave is told wrongly.

    It becomes one that stands nowhere, and is no sum, difference, product or quotient of two
    that results gave: such a figure could be somebody's calculation.
    """
    messages, known = trajectory.messages, everything_in(trajectory)
    found = [
        (index, number)
        for index in spoken(messages)
        for number in _NUMBER.finditer(messages[index].content)
        if number[0].replace(",", "") in _figures(_results_before(trajectory, index))
    ] * _TRIES
    draw.shuffle(found)
    for index, number in found:
        wrong = _other_digits(number[0], draw)
        plain = wrong.replace(",", "")
        if plain in known or wrong in known or float(plain) <= _SMALL:
            continue
        if follows(float(plain), map(float, _figures(known))):
            continue
        was = messages[index].content
        content = f"{was[: number.start()]}{wrong}{was[number.end() :]}"
        changed = f"tells {wrong} in the place of {number[0]}"
        return _said(trajectory, index, content, changed)
    return None


def _figures(text: str) -> set[str]:
    """The numbers of *text* that stand for themselves, without commas."""
    return {number[0].replace(",", "") for number in _NUMBER.finditer(text)}


def _results_before(trajectory: Trajectory, index: int) -> str:
    return "\n".join(m.content for m in trajectory.messages[:index] if m.role == "tool")


def _other_digits(number: str, draw: Draw) -> str:
    first = str(draw.randint(1, 9))
    return first + "".join(str(draw.randint(0, 9)) if d.isdecimal() else d for d in number[1:])


def leaked_token(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A token of the machinery stands in the text."""
    token = draw.choice(_TOKENS)
    return _appended(trajectory, draw, token, f"leaks {token}")


def call_in_prose(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A call is written into the text in the place of being made."""
    messages = trajectory.messages
    found = []
    for site in sites(trajectory):
        end = results_end(messages, site.turn)
        single = len(messages[site.turn].tool_calls) == 1 and end == site.turn + 2
        if single and end < len(messages) and not messages[end].tool_calls:
            found.append((site, end))
    found = [(site, end) for site, end in found if messages[end].role == "assistant"]
    if not found:
        return None
    site, end = draw.choice(found)
    text = _as_text(site, draw)
    spoken_turn = Message(role="assistant", content=f"{text}\n\n{messages[end].content}")
    return Edit(
        messages=(*messages[: site.turn], spoken_turn, *messages[end + 1 :]),
        turns=(site.turn,),
        changed=f"says {text[:80]!r}",
    )


def _as_text(site: Site, draw: Draw) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in site.arguments.items())
    return draw.choice(
        (
            f"{site.call.name}({arguments})",
            f'{{"name": "{site.call.name}", "arguments": {site.call.arguments}}}',
            f"Action: {site.call.name}\nAction Input: {site.call.arguments}",
            f"```tool_code\n{site.call.name}({arguments})\n```",
        )
    )


def language_switch(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The assistant goes on in another language; only where all is said in ASCII."""
    messages = trajectory.messages
    theirs = "".join(message.content for message in messages if message.role == "user")
    if not theirs.isascii():
        return None
    other = draw.choice(_FOREIGN)
    turns = spoken(messages)
    if not turns:
        return None
    index = draw.choice(turns)
    whole = draw.random() < 0.5
    content = other if whole else f"{messages[index].content} {other}"
    return _said(trajectory, index, content, f"says {other[:40]!r}")


def truncated_turn(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The text ends in the middle of a sentence."""
    messages = trajectory.messages
    turns = spoken(messages, at_least=60)
    if not turns:
        return None
    index = draw.choice(turns)
    text = messages[index].content.rstrip()
    cut = int(len(text) * (0.4 + 0.4 * draw.random()))
    # In the middle of a word, which no sentence ends with.
    while cut < len(text) - 1 and not (text[cut - 1].isalpha() and text[cut].isalpha()):
        cut += 1
    if cut >= len(text) - 1:
        return None
    return _said(trajectory, index, text[:cut], f"ends with {text[max(0, cut - 20) : cut]!r}")


def empty_turn(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The assistant says nothing."""
    turns = spoken(trajectory.messages)
    if not turns:
        return None
    content = draw.choice(("", " ", "\n\n"))
    return _said(trajectory, draw.choice(turns), content, f"says {content!r}")


def repetition(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The assistant goes round in a circle."""
    messages = trajectory.messages
    turns = spoken(messages, at_least=20)
    if not turns:
        return None
    index = draw.choice(turns)
    text = messages[index].content.strip()
    sentence = re.split(r"(?<=[.!?])\s+", text)[-1]
    times = draw.randint(5, 20)
    content = f"{text} " + " ".join([sentence] * times)
    return _said(trajectory, index, content, f"says {sentence[:60]!r} {times} more times")


def secret(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The text gives away a key."""

    def signs(count: int, alphabet: str = _ALPHABET) -> str:
        return "".join(draw.choices(alphabet, k=count))

    shown = draw.choice(
        (
            f"(Using API key sk-{signs(48)})",
            f"The access key is AKIA{signs(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}.",
            f"I used the token ghp_{signs(36)} for this.",
            f"Authorization: Bearer eyJ{signs(33)}.eyJ{signs(60)}.{signs(43)}",
            f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{signs(60)}\n-----END RSA PRIVATE KEY-----",
        )
    )
    return _appended(trajectory, draw, shown, f"says {shown[:40]!r}")


def _appended(trajectory: Trajectory, draw: Draw, text: str, changed: str) -> Edit | None:
    turns = spoken(trajectory.messages)
    if not turns:
        return None
    index = draw.choice(turns)
    content = f"{trajectory.messages[index].content.rstrip()} {text}"
    return _said(trajectory, index, content, changed)


def _said(trajectory: Trajectory, index: int, content: str, changed: str) -> Edit:
    message = replace(trajectory.messages[index], content=content)
    return Edit(messages=put(trajectory.messages, index, message), turns=(index,), changed=changed)


def _is_structured(content: str) -> bool:
    try:
        return isinstance(parse_json(content), dict | list)
    except ValueError:
        return False
