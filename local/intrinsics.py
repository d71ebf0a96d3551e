"""Resolves a template as CloudFormation would for a stack: parameters, conditions, mappings, functions.

Nothing is asked of AWS: resources have names, ARNs and URLs of the form and the length that they would.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from local.failure import Failure

ACCOUNT = "123456789012"
#: The longest name that CloudFormation makes for a resource, where a service bounds it.
LONGEST_NAMES = {"Function": 64, "Role": 64, "Bucket": 63, "Queue": 80, "HttpApi": 10, "Api": 10}
_LONGEST_NAME = 255
#: What is between region and name in the ARN of a resource, where that is not its name alone.
_IN_ARN = {
    "Function": "lambda:{region}:{account}:function:",
    "LayerVersion": "lambda:{region}:{account}:layer:",
    "Queue": "sqs:{region}:{account}:",
    "Topic": "sns:{region}:{account}:",
    "Table": "dynamodb:{region}:{account}:table/",
    "Bucket": "s3:::",
    "Role": "iam::{account}:role/",
    "ManagedPolicy": "iam::{account}:policy/",
    "LogGroup": "logs:{region}:{account}:log-group:",
    "Secret": "secretsmanager:{region}:{account}:secret:",
    "Alarm": "cloudwatch:{region}:{account}:alarm:",
}
#: Of these, `Ref` is the ARN.
_REF_IS_ARN = {"Topic", "LayerVersion", "ManagedPolicy", "Secret"}
#: The property that names a resource, where that is not the type's name and "Name".
_NAMED_BY = {"LayerVersion": "LayerName", "HttpApi": "", "Api": "", "Secret": "", "Parameter": ""}
_NO_VALUE = object()
#: Stands for what only an account could tell; it is as long as a long name.
PLACEHOLDER = "only-the-account-knows-this".ljust(64, "-")


class Resolved:
    """A template with values in the place of its functions, for one set of parameters."""

    def __init__(
        self,
        template: dict[str, Any],
        given: dict[str, Any] | None = None,
        *,
        stack_name: str = "nowlater",
        region: str = "eu-central-1",
    ) -> None:
        self.template, self.stack_name = template, stack_name
        #: What the template refers to, though it is not there: "who: what".
        self.dangling: list[str] = []
        #: Which resources a resource needs to be there first.
        self.needs: dict[str, set[str]] = {}
        self._who = ""
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
            name: self._parameter(name, said, (given or {}).get(name))
            for name, said in template.get("Parameters", {}).items()
        }
        if unknown := set(given or {}) - set(self.parameters):
            raise Failure(f"The template has no parameter {', '.join(sorted(unknown))}.")
        self._conditions = template.get("Conditions", {})
        self._there = {
            name: resource
            for name, resource in template["Resources"].items()
            if not name.startswith("Fn::")  # the transform makes resources of it
            and ("Condition" not in resource or self.holds(resource["Condition"]))
        }
        #: The name that each resource has in the account.
        self.names: dict[str, str] = {}
        self.names |= {n: self._name(n, r) for n, r in self._there.items()}
        self.resources = {n: self._resource(n, r) for n, r in self._there.items()}
        self.outputs = {
            n: self._of(f"Outputs.{n}", o) for n, o in template.get("Outputs", {}).items()
        }

    def _parameter(self, name: str, said: dict[str, Any], given: Any) -> Any:
        return _parameter(name, said, said.get("Default") if given is None else given)

    def holds(self, condition: str) -> bool:
        """Tell whether a condition of the template holds."""
        if condition not in self._conditions:
            self.dangling.append(f"{self._who}: condition {condition}")
            return False
        return bool(self.value(self._conditions[condition]))

    def named_in(self, value: Any) -> str | None:
        """Return the logical id of the resource that an ARN, a URL or a name is of."""
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        found = [logical for logical, name in self.names.items() if name in text]
        return max(found, key=len, default=None)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by their logical ids."""
        return {n: r.get("Properties", {}) for n, r in self.resources.items() if r["Type"] == kind}

    def value(self, said: Any) -> Any:
        """Return what a part of the template comes to."""
        if isinstance(said, list):
            return [v for v in map(self.value, said) if v is not _NO_VALUE]
        if not isinstance(said, dict):
            return said
        if len(said) == 1:
            ((how, what),) = said.items()
            if how == "Ref":
                return self._ref(what)
            if how == "Condition" and isinstance(what, str):
                return self.holds(what)
            if how.startswith("Fn::"):
                return self._call(how.removeprefix("Fn::"), what)
        resolved = {key: self.value(part) for key, part in said.items()}
        return {key: part for key, part in resolved.items() if part is not _NO_VALUE}

    # ── resources ─────────────────────────────────────────────────────────────────────────────

    def _resource(self, name: str, resource: dict[str, Any]) -> dict[str, Any]:
        kept = self._of(name, {k: v for k, v in resource.items() if k != "Condition"})
        first = resource.get("DependsOn", [])
        for other in [first] if isinstance(first, str) else first:
            self._need(other, "DependsOn")
        return kept

    def _of(self, who: str, said: dict[str, Any]) -> dict[str, Any]:
        self._who = who
        self.needs.setdefault(who, set())
        found: dict[str, Any] = self.value(said)
        return found

    def _need(self, resource: str, how: str) -> bool:
        if resource not in self._there:
            self.dangling.append(f"{self._who}: {how} {resource}")
            return False
        self.needs.setdefault(self._who, set()).add(resource)
        return True

    def _name(self, logical_id: str, resource: dict[str, Any]) -> str:
        """Return the name that a resource says, or one as CloudFormation makes them."""
        kind = resource["Type"].rpartition("::")[2]
        said = resource.get("Properties", {}).get(_NAMED_BY.get(kind, f"{kind}Name"))
        if said is not None:
            return str(self.value(said))
        longest = LONGEST_NAMES.get(kind, _LONGEST_NAME)
        characters = hashlib.sha256(logical_id.encode()).hexdigest()[:12].upper()
        if longest <= len(characters):
            return characters.lower()[:longest]
        made = f"{logical_id}-{characters}"
        stack = self.stack_name[: longest - len(made) - 1]
        return f"{stack}-{made}".lower() if kind == "Bucket" else f"{stack}-{made}"

    def _named(self, name: str) -> str:
        return self.names.get(name, name)  # while names are made, there are not all of them

    def _kind(self, name: str) -> str:
        kind: str = self._there[name]["Type"]
        return kind.rpartition("::")[2]

    def _arn(self, name: str) -> str:
        form = _IN_ARN.get(self._kind(name), "service:{region}:{account}:")
        where = form.format(region=self._region, account=ACCOUNT)
        version = ":1" if self._kind(name) == "LayerVersion" else ""
        return f"arn:aws:{where}{self._named(name)}{version}"

    # ── functions ─────────────────────────────────────────────────────────────────────────────

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if not self._need(name, "Ref"):
            return f"no-{name}"
        if self._kind(name) == "Queue":
            return f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{self._named(name)}"
        return self._arn(name) if self._kind(name) in _REF_IS_ARN else self._named(name)

    def _attribute(self, name: str, attribute: str) -> Any:
        if not self._need(name, "GetAtt"):
            return f"no-{name}"
        if attribute in ("Arn", "Id", "TopicArn"):
            arn = self._arn(name)
            return f"{arn}:*" if self._kind(name) == "LogGroup" else arn
        if attribute == "StreamArn":
            return f"{self._arn(name)}/stream/2026-01-01T00:00:00.000"
        if attribute == "ApiEndpoint":
            return f"https://{self._named(name)}.execute-api.{self._region}.amazonaws.com"
        if attribute in self._there[name].get("Properties", {}):
            return self.value(self._there[name]["Properties"][attribute])
        return self._named(name)

    def _call(self, how: str, what: Any) -> Any:
        if how == "If":
            condition, then, otherwise = what
            return self.value(then if self.holds(condition) else otherwise)
        if how == "GetAtt":
            name, _, attribute = (what if isinstance(what, str) else ".".join(what)).partition(".")
            return self._attribute(name, attribute)
        if how == "Sub":
            return self._substitute(*([what] if isinstance(what, str) else what))
        if how not in FUNCTIONS:
            raise Failure(f"{self._who}: Fn::{how} is not known to local/intrinsics.py. Add it.")
        if how == "FindInMap":
            return self._find(*self.value(what))
        return FUNCTIONS[how](self.value(what))

    def _find(self, mapping: str, row: Any, column: str) -> Any:
        try:
            return self.template["Mappings"][mapping][str(row)][column]
        except KeyError:
            self.dangling.append(f"{self._who}: FindInMap {mapping}.{row}.{column}")
            return f"no-{mapping}"

    def _substitute(self, text: str, given: dict[str, Any] | None = None) -> str:
        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in (given or {}):
                return str(self.value((given or {})[name]))
            resource, _, attribute = name.partition(".")
            return str(self._attribute(resource, attribute) if attribute else self._ref(name))

        return re.sub(r"\$\{([^${}]++)\}", put, text)


