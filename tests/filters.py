"""Metric filters as CloudWatch reads them, as far as the template and the docs use them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from fnmatch import fnmatchcase
from typing import Any

_TOKEN = re.compile(r"""\s*(\(|\)|&&|\|\||\$(?:\.\w+)+|!=|>=|=|<|"[^"]*"|\d+)\s*""")


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Tell whether a filter for JSON matches a line of the log; raises ValueError at what it cannot read."""
    inner = re.fullmatch(r"\{(.*)\}", pattern.strip())
    tokens = re.split(_TOKEN, inner[1])[1:] if inner else ["?"]
    if any(tokens[1::2]):
        raise ValueError(f"not a filter for JSON: {pattern}")
    rest = tokens[::2]
    found = _either(rest, line)
    if rest:
        raise ValueError(f"{pattern} has more than an expression: {rest}")
    return found


def _either(rest: list[str], line: dict[str, Any]) -> bool:
    found = _both(rest, line)
    while rest[:1] == ["||"]:
        rest.pop(0)
        found |= _both(rest, line)
    return found


def _both(rest: list[str], line: dict[str, Any]) -> bool:
    found = _one(rest, line)
    while rest[:1] == ["&&"]:
        rest.pop(0)
        found &= _one(rest, line)
    return found


def _one(rest: list[str], line: dict[str, Any]) -> bool:
    if rest[0] == "(":
        rest.pop(0)
        found = _either(rest, line)
        if rest.pop(0) != ")":
            raise ValueError("a parenthesis is not closed")
        return found
    selector, operator, wanted = rest.pop(0), rest.pop(0), rest.pop(0)
    value: Any = line
    for name in selector.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return False
    if wanted.startswith('"'):
        is_like = fnmatchcase(str(value), wanted.strip('"').replace("[", "[[]"))
        return {"=": is_like, "!=": not is_like}[operator]
    return {"=": value == int(wanted), "<": value < int(wanted), ">=": value >= int(wanted)}[
        operator
    ]
