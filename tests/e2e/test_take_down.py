"""A stack that is taken down, as docs/deploying.md has it: what it keeps, and how that is deleted."""

import re
import shlex
from typing import Any

import botocore.exceptions
import pytest

from local import deploy, emulator
from local.stack import Stack
from tests.e2e.served import ROOT, Served, sam_deploy

pytestmark = pytest.mark.nightly

NAME = "another"


@pytest.fixture(scope="module")
def stack(served: Served) -> Stack:
    """A second stack beside the one that is served, of the same build."""
    parameters = [f"{name}={value}" for name, value in deploy.PARAMETERS.items()]
    sam_deploy(served, served.folder, ".local/build/template.yaml", NAME, *parameters)
    return Stack(emulator.session(), NAME, served.connection()["endpoint"])


def commands() -> tuple[list[str], list[str]]:
    """Return the page's commands: those that delete the stack, and those that delete what it kept."""
    page = (ROOT / "docs/deploying.md").read_text()
    section = page.partition("\n## Remove a stack\n")[2]
    first, second = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return first.splitlines(), second.splitlines()


def run(stack: Stack, line: str, names: dict[str, str]) -> None:
    """Do what a command of the AWS CLI does, which is not installed."""
    _, service, operation, *rest = shlex.split(re.sub(r"\$(\w+)", lambda m: names[m[1]], line))
    client = stack.client(service)
    if (service, operation) == ("s3", "rm"):
        bucket = rest[-1].removeprefix("s3://")
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])
    elif (service, operation) == ("s3", "rb"):
        client.delete_bucket(Bucket=rest[-1].removeprefix("s3://"))
    elif operation == "wait":
        client.get_waiter(rest[0].replace("-", "_")).wait(**given(rest[1:]))
    else:
        getattr(client, operation.replace("-", "_"))(**given(rest))


def given(options: list[str]) -> dict[str, Any]:
    """Return options of the CLI as boto3 has them: `--table-name x`, `--no-deletion-protection-enabled`."""
    found: dict[str, Any] = {}
    for option, value in zip(options, [*options[1:], "--"], strict=True):
        if option.startswith("--"):
            name = camel(option.removeprefix("--").removeprefix("no-"))
            is_flag = value.startswith("--")
            found[name] = not option.startswith("--no-") if is_flag else value
            if name.endswith("InDays"):
                found[name] = int(value)
    return found


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def is_there(stack: Stack, kind: str, name: str) -> bool:
    looks = {
        "Table": lambda: stack.client("dynamodb").describe_table(TableName=name),
        "Bucket": lambda: stack.client("s3").head_bucket(Bucket=name),
        "Queue": lambda: stack.client("sqs").get_queue_attributes(QueueUrl=name),
        "Function": lambda: stack.client("lambda").get_function(FunctionName=name),
    }
    try:
        looks[kind]()
    except botocore.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
            return False
        raise
    return True


def test_a_stack_that_is_deleted_keeps_what_cannot_be_had_again(stack: Stack) -> None:
    ids = dict(stack.ids)
    kept = {"TABLE": ids["Table"], "BUCKET": ids["Bucket"], "SECRET": ids["MasterSecret"]}
    names = kept | {"STACK": NAME}
    stack.client("s3").put_object(Bucket=ids["Bucket"], Key="results/x", Body=b"1")
    (names_first, *delete), forget = commands()

    assert names_first.startswith("TABLE=$(output TableName) BUCKET=$(output BucketName)")
    for line in delete:
        run(stack, line, names)
    assert is_there(stack, "Table", ids["Table"])
    assert is_there(stack, "Bucket", ids["Bucket"])
    assert stack.client("secretsmanager").get_secret_value(SecretId=ids["MasterSecret"])
    assert not is_there(stack, "Queue", ids["OnTimeQueue"])
    assert not is_there(stack, "Function", ids["Work"])
    with pytest.raises(botocore.exceptions.ClientError, match="deletion protection"):
        stack.client("dynamodb").delete_table(TableName=ids["Table"])

    for line in forget:
        run(stack, line, names)
    assert not is_there(stack, "Table", ids["Table"])
    assert not is_there(stack, "Bucket", ids["Bucket"])
    with pytest.raises(botocore.exceptions.ClientError, match="marked for deletion"):
        stack.client("secretsmanager").get_secret_value(SecretId=ids["MasterSecret"])
