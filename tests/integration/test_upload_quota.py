"""What an owner may upload a day: a limit that no request passes, and that is shown."""

from typing import Any

import pytest

from tests.integration.lambdas import Reply
from tests.integration.world import START, World

GIB, MIB = 1024**3, 1024**2
LARGEST = 5 * GIB
UPDATE = "dynamodb.UpdateItem"
#: From noon, when each test begins, to midnight.
HALF_A_DAY_S = 43_200


def asked(world: World, size: int = LARGEST, **who: Any) -> Reply:
    return world.call("upload", body={"size": size}, **who)


def allow(world: World, gib: int) -> None:
    world.restart("submit", owner_uploads_gib=gib)


def granted(world: World, owner: str = "acme") -> int:
    """Return the bytes that are counted for an owner today."""
    key = {"PK": f"UPLOADS#{owner}", "SK": "2026-11-24"}
    return int(world.table.get_item(Key=key).get("Item", {}).get("bytes", 0))


def test_of_twenty_of_the_largest_uploads_as_many_as_a_day_allows_are_granted(world: World) -> None:
    replies = [asked(world) for _ in range(20)]
    refused = replies[-1]

    assert [reply.status for reply in replies] == [201] * 10 + [429] * 10
    assert refused.problem == "too-many-uploads"
    assert refused.headers["retry-after"] == str(HALF_A_DAY_S)
    assert refused.headers["ratelimit"] == f'"uploads";r=0;t={HALF_A_DAY_S}'
    policy = '"uploads";q=53687091200;qu="content-bytes";w=86400'
    assert refused.headers["ratelimit-policy"] == policy
    assert "2026-11-25T00:00:00.000Z" in refused.json["detail"]
    assert "url" not in refused.json
    assert granted(world) == 50 * GIB


def test_the_upload_quota_of_other_owners_is_not_affected(world: World) -> None:
    for _ in range(11):
        asked(world)

    assert asked(world).status == 429
    assert asked(world, owner="other").status == 201
    assert world.submit().status == 202


def test_the_upload_quota_starts_again_the_next_day(world: World) -> None:
    for _ in range(10):
        asked(world)
    world.pass_time(HALF_A_DAY_S - 1)
    before = asked(world)
    world.pass_time(1)

    assert (before.status, before.headers["retry-after"]) == (429, "1")
    assert asked(world).status == 201


def test_an_upload_that_still_fits_is_granted_and_the_remaining_quota_is_shown(
    world: World,
) -> None:
    allow(world, 6)
    asked(world)
    refused = asked(world, GIB + 1)

    assert refused.status == 429
    assert refused.headers["ratelimit"].startswith(f'"uploads";r={GIB};')
    assert asked(world, GIB).status == 201
    assert asked(world, 1).status == 429


def test_a_small_upload_counts_as_a_mebibyte_so_that_their_number_is_bounded(world: World) -> None:
    allow(world, 1)
    for _ in range(3):
        asked(world, 1)

    assert granted(world) == 3 * MIB
    world.table.put_item(
        Item={"PK": "UPLOADS#acme", "SK": "2026-11-24", "bytes": GIB - MIB + 1, "last": "x"}
    )
    assert asked(world, 1).status == 429


def test_an_upload_larger_than_a_day_is_refused_for_good(world: World) -> None:
    allow(world, 4)
    refused = asked(world)

    assert (refused.status, refused.problem) == (400, "malformed-request")
    assert refused.json["pointer"] == "/size"
    assert asked(world, 4 * GIB).status == 201


def test_a_refused_request_counts_nothing(world: World) -> None:
    for body in ({"size": 0}, {"size": 6 * GIB}, {"size": 1, "media_type": "x"}, {}):
        assert world.call("upload", body=body).status == 400
    assert world.items() == []


@pytest.mark.parametrize("before", [0, 1])
def test_an_upload_whose_count_was_not_heard_of_is_counted_once(world: World, before: int) -> None:
    for _ in range(before):
        asked(world, GIB)
    world.faults.lost_reply(UPDATE)
    reply = asked(world, GIB)

    assert reply.status == 201
    assert granted(world) == (before + 1) * GIB


def test_two_requests_at_once_do_not_pass_the_bound_together(world: World) -> None:
    allow(world, 9)
    others: list[int] = []
    world.faults.once(UPDATE, lambda request: others.append(asked(world).status))

    assert asked(world).status == 429
    assert others == [201]
    assert granted(world) == LARGEST


def test_an_upload_that_cannot_be_counted_is_not_granted(world: World) -> None:
    world.faults.unreachable(UPDATE)
    refused = asked(world)
    world.faults.clear()

    assert (refused.status, refused.problem) == (503, "try-again")
    assert "url" not in refused.json
    assert asked(world).status == 201


def test_a_quota_of_zero_means_no_quota_and_no_call(world: World) -> None:
    allow(world, 0)

    assert {asked(world).status for _ in range(30)} == {201}
    assert (world.items(), world.calls) == ([], [])


def test_the_count_of_a_day_is_forgotten_when_it_is_over(world: World) -> None:
    asked(world)
    (item,) = world.items()

    assert START // 1000 + HALF_A_DAY_S < item["ttl"] <= START // 1000 + HALF_A_DAY_S + 86_400


def test_a_count_that_cannot_be_read_is_its_owners_alone(world: World) -> None:
    world.table.put_item(
        Item={"PK": "UPLOADS#acme", "SK": "2026-11-24", "bytes": "many", "last": "x"}
    )

    assert asked(world, owner="other").status == 201
    assert asked(world).status in (429, 500, 503)
