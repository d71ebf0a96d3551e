"""The template's Rules, as CloudFormation would judge them, minutes before it does.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from collections.abc import Mapping
from typing import Any

from local.failure import Failure
from local.intrinsics import FUNCTIONS

#: Those of a rule's functions that need the values alone, not how a list of them is written.
_JUDGED = ("Equals", "Not", "And", "Or", "Contains")


class _Unknown(Exception):
    """A function that is left to CloudFormation."""


def refuse_broken(rules: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Raise Failure with what each broken assertion says; `values` are as for `broken`."""
    if said := broken(rules, values):
        raise Failure("These parameters do not go together:\n" + "\n".join(f"  {s}" for s in said))


def broken(rules: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return what each broken assertion says; `values` are parameters and pseudo parameters, by name."""
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
    """Return what a term of a rule's comes to; texts are compared, as CloudFormation has only those."""
    if isinstance(term, list):
        return [_value(part, values) for part in term]
    if not isinstance(term, dict):
        return term if isinstance(term, bool) else str(term)
    ((function, said),) = term.items()
    if function == "Ref":
        if said not in values:
            raise _Unknown(said)
        return values[said]
    name = function.removeprefix("Fn::")
    if name not in _JUDGED:
        raise _Unknown(function)
    return FUNCTIONS[name](_value(said, values))