class Guessed(Resolved):
    """A template with placeholders for what cannot be resolved here, so that nothing is refused."""

    def _parameter(self, name: str, said: dict[str, Any], given: Any) -> Any:
        values = [v for v in (given, said.get("Default")) if v is not None]
        for value in [] if said["Type"].startswith("AWS::SSM::") else values:
            try:
                return _parameter(name, said, value)
            except (Failure, ValueError, re.error):  # its pattern is one of Java's
                continue
        return _likely(said)

    def _ref(self, name: Any) -> Any:
        there = self._pseudo.keys() | self.parameters.keys() | self._there.keys()
        return super()._ref(name) if isinstance(name, str) and name in there else PLACEHOLDER

    def _attribute(self, name: str, attribute: str) -> Any:
        return super()._attribute(name, attribute) if name in self._there else PLACEHOLDER

    def _call(self, how: str, what: Any) -> Any:
        try:
            return super()._call(how, what)
        except (Failure, LookupError, TypeError, ValueError, AttributeError):
            return [PLACEHOLDER] if how in ("GetAZs", "Cidr") else PLACEHOLDER


def _likely(said: dict[str, Any]) -> Any:
    """Return a value that a parameter may have, rather a long one."""
    if allowed := said.get("AllowedValues"):
        return max(allowed, key=lambda value: len(str(value)))
    if said["Type"] == "Number":
        return said.get("MaxValue", said.get("MinValue", 1))
    text = PLACEHOLDER[: int(said.get("MaxLength", len(PLACEHOLDER)))]
    return [text] if "List<" in said["Type"] or said["Type"] == "CommaDelimitedList" else text


