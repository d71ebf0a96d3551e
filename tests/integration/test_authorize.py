"""API keys, as the authorizer takes them."""

import pytest

from nowlater.access import api_keys
from tests.integration.credentials import NOBODY, authorized, table
from tests.integration.world import START, World


def test_a_good_key_is_its_owner_and_its_scopes(world: World) -> None:
    _, token = api_keys.issue(table(world), "a.b@c", now=START, scopes=("invoke", "read"))
    world.calls.clear()
    answer = authorized(world, f"Bearer {token}")

    assert answer == {
        "isAuthorized": True,
        "context": {"owner": "a.b@c", "scopes": "invoke read"},
    }
    assert world.calls == ["dynamodb.GetItem"]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(world: World, scheme: str) -> None:
    _, token = api_keys.issue(table(world), "acme", now=START)

    assert authorized(world, f"{scheme} {token}")["isAuthorized"]


def test_an_incomplete_key_has_no_owner(world: World) -> None:
    one, token = api_keys.issue(table(world), "acme", now=START)
    other, other_token = api_keys.issue(table(world), "other", now=START)
    secret, other_secret = (t.split("_", 2)[2] for t in (token, other_token))
    wrong = [
        f"nl_{one.id}_{other_secret}",
        f"nl_{other.id}_{secret}",
        f"nl_{'0' * 12}_{secret}",
        f"nl_{one.id}_{secret[:-1]}",
        f"nl_{one.id}_{secret}A",
        f"nl_{one.id}_{one.sha256[:43]}",
        f"nl_{one.id.upper()}_{secret.swapcase()}",
        token.removeprefix("nl_"),
    ]

    assert [authorized(world, f"Bearer {w}") for w in wrong] == [NOBODY] * len(wrong)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "nl_0123456789ab_x",
        "Bearer nl_0123456789ab_" + "ä" * 43,
        "Bearer nl_٠١٢٣٤٥٦٧٨٩ab_" + "a" * 43,
        "Bearer " + "x" * 10_000,
        "Bearer nl__",
        "\x00",
    ],
    ids=lambda header: ascii(header)[:30],
)
def test_a_header_that_is_no_key_has_no_owner_and_costs_nothing(world: World, header: str) -> None:
    world.calls.clear()

    assert authorized(world, header) == NOBODY
    assert world.calls == []


def test_a_key_ends_when_it_expires(world: World) -> None:
    _, token = api_keys.issue(table(world), "acme", now=START, expires=START + 60_000)
    world.pass_time(59.999)
    before = authorized(world, f"Bearer {token}")
    world.pass_time(0.001)

    assert before["isAuthorized"]
    assert authorized(world, f"Bearer {token}") == NOBODY


def test_a_revoked_key_has_no_owner(world: World) -> None:
    key, token = api_keys.issue(table(world), "acme", now=START)
    api_keys.revoke(table(world), key.id)

    assert authorized(world, f"Bearer {token}") == NOBODY


def test_a_rotated_key_and_the_one_in_its_place_are_both_good_for_a_while(world: World) -> None:
    old, old_token = api_keys.issue(table(world), "acme", now=START, scopes=("read",))
    new, new_token = api_keys.rotate(table(world), old, now=START, until=START + 60_000)
    both = [authorized(world, f"Bearer {token}") for token in (old_token, new_token)]
    world.pass_time(60)

    assert both == [{"isAuthorized": True, "context": {"owner": "acme", "scopes": "read"}}] * 2
    assert authorized(world, f"Bearer {old_token}") == NOBODY
    assert authorized(world, f"Bearer {new_token}") == both[0]
    assert new.id != old.id
    assert {k.id: k.expires for k in api_keys.listed(table(world))} == {
        old.id: START + 60_000,
        new.id: None,
    }
    assert [i["ttl"] for i in world.items() if "ttl" in i] == [START // 1000 + 60]


def test_the_key_in_the_place_of_another_is_good_for_as_long_as_that_was_made_for(
    world: World,
) -> None:
    old, _ = api_keys.issue(table(world), "acme", now=START, expires=START + 90_000)
    later = START + 50_000
    same, _ = api_keys.rotate(table(world), old, now=later, until=later + 60_000)
    other, _ = api_keys.rotate(
        table(world), old, now=later, until=later + 60_000, expires=later + 7
    )

    assert (same.expires, other.expires) == (later + 90_000, later + 7)


def test_rotating_a_key_does_not_prolong_it(world: World) -> None:
    old, token = api_keys.issue(table(world), "acme", now=START, expires=START + 30_000)
    api_keys.rotate(table(world), old, now=START, until=START + 60_000)
    world.pass_time(30)

    assert authorized(world, f"Bearer {token}") == NOBODY


def test_rotating_a_key_that_was_revoked_meanwhile_does_not_bring_it_back(world: World) -> None:
    old, token = api_keys.issue(table(world), "acme", now=START)
    api_keys.revoke(table(world), old.id)
    new, _ = api_keys.rotate(table(world), old, now=START, until=START + 60_000)

    assert list(api_keys.listed(table(world))) == [new]
    assert authorized(world, f"Bearer {token}") == NOBODY


def test_the_table_does_not_know_the_secret(world: World) -> None:
    key, token = api_keys.issue(table(world), "acme", now=START, expires=START + 60_000)
    (item,) = world.items()

    assert token.rpartition("_")[2] not in str(item)
    assert list(api_keys.listed(table(world))) == [key]
    assert item["ttl"] == START // 1000 + 60


def test_no_key_is_accepted_while_the_table_does_not_answer(world: World) -> None:
    _, token = api_keys.issue(table(world), "acme", now=START)
    world.faults.unreachable("dynamodb.GetItem")

    with pytest.raises(Exception, match="endpoint"):
        authorized(world, f"Bearer {token}")
