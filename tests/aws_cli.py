"""The AWS CLI as far as the pages' commands need it, on botocore: the CLI itself is not installed.

`python -m tests.aws_cli lambda get-account-settings --query AccountLimit`. Options are converted by the
service's model, as the CLI does it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name


def main(service: str, operation: str, *arguments: str) -> str:
    """Run a command; return what it prints."""
    session = botocore.session.Session()
    if service == "s3":
        return _s3(session.create_client("s3"), operation, arguments[-1])
    client = session.create_client(service)
    if operation == "wait":
        state, *rest = arguments
        waiter = client.get_waiter(state.replace("-", "_"))
        shape = client.meta.service_model.operation_model(waiter.config.operation).input_shape
        waiter.wait(**_members(shape, _options(tuple(rest))[0]))
        return ""
    options, outfile = _options(arguments)
    query, form = (options.pop(name, [""])[0] for name in ("query", "output"))
    names = {xform_name(n, "-"): n for n in client.meta.service_model.operation_names}
    shape = client.meta.service_model.operation_model(names[operation]).input_shape
    reply = getattr(client, operation.replace("-", "_"))(**_members(shape, options))
    reply.pop("ResponseMetadata")
    if outfile:
        Path(outfile[0]).write_bytes(reply.pop("Payload").read())
    found = jmespath.search(query, reply) if query else reply
    return _text(found) if form == "text" else json.dumps(found, default=str)


def _options(arguments: tuple[str, ...]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the options, each with its values, and what is before the first of them."""
    found: dict[str, list[str]] = {}
    values = before = list[str]()
    for argument in arguments:
        if argument.startswith("--"):
            values = found.setdefault(argument.removeprefix("--"), [])
        else:
            values.append(argument)
    return found, before


def _members(shape: Any, options: dict[str, list[str]]) -> dict[str, Any]:
    by_option = {xform_name(name, "-"): name for name in shape.members}
    found = {}
    for option, values in options.items():
        if option.startswith("no-") and option not in by_option:
            found[by_option[option.removeprefix("no-")]] = False
        else:
            name = by_option[option]
            found[name] = _value(shape.members[name], values)
    return found


def _value(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "list":
        return [_value(shape.member, [value]) for value in values]
    (value,) = values
    if value[:1] in ("{", "["):
        return json.loads(value)
    if shape.type_name == "structure":  # the CLI's shorthand
        pairs = (part.split("=", 1) for part in value.split(","))
        return {name: _value(shape.members[name], [text]) for name, text in pairs}
    if shape.type_name in ("integer", "long", "double", "float"):
        return (
            float(value) if "." in value or shape.type_name in ("double", "float") else int(value)
        )
    return value


def _text(found: Any) -> str:
    if isinstance(found, list):
        return "\n".join(_text(f) if isinstance(f, list) else str(f) for f in found)
    return str(found)


def _s3(client: Any, operation: str, url: str) -> str:
    bucket = url.removeprefix("s3://")
    if operation == "rb":
        client.delete_bucket(Bucket=bucket)
    else:
        assert operation == "rm"
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])
    return ""


if __name__ == "__main__":
    sys.stdout.write(f"{main(*sys.argv[1:])}\n")
