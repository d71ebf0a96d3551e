"""What the template's roles allow: each call of a Lambda to AWS is checked against the Lambda's role."""

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from tests import stack

#: The action that a call needs, where that has another name.
_ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "lambda:Invoke": "lambda:InvokeFunction",
}
_KEYS = "dynamodb:LeadingKeys"


class Call(NamedTuple):
    """A call: the action that it needs, on what, of which partitions of the table, or what it lists."""

    action: str
    resource: str
    partitions: tuple[str, ...] = ()
    prefix: str | None = None

    def context(self) -> dict[str, tuple[str, ...]]:
        """Return the condition keys that the request has, as IAM sees them, without those that it lacks."""
        prefixes = () if self.prefix is None else (self.prefix,)
        keys = {_KEYS: self.partitions, "s3:prefix": prefixes}
        return {name: values for name, values in keys.items() if values}


class Permissions:
    """The roles of all Lambdas; resources are named as the template names them."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self._names = {given: name for name, given in ids.items()}
        self._resources = stack.template()["Resources"]
        lambdas = [r["Properties"] for r in self._resources.values() if "Function" in r["Type"]]
        self._roles = {PurePath(f["CodeUri"]).name: f["Role"]["Fn::GetAtt"][0] for f in lambdas}

    def allow(self, lambda_name: str, call: Call) -> bool:
        """Tell whether a statement of the Lambda's role allows a call."""
        role = self._resources[self._roles[lambda_name]]["Properties"]
        # Those under a condition are attached by parameters that a stack as it comes does not have.
        attached = [arn["Ref"] for arn in role["ManagedPolicyArns"] if "Ref" in arn]
        shared = [self._resources[name] for name in attached]
        return any(_allows(s, call) for s in stack.statements([role["Policies"], shared]))

    def needed(self, service: str, operation: str, params: Mapping[str, Any]) -> Call:
        """Return what a request of botocore (the event `before-call`) needs."""
        name = f"{service}:{operation.removesuffix('Batch')}"
        action = _ACTIONS.get(name, name)
        body = params["body"]
        asked = json.loads(body) if service in ("dynamodb", "sqs", "secretsmanager") else body
        match service:
            case "dynamodb":
                index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
                return Call(action, self._names[asked["TableName"]] + index, _partitions(asked))
            case "sqs":
                return Call(action, self._names[asked["QueueUrl"]])
            case "sns":
                return Call(action, self._names[asked["TopicArn"]])
            case "secretsmanager":
                return Call(action, self._names[asked["SecretId"]])
        path = unquote(urlsplit(params["url"]).path)
        if service == "lambda":
            return Call(action, path.split("/")[3])
        listed = params["query_string"].get("prefix") if action == "s3:ListBucket" else None
        return Call(action, f"Bucket{path}".rstrip("/"), prefix=listed)


def _partitions(asked: Mapping[str, Any]) -> tuple[str, ...]:
    if key := asked.get("Key") or asked.get("Item"):
        return (key["PK"]["S"],)
    return tuple(v["S"] for k, v in asked["ExpressionAttributeValues"].items() if k == ":pk")


def _allows(statement: Mapping[str, Any], call: Call) -> bool:
    return (
        statement["Effect"] == "Allow"
        and any(
            fnmatchcase(call.action, action) for action in stack.one_or_more(statement["Action"])
        )
        and any(
            fnmatchcase(call.resource, _name(r)) for r in stack.one_or_more(statement["Resource"])
        )
        and _holds(statement.get("Condition", {}), call.context())
    )


def _holds(condition: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether all operators of a condition hold for all of their keys, as IAM reckons."""
    return all(
        _OPERATORS[operator](context.get(key), stack.one_or_more(wanted))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _like(given: tuple[str, ...] | None, wanted: list[str]) -> bool:
    """Hold for a key that is present and like one of these."""
    return given is not None and all(any(fnmatchcase(g, w) for w in wanted) for g in given)


#: ForAllValues holds without the key, hence the Null beside it ("false": the key must be present).
_OPERATORS: dict[str, Callable[[tuple[str, ...] | None, list[str]], bool]] = {
    "ForAllValues:StringLike": lambda given, wanted: given is None or _like(given, wanted),
    "StringLike": _like,
    "Null": lambda given, wanted: (given is None) == (wanted == ["true"]),
}


def _name(resource: Any) -> str:
    """Return a resource of the template as `needed` names it: `Table/index/due`, `Bucket/inputs/*`."""
    match resource:
        case {"Fn::GetAtt": [name, *_]} | {"Ref": name}:
            return str(name)
        case {"Fn::Sub": str(text)}:
            return text.replace(".Arn}", "").replace("${", "")
    raise AssertionError(f"a resource of a form that is not known here: {resource}")
