"""The key of `make up`: it stays the same while its record in the table is kept."""

from pathlib import Path

from local.stack import Stack
from nowlater import instants
from nowlater.access import api_keys
from nowlater.aws.table import Table

_OWNER = "acme"


def find_or_issue(home: Path, stack: Stack) -> str:
    """Return the token of the last time, or of a new key if that one was revoked or is unknown."""
    table, file = Table(stack.outputs["TableName"], stack.client("dynamodb")), home / "key"
    if file.exists():
        token = file.read_text().strip()
        if api_keys.find(table, token, instants.now()) is not None:
            return token
    _, token = api_keys.issue(table, _OWNER, now=instants.now())
    file.write_text(token)
    return token
