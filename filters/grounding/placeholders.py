"""Values that stand where a value should be."""

from __future__ import annotations

import re

_STAND_INS = frozenset(
    re.split(
        r"\|",
        "unknown|n/a|n.a.|null|nil|undefined|tbd|tba|to be determined|to be provided|"
        "to be confirmed|not provided|not specified|not given|not available|not known|"
        "unspecified|not_provided|not_specified|not_given|placeholder|string|<string>|your name|"
        "your email|your_name|example value|sample|dummy|foo|bar|foobar|xxx|xxxx|?|??|???|...|"
        "0000-00-00|yyyy-mm-dd|mm/dd/yyyy|dd/mm/yyyy|user input|user_input|user provided|"
        "user_provided|provided by user|john doe|jane doe|john smith|jane smith|john.doe|"
        "jane.doe|123 main st|123 main street|anytown|lorem ipsum|1234567890|123-456-7890|"
        "(123) 456-7890|+1234567890|555-555-5555|abc123|abcd1234|123abc|abc-123|user123|"
        "user_123|123456789|xyz|xyz123|00000|000000|00000000-0000-0000-0000-000000000000|"
        "01/01/1970|1970-01-01|0001-01-01",
    )
)
_SHAPES = re.compile(
    r"<[^<>]{1,60}>|\{\{?[^{}]{1,60}\}?\}|\[[^\[\]]{1,60}\]|\$\{[^{}]{1,60}\}|%[a-z_]{2,40}%|"
    r"(?:your|users?|customers?|my|the|enter|insert|some|sample|example|dummy|test|placeholder)"
    r"[_ -](?:[a-z]{1,20}[_ -]){0,3}"
    r"(?:id|name|email|number|key|token|address|date|phone|password|username|code|here|value)|"
    r"insert .{1,60} here|x{3,}(?:[-_ ]x+)*|_{2,}|-{2,}|\.{3,}",
    re.IGNORECASE,
)
_EXAMPLE_DOMAIN = re.compile(
    r"(?:[\w.+-]+@|https?://(?:www\.)?)?(?:example|domain|yourdomain|test|email|company)"
    r"\.(?:com|org|net)(?:/\S*)?",
    re.IGNORECASE,
)


def is_placeholder(text: str, name: str) -> bool:
    """Whether *text*, given for the parameter *name*, looks like a slot that was not filled.

    ``unknown``, ``N/A``, ``<user_id>``, ``your_id``, ``John Doe``, the parameter's own name.
    Whether somebody has said it all the same is for the caller to find out.
    """
    plain = text.strip()
    return (
        plain.casefold() in _STAND_INS
        or _SHAPES.fullmatch(plain) is not None
        or _EXAMPLE_DOMAIN.fullmatch(plain) is not None
        or ("_" in name and plain.casefold() == name.casefold())
    )
