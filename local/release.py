"""The release that `make deploy` deploys: its digest, and the versions of Lambdas that it replaces."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.stack import Stack

#: The template's parameter for it: SAM publishes a version of each Lambda where its value changes.
PARAMETER = "Release"
_BUILD = Path(".aws-sam/build")
#: For this long after a version is replaced, runs that it began may go on.
_LONGEST_RUN = timedelta(hours=1)


def digest(parameters: Mapping[str, str], build: Path = _BUILD) -> str:
    """Return the SHA-256 of a build and the parameters that it is deployed with."""
    others = {name: value for name, value in parameters.items() if name != PARAMETER}
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for path in sorted(p for p in build.rglob("*") if p.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(build)} {content}\n".encode())
    return digest.hexdigest()


def delete_old_versions(stack: Stack) -> int:
    """Delete the versions of the stack's Lambdas that are out of use; return their number.

    What an alias names stays, and the version before it, and what may still run.
    """
    lambdas, deleted = stack.client("lambda"), 0
    for name, alias in stack.of_type("AWS::Lambda::Alias"):
        function = stack.ids[name].removesuffix(f":{alias['Name']}")
        for version in _out_of_use(lambdas, function, alias["Name"]):
            lambdas.delete_function(FunctionName=function, Qualifier=version)
            deleted += 1
    return deleted


def _out_of_use(lambdas: Any, function: str, alias: str) -> list[str]:
    described = lambdas.get_alias(FunctionName=function, Name=alias)
    routing = described.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    used = {described["FunctionVersion"], *routing}
    pages = lambdas.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = [v for page in pages for v in page["Versions"] if v["Version"] != "$LATEST"]
    found.sort(key=lambda version: int(version["Version"]))
    before = datetime.now(UTC) - _LONGEST_RUN
    return [
        version["Version"]
        for version, successor in itertools.pairwise(found[:-1])
        if version["Version"] not in used
        and datetime.fromisoformat(successor["LastModified"]) < before
    ]
