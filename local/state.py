"""The state of a stage's stack before a deployment: missing, ready for an update, or not."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.failure import Failure
from local.stages import Stage

#: States in which CloudFormation accepts an update.
_READY = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
}
#: A change set was made and never executed, or the stack was deleted: there is no stack.
_NO_STACK = {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
#: What to do in the other states; {cli}, {of} and {delete} are filled in.
_ADVICE = {
    "CREATE_FAILED": "Its first deployment failed, and it cannot be updated. {delete}",
    "ROLLBACK_COMPLETE": "Its first deployment failed and was rolled back. {delete}",
    "ROLLBACK_FAILED": "Its first deployment failed and could not be rolled back. {delete}",
    "DELETE_FAILED": "Its deletion failed. {delete}",
    "IMPORT_ROLLBACK_FAILED": (
        "An import failed and could not be rolled back. Its events say why:\n"
        "  {cli} describe-stack-events {of}"
    ),
    "UPDATE_FAILED": (
        "An update failed and was not rolled back. Roll it back, and deploy again:\n"
        "  {cli} rollback-stack {of}"
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "An update failed and could not be rolled back. Correct what its events name, continue the "
        "rollback, and deploy again:\n  {cli} describe-stack-events {of}\n"
        "  {cli} continue-update-rollback {of}"
    ),
}
_DELETE = (
    "Its events say why. Delete it, and deploy again:\n  {cli} describe-stack-events {of}\n"
    "  {cli} delete-stack {of}"
)
_BUSY = (
    "CloudFormation is changing it: wait until that is over, and deploy again:\n"
    "  {cli} describe-stacks {of}"
)


@dataclass(frozen=True)
class Present:
    """An existing stack."""

    status: str
    parameters: dict[str, str]
    tags: dict[str, str]


def find(cloudformation: Any, name: str) -> Present | None:
    """Return a stack; None if it does not exist."""
    try:
        (described,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    if described["StackStatus"] in _NO_STACK:
        return None
    return Present(
        described["StackStatus"],
        {p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])},
        # Tags of AWS itself, such as Service Catalog's, cannot be set by others.
        {t["Key"]: t["Value"] for t in described.get("Tags", []) if t["Key"][:4] != "aws:"},
    )


def is_missing(error: ClientError) -> bool:
    """Return whether CloudFormation says that there is no such stack; it has no code for that."""
    fields = error.response["Error"]
    return fields["Code"] == "ValidationError" and "does not exist" in fields["Message"]


def refuse_unready(stage: Stage, present: Present) -> None:
    """Raise Failure, with advice, if CloudFormation would not accept an update."""
    if present.status in _READY:
        return
    cli = "aws cloudformation"
    if stage.profile is not None:
        cli = f"aws --profile {stage.profile} cloudformation"
    of = f"--stack-name {stage.stack} --region {stage.region}"
    delete = _DELETE.format(cli=cli, of=of)
    advice = _ADVICE.get(present.status, _BUSY).format(cli=cli, of=of, delete=delete)
    raise Failure(f"The stack {stage.stack} is {present.status}. {advice}")
