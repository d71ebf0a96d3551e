"""The stack of framework.yaml on moto, in this process: its data resources, and its Lambdas as modules."""

import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3

from local.template import load as load_template

ROOT = Path(__file__).parent.parent
_ON_MOTO = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket")


def template() -> dict[str, Any]:
    """Return framework.yaml, with CloudFormation's long forms: what users add is theirs to test."""
    return load_template(ROOT / "framework.yaml")


def of_type(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return {n: r.get("Properties", {}) for n, r in resources.items() if r["Type"] == kind}


def apps() -> list[Path]:
    """Return the file of each Lambda of the framework."""
    folders = (r["Properties"].get("CodeUri", "") for r in template()["Resources"].values())
    return sorted(ROOT / folder / "app.py" for folder in folders if folder.startswith("functions/"))


def routes() -> dict[str, bool]:
    """Return each route of the template, and whether a key is needed for it."""
    given = [e["Properties"] for e in _event_sources() if e["Type"] == "HttpApi"]
    return {
        f"{e['Method']} {e['Path']}" if "Path" in e else "$default": "Auth" not in e for e in given
    }


def _event_sources() -> Iterator[dict[str, Any]]:
    """Yield the events of the template's Lambdas."""
    for resource in template()["Resources"].values():
        if "Function" in resource["Type"]:
            yield from resource["Properties"].get("Events", {}).values()


@cache
def batch_sizes() -> dict[str, int]:
    """Return how many messages of each queue a Lambda is handed at most, by the queue's name."""
    given = [e["Properties"] for e in _event_sources() if e["Type"] == "SQS"]
    return {e["Queue"]["Fn::GetAtt"][0]: e["BatchSize"] for e in given}


def event(name: str) -> dict[str, Any]:
    """Return a fresh copy of a sample event."""
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


class Stack:
    """Table, queues, topic and bucket as the template says, and the environment that names them."""

    def __init__(self, name: str = "nowlater") -> None:
        whole = template()
        kept = {n: r for n, r in whole["Resources"].items() if r["Type"] in _ON_MOTO}
        parts = {k: whole[k] for k in ("Parameters", "Mappings", "Conditions")}
        body = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": kept} | parts
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body))
        described = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in described}
        secrets = boto3.client("secretsmanager")  # which moto's CloudFormation does not make
        made = secrets.create_secret(Name=f"{name}-master", SecretString="a master secret")
        self.ids["MasterSecret"] = made["ARN"]

    def environment(self, **changed: str) -> dict[str, str]:
        """Return the environment variables that the template gives to every Lambda, or to some."""
        some = {"NOWLATER_WORKER": "Work:live", "NOWLATER_MASTER_SECRET": self.ids["MasterSecret"]}
        some |= {"NOWLATER_DEAD_LETTER_QUEUE": self.ids["DeadLetterQueue"]}
        return environment(self.ids) | some | changed


def environment(ids: Mapping[str, str]) -> dict[str, str]:
    """Return what the template gives to every Lambda, resources being named by these ids."""
    given = template()["Globals"]["Function"]["Environment"]["Variables"]
    defaults = {k: str(v["Default"]) for k, v in template()["Parameters"].items()}
    return {k: ids.get(v["Ref"]) or defaults.get(v["Ref"], "") for k, v in given.items()}


def load(name: str) -> ModuleType:
    """Import functions/NAME/app.py afresh, as a Lambda's cold start does."""
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"app_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def use(environment: dict[str, str]) -> None:
    """Make this process's environment a Lambda's."""
    os.environ.update(environment)


# ── policies ──────────────────────────────────────────────────────────────────────────────────


def one_or_more(value: Any) -> list[Any]:
    """Return what a policy may give as one or as a list."""
    return value if isinstance(value, list) else [value]


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy document in a part of the template."""
    if isinstance(value, dict):
        if isinstance(value.get("Statement"), list):
            yield value
        for part in value.values():
            yield from documents(part)
    elif isinstance(value, list):
        for part in value:
            yield from documents(part)


def statements(value: Any) -> list[dict[str, Any]]:
    """Return the statements of every policy document in a part of the template."""
    return [statement for document in documents(value) for statement in document["Statement"]]
