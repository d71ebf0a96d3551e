"""What the template's roles allow: a Lambda's call to AWS is held against the role that it has there."""

import json
from collections.abc import Mapping
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
_KEYS = "ForAllValues:StringLike"


class Call(NamedTuple):
    """A call: the action that it needs, on what, and of which partitions of the table."""

    action: str
    resource: str
    partitions: tuple[str, ...] = ()


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
        shared = [self._resources[arn["Ref"]] for arn in role.get("ManagedPolicyArns", [])]
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
        return Call(action, f"Bucket{path}".rstrip("/"))


def _partitions(asked: Mapping[str, Any]) -> tuple[str, ...]:
    if key := asked.get("Key") or asked.get("Item"):
        return (key["PK"]["S"],)
    return tuple(v["S"] for k, v in asked["ExpressionAttributeValues"].items() if k == ":pk")


def _allows(statement: Mapping[str, Any], call: Call) -> bool:
    condition = statement.get("Condition", {})
    assert condition.keys() <= {_KEYS}, "a condition that is not known here"
    keys = condition.get(_KEYS, {}).get("dynamodb:LeadingKeys", ["*"])
    return (
        statement["Effect"] == "Allow"
        and any(
            fnmatchcase(call.action, action) for action in stack.one_or_more(statement["Action"])
        )
        and any(
            fnmatchcase(call.resource, _name(r)) for r in stack.one_or_more(statement["Resource"])
        )
        and all(any(fnmatchcase(p, key) for key in keys) for p in call.partitions)
    )


def _name(resource: Any) -> str:
    """Return a resource of the template as `needed` names it: `Table/index/due`, `Bucket/inputs/*`."""
    match resource:
        case {"Fn::GetAtt": [name, *_]} | {"Ref": name}:
            return str(name)
        case {"Fn::Sub": str(text)}:
            return text.replace(".Arn}", "").replace("${", "")
    raise AssertionError(f"a resource of a form that is not known here: {resource}")
