"""What opens doors is not trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from simkit.filters.filter import Objection
from simkit.filters.phrases import Phrase
from simkit.filters.prose import read_part
from simkit.traces.records import Message, Trajectory


class _Found(NamedTuple):
    kind: str
    secret: str
    may_be_handed_on: bool
    """Whether a call may pass it to a function when a user or a result gave it."""


_KEYS: dict[str, str] = {
    "private key": r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----",
    "AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255})\b",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,64}\b",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}\b"
    r"|https://hooks\.slack\.com/services/T[A-Z0-9]{6,14}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{16,40}",
    "Google API key": r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
    "Google OAuth token": r"\bya29\.[A-Za-z0-9_-]{30,1000}",
    "Anthropic key": r"(?<![A-Za-z0-9_-])sk-ant-[A-Za-z0-9_-]{20,250}",
    "OpenAI key": r"(?<![A-Za-z0-9_-])sk-(?!ant-)(?:proj-|svcacct-|admin-|or-v1-)?"
    r"[A-Za-z0-9_-]{32,250}",
    "Stripe key": r"\b[sr]k_live_[A-Za-z0-9]{16,250}\b",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,60}\b",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}",
    "Twilio key": r"\bSK[0-9a-f]{32}\b",
    "Telegram bot token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])",
}
_HANDED_ON: dict[str, str] = {
    "JSON web token": r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,4000}"
    r"\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,4000}",
    "bearer token": r"(?i:\bbearer[ \t]{1,4})(?!eyJ)[A-Za-z0-9_.~+/-]{20,1000}={0,2}",
    "password in an address": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"']{1,80}:[^\s/@\"']{3,80}@[\w-]",
    "AWS secret key": r"(?i:aws_?secret_?(?:access_?)?key)[\"'\s]{0,4}[:=][\"'\s]{0,4}"
    r"[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])",
}
_SHAPES = [
    (kind, Phrase(shape, flags=0), handed_on)
    for handed_on, shapes in ((False, _KEYS), (True, _HANDED_ON))
    for kind, shape in shapes.items()
]
_ANY_SHAPE = Phrase("|".join((*_KEYS.values(), *_HANDED_ON.values())), flags=0)

_PASSWORD = Phrase(
    r"\b(?:password|passwd|pwd|passphrase)\b[\"'`*]{0,3}"
    r"(?:\s{0,3}[:=]\s{0,3}| (?:is|was|to)(?: now)?:? )[\"'`*]{0,3}([^\s\"'`,;<>*]{6,100})"
)
_CARD = re.compile(
    r"(?<![\w.-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,4}|3[47]\d\d([ -]?)\d{6}\2\d{5})(?![\w-])"
)
_EIGHT_DIGITS = re.compile(r"\d{4}[ -]?\d{4}")
"""Any card's number has them; most texts have not."""
_ABOUT_CARDS = re.compile(
    r"\b(?:card|visa|master-?card|amex|american express|discover|credit|debit)|card_?num|payment",
    re.IGNORECASE,
)
_NEARBY = 60
"""Characters before a number in which a word about cards may stand."""
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15})\Z|5[1-5]\d{14}\Z|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}\Z"
    r"|3[47]\d{13}\Z|6(?:011|5\d\d|4[4-9]\d)\d{12}\Z|35(?:2[89]|[3-8]\d)\d{12}\Z"
)
_TEST_CARDS = frozenset(
    (
        "4111111111111111",
        "4242424242424242",
        "4012888888881881",
        "4000056655665556",
        "4222222222222",
        "4000000000000002",
        "4000000000000077",
        "4000002500003155",
        "4917610000000000",
        "4000000000009995",
        "5555555555554444",
        "5105105105105100",
        "5200828282828210",
        "2223003122003222",
        "5424000000000015",
        "378282246310005",
        "371449635398431",
        "378734493671000",
        "6011111111111117",
        "6011000990139424",
        "6011000000000012",
        "3530111333300000",
        "3566002020360505",
    )
)
"""Numbers that payment providers publish for trying things out."""
_STAND_IN = re.compile(
    r"example|sample|dummy|your[_-]|placeholder|redacted|x{4}|\*{3}|1234567890|(.)\1{5}|\.\.\.",
    re.IGNORECASE,
)
_FEWEST_DIFFERENT = 8
"""Characters: a key that is made of fewer is nobody's."""
_MOST_ASKED = 20
"""Secrets of one text for which the messages before are searched."""


