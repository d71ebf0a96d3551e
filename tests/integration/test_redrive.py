"""What `make redrive` has sent again: what was given up, and of that what it is asked for."""

import pytest

from tests import receiver as plays
from tests.integration.callbacks import ended, run_redrive, settled
from tests.integration.world import World
from tests.receiver import Receiver


def states(world: World, *jobs: str) -> list[str]:
    return [str((world.delivery(job) or {})["state"]) for job in jobs]


def test_what_was_given_up_is_sent_again_and_nothing_else(world: World, receiver: Receiver) -> None:
    given_up = ended(world, receiver, plays.gone, plays.ok)
    world.send_webhooks()
    delivered = ended(world, receiver)
    world.send_webhooks()
    run_redrive(world)
    settled(world)

    assert states(world, given_up, delivered) == ["delivered", "delivered"]
    assert [r.headers["webhook-id"] for r in receiver.requests].count(f"{given_up}/succeeded") == 2
    assert receiver.requests[2].body == receiver.requests[0].body


def test_listing_changes_nothing(
    world: World, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ended(world, receiver, plays.gone)
    world.send_webhooks()
    capsys.readouterr()
    run_redrive(world, list=True)
    said = capsys.readouterr()

    assert states(world, job) == ["given-up"]
    assert said.out == f"{job}/succeeded  acme  {receiver.url()}  1 attempts, the last: 410\n"
    assert said.err == "1 delivery is given up.\n"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"owner": "acme"}, 1),
        ({"owner": "other"}, 0),
        ({"host": "here"}, 1),
        ({"host": "hooks.example.com"}, 0),
        ({"owner": "acme", "host": "hooks.example.com"}, 0),
    ],
)
def test_fewer_are_sent_again_by_owner_and_host(
    world: World, receiver: Receiver, asked: dict[str, str], found: int
) -> None:
    job = ended(world, receiver, plays.gone, callback={"url": receiver.url() + "?a=/b"})
    world.send_webhooks()
    here = receiver.url().split("/")[2]
    run_redrive(world, **{k: here if v == "here" else v for k, v in asked.items()})

    assert states(world, job) == [["given-up", "waiting"][found]]


def test_the_host_of_a_url_without_a_path_is_its_host(world: World, receiver: Receiver) -> None:
    here = receiver.url().split("/")[2]
    job = ended(world, receiver, plays.gone, callback={"url": f"http://{here}?a=b"})
    world.send_webhooks()
    run_redrive(world, host=here)

    assert states(world, job) == ["waiting"]


def test_a_delivery_that_cannot_be_read_does_not_stop_the_others(
    world: World, receiver: Receiver
) -> None:
    jobs = [ended(world, receiver, plays.gone) for _ in range(5)]
    while world.send_webhooks()["records"]:
        pass
    world.table.put_item(Item=(world.delivery(jobs[2]) or {}) | {"count": "many"})
    run_redrive(world)

    assert states(world, *jobs) == ["waiting", "waiting", "given-up", "waiting", "waiting"]


def test_a_delivery_that_is_erased_meanwhile_stays_erased(
    world: World, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ended(world, receiver, plays.gone)
    world.send_webhooks()
    capsys.readouterr()
    run_redrive(world, meanwhile=lambda **_: world.call("erase", id=job) and None)
    said = capsys.readouterr()
    settled(world)

    assert states(world, job) == ["erased"]
    assert (said.out, said.err) == ("", "0 deliveries are sent again within a few minutes.\n")