def _parameter(name: str, said: dict[str, Any], value: Any) -> Any:
    """Return a parameter's value as `Ref` gives it; raises Failure where it is not allowed."""
    text = str(value)
    allowed = said.get("AllowedValues")
    if allowed and text not in map(str, allowed):
        raise Failure(f"{name} is {text!r}, and has to be one of {', '.join(map(str, allowed))}.")
    if "AllowedPattern" in said and not re.fullmatch(said["AllowedPattern"], text):
        raise Failure(f"{name} is {text!r}, and has to match {said['AllowedPattern']}.")
    if said["Type"] == "Number":
        number = float(text) if "." in text else int(text)
        low, high = said.get("MinValue", number), said.get("MaxValue", number)
        if not float(low) <= number <= float(high):
            raise Failure(f"{name} is {text}, and has to be from {low} to {high}.")
        return number
    if said["Type"].startswith(("CommaDelimitedList", "List<")):
        return text.split(",")
    return text


def _same(values: list[Any]) -> bool:
    """Compare as CloudFormation does: numbers, and what is true or false, are texts."""
    one, other = (str(v).lower() if isinstance(v, bool) else str(v) for v in values)
    return one == other


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "FindInMap": list,  # looked up by the template that has the mapping
    "Equals": _same,
    "Not": lambda values: not values[0],
    "And": all,
    "Or": any,
    "Join": lambda said: said[0].join(map(str, said[1])),
    "Split": lambda said: said[1].split(said[0]),
    "Select": lambda said: said[1][int(said[0])],
    "Contains": lambda said: said[1] in said[0],
    "EachMemberIn": lambda said: set(said[0]) <= set(said[1]),
    "EachMemberEquals": lambda said: all(_same([one, said[1]]) for one in said[0]),
}
