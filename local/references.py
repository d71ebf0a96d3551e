"""Finds references in operations/resources.yaml to what there is not: each is one line, with the nearest name."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

#: What CloudFormation itself gives a value to.
_PSEUDO = frozenset(
    f"AWS::{name}"
    for name in ("AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)  # fmt: skip
#: Resources of these types have attributes of their own, or become several resources.
_OPEN = ("AWS::CloudFormation::", "AWS::Serverless::", "Custom::")
_SERVERLESS = "AWS::Serverless::"
#: The part of a text that `!Sub` replaces; `${!Literally}` stays.
_PLACE = re.compile(r"\$\{\s*+([^!${}\s][^${}\s]*+)\s*+\}")
_REGION = "us-east-1"


class Names:
    """What can be referred to: parameters, and resources with their types."""

    def __init__(self, parameters: set[str], types: Mapping[str, str]) -> None:
        self._parameters, self._types = parameters, types
        self._serverless = tuple(n for n, kind in types.items() if kind.startswith(_SERVERLESS))

    def fault(self, name: str, attribute: str | None) -> str | None:
        """Return what is wrong with a reference to a name, or to an attribute of it."""
        if name in self._types:
            return attribute and self._fault_of_attribute(name, attribute)
        # SAM makes further resources, whose names begin with that of the one in the template.
        if name.startswith(self._serverless):
            return None
        known = {*self._types} if attribute else {*self._types, *self._parameters, *_PSEUDO}
        return None if name in known else f"there is no {name}. {_nearest(name, known)}"

    def _fault_of_attribute(self, name: str, attribute: str) -> str | None:
        kind = self._types[name]
        known = _attributes(kind)
        if not known or attribute in known:
            return None
        return f"{name} ({kind}) has no attribute {attribute}. {_nearest(attribute, known)}"


def find_mistakes(root: yaml.Node, names: Names) -> Iterator[tuple[yaml.Node, str]]:
    """Yield each reference below a node that leads nowhere, with what is wrong with it."""
    for node in _nodes(root):
        for name, attribute in _references(node):
            if fault := names.fault(name, attribute):
                yield node, fault


def _nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _nodes(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _nodes(value)


def _references(node: yaml.Node) -> Iterator[tuple[str, str | None]]:
    """Yield name and attribute of what a function refers to, in its short or its long form."""
    function, value = node.tag, _plain(node)
    if isinstance(value, dict) and "DependsOn" in value:
        after = value["DependsOn"]
        yield from ((name, None) for name in (after if isinstance(after, list) else [after]))
    if isinstance(value, dict) and len(value) == 1:
        ((function, value),) = value.items()
    match function.removeprefix("!").removeprefix("Fn::"), value:
        case "Ref", str(name):
            yield name, None
        case "GetAtt", str(text):
            yield _split(text)
        case "GetAtt", [str(name), str(attribute)]:
            yield name, attribute
        case "Sub", str(text):
            yield from _in_text(text, {})
        case "Sub", [str(text), dict(own)]:
            yield from _in_text(text, own)


def _in_text(text: str, own: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    for place in _PLACE.findall(text):
        if place not in own:
            yield _split(place)


def _split(text: str) -> tuple[str, str | None]:
    name, dot, attribute = text.partition(".")
    return name, attribute if dot else None


def _plain(node: yaml.Node) -> Any:
    """Return a node's value: texts, and lists and dicts of such; None of a function in one."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    return node.value


def _attributes(kind: str) -> list[str]:
    """Return the attributes of a type of resources; [] if they are not known."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # here, as it takes half a second

    if kind.startswith(_OPEN):
        return []
    try:
        return list(PROVIDER_SCHEMA_MANAGER.get_type_getatts(kind, _REGION))
    except Exception:  # of any type: it has no schema of this resource
        return []


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else "Correct the name."
