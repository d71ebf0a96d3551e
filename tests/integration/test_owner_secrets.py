"""The owners' secrets: one for each host, changed by their owner, both signing for a day."""

import base64
from typing import Any

import pytest

from tests.integration.callbacks import ended, signature
from tests.integration.world import World
from tests.receiver import Receiver

DAY_S = 86_400


def secret(world: World, host: str = "127.0.0.1", owner: str = "acme") -> Any:
    return world.call("secret", query={"host": host}, owner=owner).json


def signatures(world: World, receiver: Receiver) -> list[str]:
    """Have a job end, and return the signatures of its webhook."""
    ended(world, receiver)
    world.send_webhooks()
    return receiver.requests[-1].headers["webhook-signature"].split(" ")


def test_a_secret_has_the_standard_s_form(world: World) -> None:
    shown = secret(world)
    prefix, _, rest = shown["secret"].partition("_")

    assert prefix == "whsec"
    assert len(base64.b64decode(rest, validate=True)) == 32
    assert shown == {"host": "127.0.0.1", "secret": shown["secret"], "previous": []}


def test_a_secret_stays_the_same_and_differs_for_each_owner_and_host(world: World) -> None:
    seen = [secret(world)["secret"], secret(world, "hooks.example.com")["secret"]]
    seen += [secret(world, owner="other")["secret"]]

    assert secret(world)["secret"] == seen[0]
    assert len(set(seen)) == 3


def test_the_case_of_a_host_does_not_change_its_secret(world: World) -> None:
    assert secret(world, "Hooks.Example.com") == secret(world, "hooks.example.com")


@pytest.mark.parametrize(
    "query", [{}, {"host": ""}, {"host": "https://x.example"}, {"host": "a b"}]
)
def test_a_secret_is_for_a_host(world: World, query: dict[str, str]) -> None:
    answer = world.call("secret", query=query)

    assert (answer.problem, answer.json["parameter"]) == ("malformed-request", "host")


def test_before_a_change_one_secret_signs(world: World, receiver: Receiver) -> None:
    made = signatures(world, receiver)

    assert made == [signature(receiver, secret(world)["secret"])]


def test_after_a_change_both_secrets_sign_for_a_day(world: World, receiver: Receiver) -> None:
    old = secret(world)["secret"]
    answer = world.call("rotate")
    new = secret(world)
    made = signatures(world, receiver)

    assert answer.status == 200
    assert answer.json == {
        "rotated": "2026-11-24T12:00:00.000Z",
        "previous_until": "2026-11-25T12:00:00.000Z",
    }
    assert new["secret"] != old
    assert new["previous"] == [{"secret": old, "until": "2026-11-25T12:00:00.000Z"}]
    assert made == [signature(receiver, s) for s in (new["secret"], old)]


def test_after_a_day_the_old_secret_signs_no_more(world: World, receiver: Receiver) -> None:
    world.call("rotate")
    world.pass_time(DAY_S)
    new = secret(world)
    made = signatures(world, receiver)

    assert new["previous"] == []
    assert made == [signature(receiver, new["secret"])]


def test_after_two_changes_in_a_day_all_three_secrets_sign(
    world: World, receiver: Receiver
) -> None:
    first = secret(world)["secret"]
    world.call("rotate")
    world.pass_time(3600)
    second = secret(world)["secret"]
    world.call("rotate")
    third = secret(world)

    assert [p["secret"] for p in third["previous"]] == [second, first]
    assert len(signatures(world, receiver)) == 3
    world.pass_time(DAY_S - 3600)
    assert [p["secret"] for p in secret(world)["previous"]] == [second]


def test_after_many_changes_few_signatures_are_sent(world: World, receiver: Receiver) -> None:
    for _ in range(20):
        world.call("rotate")

    assert len(signatures(world, receiver)) == 5


def test_a_change_affects_one_owner_only(world: World) -> None:
    other = secret(world, owner="other")
    world.call("rotate")

    assert secret(world, owner="other") == other


def test_a_running_lambda_signs_with_a_new_secret_within_ten_seconds(
    world: World, receiver: Receiver
) -> None:
    signatures(world, receiver)
    world.call("rotate")
    world.pass_time(10)

    assert len(signatures(world, receiver)) == 2


def test_a_change_whose_reply_is_lost_is_one_change(world: World) -> None:
    world.faults.lost_reply("dynamodb.UpdateItem")
    world.call("rotate")

    assert len(secret(world)["previous"]) == 1


def test_the_master_secret_shows_nowhere(world: World, receiver: Receiver) -> None:
    signatures(world, receiver)

    assert "a master secret" not in str(world.items()) + str(secret(world))
