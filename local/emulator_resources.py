"""Creates a stack's resources in the emulator: loads what they held, and replaces unknown types.

Runs in the emulator's environment.
"""

from functools import partial
from typing import Any

from ministack.services.cloudformation import changesets, provisioners, stacks

from local.journal import Journal

_provision = provisioners._provision_resource

#: The resources that the emulator cannot create, as `Name (type)`, by their physical ids.
not_emulated: dict[str, str] = {}


def apply(journal: Journal) -> None:
    """Have CloudFormation use this module."""
    handlers = Handlers(provisioners._RESOURCE_HANDLERS)
    provisioners._RESOURCE_HANDLERS = changesets._RESOURCE_HANDLERS = handlers

    def provision(kind: str, logical_id: str, properties: Any, stack: str) -> Any:
        if kind == "AWS::S3::Bucket":  # otherwise its name differs in each emulator
            provisioners._NAME_SEED.set(provisioners._NAME_SEED.get() or "kept")
        created = _provision(kind, logical_id, properties, stack)
        journal.load(kind, created[0])
        return created

    provisioners._provision_resource = stacks._provision_resource = provision


class Handlers(dict[str, Any]):
    """The emulator's handlers by type; a type of AWS without one has a stand-in that creates nothing."""

    def get(self, kind: str, default: Any = None) -> Any:
        if kind in dict.keys(self) or not self._has_stand_in(kind):
            return dict.get(self, kind, default)
        return {
            "create": partial(_create, kind),
            "update": lambda physical_id, *_: (physical_id, Attributes(physical_id)),
            "delete": lambda physical_id, _: not_emulated.pop(physical_id, None),
        }

    def __contains__(self, kind: object) -> bool:
        return kind in dict.keys(self) or self._has_stand_in(str(kind))

    def __getitem__(self, kind: str) -> Any:
        return self.get(kind)

    def _has_stand_in(self, kind: str) -> bool:
        return kind.startswith("AWS::") and not kind.startswith("AWS::CloudFormation::")


class Attributes(dict[str, str]):
    """The attributes of a stand-in: it has each one, made up."""

    def __init__(self, physical_id: str) -> None:
        super().__init__(Id=physical_id)  # an empty one would be taken for none
        self._id = physical_id

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        is_arn = name.endswith("Arn")
        return f"arn:aws:none:us-east-1:000000000000:{self._id}" if is_arn else self._id


def _create(kind: str, logical_id: str, _properties: Any, stack: str) -> tuple[str, Attributes]:
    physical_id = f"{stack}-{logical_id}"
    not_emulated[physical_id] = f"{logical_id} ({kind})"
    return physical_id, Attributes(physical_id)
