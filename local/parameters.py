"""The template's parameters: what they may be, and what a deployment makes of them."""

import difflib
import re
import shlex
from collections.abc import Mapping
from typing import Any

from local.failure import Failure

#: A parameter of the template: its Type, Default, Description and constraints.
Declared = dict[str, dict[str, Any]]


def parse(text: str) -> dict[str, str]:
    """Return the parameters in `Name=value Other="two words"`; raises Failure."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Failure(f"PARAMETERS={text}: a quote is not closed.") from error
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise Failure(
                f"PARAMETERS: {word!r} is no Name=value. Several are separated by spaces, and a "
                "value with a space is quoted: PARAMETERS='Shards=2 JwtAudience=\"my api\"'."
            )
        if given.get(name, value) != value:
            raise Failure(f"PARAMETERS has {name} twice, with two values.")
        given[name] = value
    return given


def check(declared: Declared, given: Mapping[str, str]) -> None:
    """Raise Failure, with a sentence for each, where names or values are not the template's."""
    wrong = [
        f"{name}={value}: {fault}"
        for name, value in given.items()
        if (fault := find_fault(declared, name, value))
    ]
    if wrong:
        raise Failure("\n".join(wrong))


def find_fault(declared: Declared, name: str, value: str) -> str:
    """Return a sentence on what is wrong with a parameter; nothing where it fits."""
    if name not in declared:
        by_small = {known.lower(): known for known in declared}
        nearest = difflib.get_close_matches(name.lower(), by_small, 3, cutoff=0.5)
        names = " or ".join(by_small[small] for small in nearest)
        hint = f"is {names} meant?" if names else "template.yaml has them all."
        return f"the template has no such parameter; {hint}"
    rules = declared[name]
    fault = _fault(rules, value)
    described = f". It is: {rules['Description']}" if "Description" in rules else "."
    return f"{fault}{described}" if fault else ""


def _fault(rules: dict[str, Any], value: str) -> str:
    """Return which constraint of CloudFormation's a value breaks."""
    allowed = [str(one) for one in rules.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"it may be {', '.join(allowed)}"
    if rules["Type"] == "Number":
        return _number_fault(rules, value)
    pattern = rules.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return f"it does not match {pattern}"
    if not int(rules.get("MinLength", 0)) <= len(value) <= int(rules.get("MaxLength", 4096)):
        return (
            f"it has from {rules.get('MinLength', 0)} to {rules.get('MaxLength', 4096)} characters"
        )
    return ""


def _number_fault(rules: dict[str, Any], value: str) -> str:
    if not re.fullmatch(r"-?[0-9]+", value):  # CloudFormation takes 1.5, no property of ours does
        return "it is a whole number"
    least, most = (rules.get(bound) for bound in ("MinValue", "MaxValue"))
    if (least is not None and int(value) < least) or (most is not None and int(value) > most):
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (
            most is not None
        )
        return f"it is {' and '.join(bounds)}"
    return ""


def after(
    declared: Declared, present: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Return all parameters as a deployment leaves them: what is given, is there, or the default."""
    defaults = {name: str(rules.get("Default", "")) for name, rules in declared.items()}
    kept = {name: value for name, value in present.items() if name in declared}
    return {**defaults, **kept, **given}


def refuse_fewer_shards(present: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Raise Failure where `Shards` would fall."""
    now, wanted = int(present.get("Shards", 1)), int(given.get("Shards", present.get("Shards", 1)))
    if wanted < now:
        raise Failure(
            f"Shards={wanted}: the stack has {now}, and Shards cannot fall. Jobs lie in all {now} "
            f"partitions, and lists would read the first {wanted} alone: the rest would be in no list, "
            f"though each is still served by its id. Leave Shards out, and it stays {now}."
        )
