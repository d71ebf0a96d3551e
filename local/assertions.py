"""Checks the template's Rules before a deployment, as CloudFormation does minutes later.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from collections.abc import Mapping
from typing import Any

from local.failure import Failure
from local.intrinsics import FUNCTIONS

#: The functions of rules that are evaluated here: those for which the values are enough.
_EVALUATED = ("Equals", "Not", "And", "Or", "Contains")


class _Unknown(Exception):
    """A function that only CloudFormation evaluates."""


def refuse_broken(rules: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Raise Failure with the description of each broken assertion; `values` are as for `broken`."""
    if descriptions := broken(rules, values):
        lines = "\n".join(f"  {description}" for description in descriptions)
        raise Failure(f"These parameters contradict each other:\n{lines}")


def broken(rules: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the description of each broken assertion.

    `values` are parameters and pseudo parameters, by name.
    """
    return [
        assertion.get("AssertDescription", "")
        for rule in rules.values()
        if _holds(rule.get("RuleCondition", True), values)
        for assertion in rule.get("Assertions", [])
        if not _holds(assertion.get("Assert", True), values)
    ]


def _holds(condition: Any, values: Mapping[str, str]) -> bool:
    try:
        return bool(_value(condition, values))
    except _Unknown:
        return True


def _value(term: Any, values: Mapping[str, str]) -> Any:
    """Return the value of a term of a rule; values are strings, as they are for CloudFormation."""
    if isinstance(term, list):
        return [_value(part, values) for part in term]
    if not isinstance(term, dict):
        return term if isinstance(term, bool) else str(term)
    ((function, argument),) = term.items()
    if function == "Ref":
        if argument not in values:
            raise _Unknown(argument)
        return values[argument]
    name = function.removeprefix("Fn::")
    if name not in _EVALUATED:
        raise _Unknown(function)
    return FUNCTIONS[name](_value(argument, values))
