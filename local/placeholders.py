"""Resolves a template as far as possible, with placeholders where only an AWS account has the value."""

import re
from typing import Any

from local.failure import Failure
from local.intrinsics import Resolved, parameter_value
from local.parameters import Rules

#: Stands for a value that only an account has; it is as long as a long name.
PLACEHOLDER = "only-the-account-knows-this".ljust(64, "-")


class ResolvedWithPlaceholders(Resolved):
    """A template with placeholders for what cannot be resolved here, so that nothing is refused."""

    def _parameter(self, name: str, rules: Rules, given: Any) -> Any:
        values = [v for v in (given, rules.get("Default")) if v is not None]
        for value in [] if rules["Type"].startswith("AWS::SSM::") else values:
            try:
                return parameter_value(name, rules, value)
            except (Failure, ValueError, re.error):  # its pattern can be valid only in Java
                continue
        return _possible_value(rules)

    def _ref(self, name: Any) -> Any:
        names = self._pseudo.keys() | self.parameters.keys() | self._included.keys()
        return super()._ref(name) if isinstance(name, str) and name in names else PLACEHOLDER

    def _attribute(self, name: str, attribute: str) -> Any:
        return super()._attribute(name, attribute) if name in self._included else PLACEHOLDER

    def _call(self, function: str, argument: Any) -> Any:
        try:
            return super()._call(function, argument)
        except (Failure, LookupError, TypeError, ValueError, AttributeError):
            return [PLACEHOLDER] if function in ("GetAZs", "Cidr") else PLACEHOLDER


def _possible_value(rules: Rules) -> Any:
    """Return a value that a parameter can have, preferably a long one."""
    if allowed := rules.get("AllowedValues"):
        return max(allowed, key=lambda value: len(str(value)))
    if rules["Type"] == "Number":
        return rules.get("MaxValue", rules.get("MinValue", 1))
    text = PLACEHOLDER[: int(rules.get("MaxLength", len(PLACEHOLDER)))]
    return [text] if "List<" in rules["Type"] or rules["Type"] == "CommaDelimitedList" else text