class Secrets:
    """A turn with a credential in what it would teach: its text, its reasoning, its calls.

    Objects to an assistant message with a private key, a key or token in the shape that AWS,
    GitHub, GitLab, Slack, Google, Anthropic, OpenAI, Stripe, Hugging Face, npm, SendGrid,
    Twilio or Telegram gives it, a JSON web token or bearer token, a password in an address
    (``scheme://user:password@host``), a password told in its text, or the number of a payment
    card (a known prefix and length, the check digit right, and grouped in fours or near a word
    about cards). The message shows the kind and the first 4 characters.

    Keys of providers count whoever gave them: they are somebody's. Lets pass: a session's
    token, a password in an address or a card number in the arguments of a call, when the user
    or a result gave it before, for that is what calls are for (said to the user in full they
    count); a password that the user or a result gave, or one that no word for "password"
    introduces; the card numbers that providers publish for tests; and stand-ins such as
    ``YOUR_API_KEY``, ``sk-xxxx`` or ``AKIA...EXAMPLE``.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "secrets"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        for index, message in enumerate(messages):
            if message.role != "assistant":
                continue
            found = _first_secret(messages, index)
            if found is not None:
                shown = f"{found.kind} ({found.secret[:4]}…)"
                yield Objection(
                    check=self.name, message=f"message {index} holds a {shown}", turn=index
                )


def _first_secret(messages: Sequence[Message], index: int) -> _Found | None:
    message = messages[index]
    for said in map(read_part, filter(None, (message.content, message.reasoning))):
        for found in (*_shaped(said), *_cards(said)):
            return found
        for found in islice(_passwords(said), _MOST_ASKED):
            if not _is_given(messages, index, found.secret):
                return found
    for call in message.tool_calls:
        arguments = read_part(call.arguments)
        for found in islice((*_shaped(arguments), *_cards(arguments)), _MOST_ASKED):
            if not found.may_be_handed_on or not _is_given(messages, index, found.secret):
                return found
    return None


def _shaped(text: str) -> Iterator[_Found]:
    if not _ANY_SHAPE.may_be_in(text):
        return
    for kind, shape, handed_on in _SHAPES:
        for found in shape.finditer(text):
            is_key_block = kind == "private key"
            if is_key_block or _is_real(found[0]):
                yield _Found(kind, found[0], handed_on)


def _is_real(secret: str) -> bool:
    return len(set(secret)) >= _FEWEST_DIFFERENT and not _STAND_IN.search(secret)


def _cards(text: str) -> Iterator[_Found]:
    if not _EIGHT_DIGITS.search(text):
        return
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        is_grouped = bool(found[1] or found[2])
        before = text[max(0, found.start() - _NEARBY) : found.start()]
        if (
            _ISSUED.match(digits)
            and digits not in _TEST_CARDS
            and _check_digit_holds(digits)
            and (is_grouped or _ABOUT_CARDS.search(before))
        ):
            yield _Found("card number", found[0], may_be_handed_on=True)


def _check_digit_holds(digits: str) -> bool:
    """Luhn's rule."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 * (n > 9) for n in doubled)) % 10 == 0


def _passwords(text: str) -> Iterator[_Found]:
    for found in _PASSWORD.finditer(text):
        secret = found[1].rstrip(".!?)")
        has_letters = any(map(str.isalpha, secret))
        has_others = any(not character.isalpha() for character in secret.strip("()[]{}:-_."))
        if has_letters and has_others and not _STAND_IN.search(secret) and "(" not in secret:
            yield _Found("password", secret, may_be_handed_on=True)


def _is_given(messages: Sequence[Message], index: int, secret: str) -> bool:
    """Whether a user or a result has *secret*, spaces and dashes of numbers aside."""
    bare = re.sub(r"[ -]", "", secret)
    return any(
        secret in message.content or bare in re.sub(r"(?<=\d)[ -](?=\d)", "", message.content)
        for message in messages[:index]
        if message.role in ("user", "tool")
    )
