"""The models have the members that `/openapi.json` describes."""

from typing import Any

import pytest

from described import shapes, webhooks
from nowlater_client import models

SCHEMAS: dict[str, Any] = shapes.response_schemas() | webhooks.schemas()
#: Members that are no field: `JobState.error` and `Job.result()` give them, or Azure's pollers need them.
ELSEWHERE = {"JobState": {"result", "error", "resourceLocation"}, "Operation": {"url"}}
#: Members that only some of the schemas have.
SOMETIMES = {
    "Delivery": {"job", "operation"},
    "RunTimes": {"waiting"},
    "Operation": {"input", "result", "limits", "run_time"},
}
DESCRIBED = {
    "JobState": ["Job"],
    "Progress": ["Progress"],
    "Estimate": ["Estimate"],
    "Operation": ["Operation", "OperationInShort"],
    "Delivery": ["Delivery", "ListedDelivery"],
    "DeliveryAttempt": ["DeliveryAttempt"],
    "Secret": ["Secret"],
}


def is_nullable(schema: dict[str, Any]) -> bool:
    kinds = [part.get("type") for part in schema.get("anyOf", schema.get("oneOf", []))]
    kind = schema.get("type")
    return "null" in kinds or kind == "null" or (isinstance(kind, list) and "null" in kind)


@pytest.mark.parametrize("model", DESCRIBED)
def test_a_model_has_each_described_member_and_no_other(model: str) -> None:
    properties: dict[str, Any] = {}
    for name in DESCRIBED[model]:
        properties |= SCHEMAS[name]["properties"]
    found = models.members(getattr(models, model))

    known = found.keys() | ELSEWHERE.get(model, set())

    assert known == properties.keys()
    for name, kind in found.items():
        if name not in {"doors"} | SOMETIMES.get(model, set()):
            assert kind.endswith("| None") == is_nullable(properties[name]), name


def test_the_statuses_are_the_api_s() -> None:
    assert [*models.Status.__args__] == shapes.STATUSES  # type: ignore[attr-defined]


def test_members_of_later_versions_are_kept() -> None:
    progress = models.Progress({"fraction": None, "message": "m", "new": 1})

    assert progress.raw["new"] == 1


def test_a_model_cannot_be_changed_and_shows_no_secret() -> None:
    secret = models.Secret({"host": "example.com", "secret": "whsec_abc", "previous": []})

    with pytest.raises(AttributeError, match="cannot be set"):
        secret.host = "other"
    assert repr(secret) == "Secret(host='example.com')"
    assert secret == models.Secret(secret.raw) != models.Secret({**secret.raw, "host": "other"})
