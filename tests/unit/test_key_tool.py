"""`make key`: records that cannot be read, and arguments that are wrong."""

import sys
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import key as tool
from local import tools
from nowlater import instants
from nowlater.access import api_keys
from nowlater.aws.table import Table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The table of a stack, which the tool finds."""
    with mock_aws():
        client = boto3.client("dynamodb", "eu-central-1")
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")]
        schema = [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in (("PK", "HASH"), ("SK", "RANGE"))
        ]
        client.create_table(
            TableName="table",
            AttributeDefinitions=attributes,
            KeySchema=schema,
            BillingMode="PAY_PER_REQUEST",
        )
        made = Table("table", client)
        monkeypatch.setattr(tools, "find_table", lambda arguments: made)
        yield made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["key", *arguments])
    return tool.main()


def broken(table: Table) -> str:
    """Make a key whose record cannot be read; return its id."""
    made, _ = api_keys.issue(table, "acme", now=instants.now())
    key = {"PK": f"APIKEY#{made.id}", "SK": "APIKEY"}
    table.delete(*key.values())
    table.put_if(key | {"owner": "acme", "scopes": 7}, "attribute_not_exists(PK)", {})
    return made.id


def test_a_key_that_cannot_be_read_is_listed_as_such_beside_the_others(
    table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, _ = api_keys.issue(table, "acme", now=instants.now())
    bad = broken(table)
    status = run(monkeypatch, "--list")
    shown = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())

    assert status == 0
    assert shown[good.id].startswith("acme  invoke,read,manage")
    assert shown[bad].startswith("cannot be read")


def test_a_key_that_cannot_be_read_is_revoked(
    table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, _ = api_keys.issue(table, "acme", now=instants.now())
    bad = broken(table)
    status = run(monkeypatch, "--revoke", bad)

    assert (status, f"{bad} is revoked" in capsys.readouterr().out) == (0, True)
    assert [key.id for key in api_keys.listed(table)] == [good.id]


def test_another_key_is_revoked_and_rotated_whatever_cannot_be_read(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        broken(table)
    good, _ = api_keys.issue(table, "acme", now=instants.now())

    assert run(monkeypatch, "--rotate", good.id) == 0
    assert run(monkeypatch, "--revoke", good.id) == 0
    assert good.id not in {key.id for key in api_keys.listed(table)}


def test_a_key_that_cannot_be_read_is_not_rotated_and_what_to_do_is_said(
    table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = broken(table)
    status = run(monkeypatch, "--rotate", bad)
    said = capsys.readouterr().err

    assert status == 1
    assert f"REVOKE={bad}" in said
    assert "OWNER=" in said
    assert [key.id for key in api_keys.listed(table)] == [bad]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--owner", "acme", "--days", "x"], "DAYS=x must be a whole number from 1 to 36500."),
        (["--owner", "acme", "--days", "1.5"], "DAYS=1.5 must be a whole number"),
        (["--owner", "acme", "--days=-3"], "DAYS=-3 must be a whole number"),
        (["--owner", "acme", "--days", "0"], "DAYS=0 must be a whole number"),
        (["--rotate", "abc", "--days", "²"], "DAYS=² must be a whole number"),
        ([], "Add one of OWNER=name, LIST=1, ROTATE=id, REVOKE=id to make key."),
        (["--owner", "acme", "--list"], "not OWNER=name and LIST=1."),
    ],
)
def test_a_wrong_argument_is_a_sentence_and_no_usage(
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def not_yet(_: Any) -> None:
        raise AssertionError("the stack is looked for before the arguments are checked")

    monkeypatch.setattr(tools, "find_table", not_yet)
    status = run(monkeypatch, *arguments)
    said = capsys.readouterr().err

    assert status == 1
    assert sentence in said
    assert "usage" not in said
    assert len(said.splitlines()) == 1
