"""Resolves a template as CloudFormation does for a stack: parameters, conditions, mappings, functions.

AWS is not called: names, ARNs and URLs of resources have the form and the length of real ones.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from local import parameters, resource_names
from local.failure import Failure
from local.parameters import Rules
from local.resource_names import ACCOUNT, kind_of

_NO_VALUE = object()
#: Versions and aliases have no names of their own: their ARNs have that of their Lambda.
_OF_A_LAMBDA = {"AWS::Lambda::Version", "AWS::Lambda::Alias"}


class Resolved:
    """A template with values instead of functions, for one set of parameters."""

    def __init__(
        self,
        template: dict[str, Any],
        given: dict[str, Any] | None = None,
        *,
        stack_name: str = "nowlater",
        region: str = "eu-central-1",
    ) -> None:
        self.template, self.stack_name = template, stack_name
        #: References to what the template does not have, as "resource: reference".
        self.dangling: list[str] = []
        #: By resource: the resources that must exist before it.
        self.needs: dict[str, set[str]] = {}
        #: The resource or output that is being resolved.
        self._current = ""
        self._region = region
        self._pseudo = {
            "AWS::Region": region,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::StackName": stack_name,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{stack_name}/0",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _NO_VALUE,
        }
        self.parameters = {
            name: self._parameter(name, rules, (given or {}).get(name))
            for name, rules in template.get("Parameters", {}).items()
        }
        if unknown := set(given or {}) - set(self.parameters):
            raise Failure(f"The template has no parameter {', '.join(sorted(unknown))}.")
        self._conditions = template.get("Conditions", {})
        #: The resources whose condition holds.
        self._included = {
            name: resource
            for name, resource in template["Resources"].items()
            if not name.startswith("Fn::")  # the transform makes resources of it
            and ("Condition" not in resource or self.holds(resource["Condition"]))
        }
        #: By logical id: the name of each resource in the account.
        self.names: dict[str, str] = {}
        named = {n: r for n, r in self._included.items() if r["Type"] not in _OF_A_LAMBDA}
        self.names |= {n: self._name(n, r) for n, r in named.items()}
        self.resources = {n: self._resource(n, r) for n, r in self._included.items()}
        self.outputs = {
            n: self._resolve(f"Outputs.{n}", o) for n, o in template.get("Outputs", {}).items()
        }

    def _parameter(self, name: str, rules: Rules, given: Any) -> Any:
        return parameter_value(name, rules, rules.get("Default") if given is None else given)

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template holds."""
        if condition not in self._conditions:
            self.dangling.append(f"{self._current}: condition {condition}")
            return False
        return bool(self.value(self._conditions[condition]))

    def named_in(self, value: Any) -> str | None:
        """Return the logical id of the resource whose name is in an ARN, a URL or another value."""
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        named = [logical_id for logical_id, name in self.names.items() if name in text]
        return max(named, key=len, default=None)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical id."""
        return {n: r.get("Properties", {}) for n, r in self.resources.items() if r["Type"] == kind}

    def value(self, part: Any) -> Any:
        """Return a part of the template with values instead of functions."""
        if isinstance(part, list):
            return [v for v in map(self.value, part) if v is not _NO_VALUE]
        if not isinstance(part, dict):
            return part
        if len(part) == 1:
            ((key, argument),) = part.items()
            if key == "Ref":
                return self._ref(argument)
            if key == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if key.startswith("Fn::"):
                return self._call(key.removeprefix("Fn::"), argument)
        values = {key: self.value(member) for key, member in part.items()}
        return {key: value for key, value in values.items() if value is not _NO_VALUE}

    # ── resources ─────────────────────────────────────────────────────────────────────────────

    def _resource(self, name: str, resource: dict[str, Any]) -> dict[str, Any]:
        resolved = self._resolve(name, {k: v for k, v in resource.items() if k != "Condition"})
        depends_on = resource.get("DependsOn", [])
        for other in [depends_on] if isinstance(depends_on, str) else depends_on:
            self._need(other, "DependsOn")
        return resolved

    def _resolve(self, name: str, part: dict[str, Any]) -> dict[str, Any]:
        self._current = name
        self.needs.setdefault(name, set())
        resolved: dict[str, Any] = self.value(part)
        return resolved

    def _need(self, resource: str, function: str) -> bool:
        if resource not in self._included:
            self.dangling.append(f"{self._current}: {function} {resource}")
            return False
        self.needs.setdefault(self._current, set()).add(resource)
        return True

    def _name(self, logical_id: str, resource: dict[str, Any]) -> str:
        """Return the name in the template, or one like those that CloudFormation makes."""
        kind = kind_of(resource["Type"])
        name = resource.get("Properties", {}).get(resource_names.name_property(kind))
        if name is not None:
            return str(self.value(name))
        return resource_names.generate_name(logical_id, kind, self.stack_name)

    def _kind_and_name(self, logical_id: str) -> tuple[str, str]:
        # While names are generated, some are missing.
        return kind_of(self._included[logical_id]["Type"]), self.names.get(logical_id, logical_id)

    # ── functions ─────────────────────────────────────────────────────────────────────────────

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if not self._need(name, "Ref"):
            return f"no-{name}"
        if self._included[name]["Type"] in _OF_A_LAMBDA:
            return self._qualified(name)
        return resource_names.reference(*self._kind_and_name(name), self._region)

    def _qualified(self, logical_id: str) -> str:
        """Return the ARN of a Lambda's alias or version."""
        properties = self._included[logical_id]["Properties"]
        function = properties["FunctionName"]["Ref"]
        return f"{self._attribute(function, 'Arn')}:{properties.get('Name', '1')}"

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        if not self._need(logical_id, "GetAtt"):
            return f"no-{logical_id}"
        kind, name = self._kind_and_name(logical_id)
        arn = resource_names.arn(kind, name, self._region)
        if attribute in ("Arn", "Id", "TopicArn"):
            return f"{arn}:*" if kind == "LogGroup" else arn
        if attribute == "StreamArn":
            return f"{arn}/stream/2026-01-01T00:00:00.000"
        if attribute == "ApiEndpoint":
            return f"https://{name}.execute-api.{self._region}.amazonaws.com"
        properties = self._included[logical_id].get("Properties", {})
        return self.value(properties[attribute]) if attribute in properties else name

    def _call(self, function: str, argument: Any) -> Any:
        if function == "If":
            condition, then, otherwise = argument
            return self.value(then if self.holds(condition) else otherwise)
        if function == "GetAtt":
            path = argument if isinstance(argument, str) else ".".join(argument)
            name, _, attribute = path.partition(".")
            return self._attribute(name, attribute)
        if function == "Sub":
            return self._substitute(*([argument] if isinstance(argument, str) else argument))
        if function not in FUNCTIONS:
            raise Failure(
                f"{self._current}: Fn::{function} is not known to local/intrinsics.py. Add it."
            )
        if function == "FindInMap":
            return self._find_in_map(*self.value(argument))
        return FUNCTIONS[function](self.value(argument))

    def _find_in_map(self, mapping: str, row: Any, column: str) -> Any:
        try:
            return self.template["Mappings"][mapping][str(row)][column]
        except KeyError:
            self.dangling.append(f"{self._current}: FindInMap {mapping}.{row}.{column}")
            return f"no-{mapping}"

    def _substitute(self, text: str, local: dict[str, Any] | None = None) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in (local or {}):
                return str(self.value((local or {})[name]))
            resource, _, attribute = name.partition(".")
            return str(self._attribute(resource, attribute) if attribute else self._ref(name))

        return re.sub(r"\$\{([^${}]++)\}", replace, text)


