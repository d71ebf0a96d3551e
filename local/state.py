"""The state of a stage's stack before a deployment: not there, ready, or in the way."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.failure import Failure
from local.stages import Stage

#: States from which CloudFormation takes an update.
_READY = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
}
#: A change set was made and never executed, or the stack was deleted: there is nothing yet.
_NOTHING = {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
#: What to do in the others; {cli}, {of} and {delete} are filled in.
_ADVICE = {
    "CREATE_FAILED": "Its first deployment failed, and nothing of it can be updated. {delete}",
    "ROLLBACK_COMPLETE": "Its first deployment failed and was undone. {delete}",
    "ROLLBACK_FAILED": "Its first deployment failed, and could not be undone. {delete}",
    "DELETE_FAILED": "It was to be deleted, and something could not be. {delete}",
    "IMPORT_ROLLBACK_FAILED": (
        "An import failed, and could not be undone. Its events say why:\n  {cli} describe-stack-events {of}"
    ),
    "UPDATE_FAILED": (
        "An update failed, and was not undone. Undo it, and deploy again:\n  {cli} rollback-stack {of}"
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "An update failed, and could not be undone. Mend what its events name, have it undone, and "
        "deploy again:\n  {cli} describe-stack-events {of}\n  {cli} continue-update-rollback {of}"
    ),
}
_DELETE = (
    "Its events say why. Delete it, and deploy again:\n  {cli} describe-stack-events {of}\n"
    "  {cli} delete-stack {of}"
)
_BUSY = "Something is being done to it: wait until that is over, and deploy again:\n  {cli} describe-stacks {of}"


@dataclass(frozen=True)
class Present:
    """What CloudFormation knows of a stack that is there."""

    status: str
    parameters: dict[str, str]
    tags: dict[str, str]


def look(cloudformation: Any, name: str) -> Present | None:
    """Return what is known of a stack; None where there is none."""
    try:
        (described,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    if described["StackStatus"] in _NOTHING:
        return None
    return Present(
        described["StackStatus"],
        {p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])},
        # Those of AWS itself, such as Service Catalog's, nobody else may set.
        {t["Key"]: t["Value"] for t in described.get("Tags", []) if t["Key"][:4] != "aws:"},
    )


def is_missing(error: ClientError) -> bool:
    """Tell whether CloudFormation answered that there is no such stack; it has no code for that."""
    said = error.response["Error"]
    return said["Code"] == "ValidationError" and "does not exist" in said["Message"]


def refuse_unready(stage: Stage, there: Present) -> None:
    """Raise Failure where CloudFormation would not take an update; it says what to do."""
    if there.status in _READY:
        return
    cli = "aws cloudformation"
    if stage.profile is not None:
        cli = f"aws --profile {stage.profile} cloudformation"
    of = f"--stack-name {stage.stack} --region {stage.region}"
    delete = _DELETE.format(cli=cli, of=of)
    advice = _ADVICE.get(there.status, _BUSY).format(cli=cli, of=of, delete=delete)
    raise Failure(f"The stack {stage.stack} is {there.status}. {advice}")
