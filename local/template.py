"""Reads template.yaml; CloudFormation's short forms (`!Ref x`) become long ones (`{"Ref": x}`)."""

from pathlib import Path
from typing import Any

import yaml

from local.failure import Failure


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """The loader in C takes a tenth of the time."""


def _long_form(loader: Any, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        value = value.split(".", 1) if tag == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path: Path = Path("template.yaml")) -> dict[str, Any]:
    """Return a template; raises Failure if the file is missing or is not a template."""
    try:
        loaded: Any = yaml.load(path.read_text(), _Loader)  # noqa: S506  # a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Failure(f"{path} cannot be read: {error}.") from error
    if not isinstance(loaded, dict) or not {"Parameters", "Resources"} <= loaded.keys():
        raise Failure(f"{path} is not a template: it has no Parameters, or no Resources.")
    return loaded