def parameter_value(name: str, rules: Rules, value: Any) -> Any:
    """Return a parameter's value as `Ref` gives it; raises Failure if it is not allowed."""
    text = str(value)
    if constraint := parameters.broken_constraint(rules, text):
        raise Failure(f"{name} is {text!r}: {constraint}.")
    if rules["Type"] == "Number":
        return int(text)
    if rules["Type"].startswith(("CommaDelimitedList", "List<")):
        return text.split(",")
    return text


def _equal(values: list[Any]) -> bool:
    """Compare as CloudFormation does: numbers and booleans are text."""
    first, second = (str(v).lower() if isinstance(v, bool) else str(v) for v in values)
    return first == second


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "FindInMap": list,  # Resolved looks it up in the template's mappings
    "Equals": _equal,
    "Not": lambda values: not values[0],
    "And": all,
    "Or": any,
    "Join": lambda argument: argument[0].join(map(str, argument[1])),
    "Split": lambda argument: argument[1].split(argument[0]),
    "Select": lambda argument: argument[1][int(argument[0])],
    "Contains": lambda argument: argument[1] in argument[0],
    "EachMemberIn": lambda argument: set(argument[0]) <= set(argument[1]),
    "EachMemberEquals": lambda argument: all(_equal([one, argument[1]]) for one in argument[0]),
}
