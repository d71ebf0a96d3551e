"""Turns msgspec's validation errors into problems with the place and the fault in plain words."""

import re
from typing import Any

import msgspec

from nowlater import wording
from nowlater.problems import Problem
from nowlater.wording import quoted

#: The place at the end of msgspec's texts: `$.tags[...]`, `$.callback.events[0]`.
_PLACE = re.compile(r" - at `(?:key` in `)?\$((?:\.\w++|\[\d++\])*+)(?:\[\.{3}\])?`$")
_STEP = re.compile(r"\.(\w++)|\[(\d++)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`$", re.DOTALL)

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_SIGNS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_UNITS = {"str": "character", "array": "item", "object": "member"}

#: Patterns of msgspec's texts, and our sentences for them.
_SENTENCES: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"Expected `([\w |]++)`, got `([\w |]++)`$"), lambda m: _wrong_type(m[1], m[2])),
    (
        re.compile(r"Expected `(?:int|float)` (>=|<=|>|<) (\S++)$"),
        lambda m: f"must be {_SIGNS[m[1]]} {m[2].removesuffix('.0')}",
    ),
    (
        re.compile(r"Expected `(\w++)` of length (>=|<=) (\d++)$"),
        lambda m: f"must have {_SIGNS[m[2]]} {wording.counted(int(m[3]), _UNITS[m[1]])}",
    ),
    (
        re.compile(r"Expected `str` matching regex '(.*)'$"),
        lambda m: f"must match the regular expression {m[1]}",
    ),
    (
        re.compile(r"Invalid enum value (.*)$", re.DOTALL),
        lambda m: f"has no such choice as {wording.shortened(m[1])}",
    ),
    (
        re.compile(r"Object missing required field `(\w++)`$"),
        lambda m: f'needs the member "{m[1]}"',
    ),
)


def malformed_request(fault: msgspec.ValidationError, hint: str = "") -> Problem:
    """Return Problem `malformed-request` with a JSON Pointer; `hint` is a sentence added to it."""
    text = str(fault)
    place = _PLACE.search(text)
    steps = [name or index for name, index in _STEP.findall(place[1])] if place else []
    message = text[: place.start()] if place else text
    if unknown := _UNKNOWN.match(message):
        steps.append(unknown[1])
        sentence = f"there is no option {quoted(unknown[1])} here"
    else:
        sentence = _sentence(message)
    pointer = wording.shortened_pointer(wording.pointer(steps))
    detail = f"{pointer or 'The body'} {sentence}." if not unknown else f"{pointer}: {sentence}."
    return Problem("malformed-request", f"{detail} {hint}".strip(), pointer=pointer)


def _sentence(message: str) -> str:
    for pattern, describe in _SENTENCES:
        if match := pattern.match(message):
            return str(describe(match))
    return f"is not valid ({wording.shortened(message)})"


def _wrong_type(expected: str, actual: str) -> str:
    kinds = [_KINDS.get(kind, kind) for kind in expected.split(" | ")]
    return f"must be {wording.joined(kinds, 'or')}, and is {_KINDS.get(actual, actual)}"
