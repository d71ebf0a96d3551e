"""A deployed stack: its resources by their logical ids, its outputs, its parameters."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.failure import Failure
from local.state import is_missing


class Stack:
    """A stack as CloudFormation describes it; `endpoint` is the emulator's, None on AWS."""

    def __init__(self, session: boto3.Session, name: str, endpoint: str | None = None) -> None:
        self.name, self.endpoint, self.region = name, endpoint, session.region_name
        self._session: Any = session
        self._cloudformation = self.client("cloudformation")
        try:
            (described,) = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if not is_missing(error):
                raise
            raise Failure(
                f"There is no stack {name} in {session.region_name} in the account of your credentials. "
                "Set its region and profile in stages.toml, or with AWS_REGION= and AWS_PROFILE=."
            ) from error
        self.outputs: dict[str, str] = {
            o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])
        }
        self.parameters: dict[str, str] = {
            p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])
        }
        self.ids = self._read_ids()
        self._names = {physical: logical for logical, physical in self.ids.items()}

    def client(self, service: str) -> Any:
        """Return a boto3 client for the stack's account and region."""
        return self._session.client(service, endpoint_url=self.endpoint)

    def name_of(self, physical_id: str) -> str:
        """Return a resource's logical id, also of one that was created since; else its physical id."""
        if physical_id not in self._names:
            created = {physical: logical for logical, physical in self._read_ids().items()}
            self._names |= {physical_id: physical_id} | created
        return self._names[physical_id]

    def _read_ids(self) -> dict[str, str]:
        # Not describe_stack_resources, which returns only the first hundred.
        pages = self._cloudformation.get_paginator("list_stack_resources")
        return {
            r["LogicalResourceId"]: r["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for r in page["StackResourceSummaries"]
            if "PhysicalResourceId" in r  # a resource that could not be created has none
        }

    def template(self) -> dict[str, Any]:
        """Return the template after SAM's transform."""
        response = self._cloudformation.get_template(StackName=self.name, TemplateStage="Processed")
        body: Any = response["TemplateBody"]
        template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
        return template

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield logical id and properties of each resource of a type, after SAM's transform."""
        for name, resource in self.template()["Resources"].items():
            if resource["Type"] == kind and name in self.ids:
                yield name, resource.get("Properties", {})
