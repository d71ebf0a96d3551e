"""The template's parameters: their constraints, and their values after a deployment."""

import difflib
import re
import shlex
from collections.abc import Mapping
from typing import Any

from local.failure import Failure

#: A parameter of the template: its Type, Default, Description and constraints.
Rules = dict[str, Any]
Declared = dict[str, Rules]
#: CloudFormation's own limit, in characters.
_MAX_LENGTH = 4096


def parse(text: str, variable: str = "PARAMETERS") -> dict[str, str]:
    """Return the parameters in `Name=value Other="two words"`, the value of a variable of make's.

    Raises Failure.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Failure(f"{variable}={text}: a quote is not closed.") from error
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise Failure(
                f"{variable}: {word!r} is not Name=value. Separate several by spaces, and quote a "
                f"value that has a space: {variable}='Shards=2 JwtAudience=\"my api\"'."
            )
        if values.get(name, value) != value:
            raise Failure(f"{variable} has {name} twice, with two values.")
        values[name] = value
    return values


def check(declared: Declared, values: Mapping[str, str]) -> None:
    """Raise Failure with a line for each parameter that the template would not accept."""
    faults = [
        f"{name}={value}: {fault}"
        for name, value in values.items()
        if (fault := find_fault(declared, name, value))
    ]
    if faults:
        raise Failure("\n".join(faults))


def find_fault(declared: Declared, name: str, value: str) -> str:
    """Return what is wrong with a parameter, as a sentence; "" if nothing is."""
    if name not in declared:
        by_lowercase = {other.lower(): other for other in declared}
        nearest = difflib.get_close_matches(name.lower(), by_lowercase, 3, cutoff=0.5)
        names = " or ".join(by_lowercase[lowercase] for lowercase in nearest)
        hint = f"Did you mean {names}?" if names else "template.yaml lists all parameters."
        return f"the template has no such parameter. {hint}"
    rules = declared[name]
    constraint = broken_constraint(rules, value)
    if not constraint and len(value) > _MAX_LENGTH:
        constraint = f"it must have at most {_MAX_LENGTH} characters"
    description = f". Its description: {rules['Description']}" if "Description" in rules else "."
    return f"{constraint}{description}" if constraint else ""


def broken_constraint(rules: Rules, value: str) -> str:
    """Return the constraint of the template that a value breaks, as a clause; "" if it breaks none."""
    allowed = [str(one) for one in rules.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"it must be one of {', '.join(allowed)}"
    if rules["Type"] == "Number":
        return _broken_bound(rules, value)
    pattern = rules.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return f"it does not match {pattern}"
    shortest, longest = int(rules.get("MinLength", 0)), int(rules.get("MaxLength", _MAX_LENGTH))
    if {"MinLength", "MaxLength"} & rules.keys() and not shortest <= len(value) <= longest:
        return f"it must have from {shortest} to {longest} characters"
    return ""


def _broken_bound(rules: Rules, value: str) -> str:
    if not re.fullmatch(r"-?[0-9]+", value):  # CloudFormation accepts 1.5, no property of ours does
        return "it must be a whole number"
    low, high = (rules.get(bound) for bound in ("MinValue", "MaxValue"))
    if (low is not None and int(value) < low) or (high is not None and int(value) > high):
        bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        return f"it must be {' and '.join(bounds)}"
    return ""


def after(
    declared: Declared, present: Mapping[str, str], changes: Mapping[str, str]
) -> dict[str, str]:
    """Return all parameters after a deployment: changed, as the stack has them, or the default."""
    defaults = {name: str(rules.get("Default", "")) for name, rules in declared.items()}
    unchanged = {name: value for name, value in present.items() if name in declared}
    return {**defaults, **unchanged, **changes}


def refuse_fewer_shards(present: Mapping[str, str], changes: Mapping[str, str]) -> None:
    """Raise Failure where `Shards` would decrease."""
    shards = int(present.get("Shards", 1))
    planned = int(changes.get("Shards", shards))
    if planned < shards:
        raise Failure(
            f"Shards={planned}: the stack has {shards}, and Shards cannot decrease. Jobs are in all "
            f"{shards} partitions, and lists would read only the first {planned}: the other jobs would "
            "be in no list, though each could still be read by its id. Leave Shards out to keep "
            f"{shards}."
        )
