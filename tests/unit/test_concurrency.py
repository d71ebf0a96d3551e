"""The account's quota of Lambdas: a warning if it is small, an error only if the stack could not serve."""

import pytest

from local import concurrency
from local.concurrency import Quota
from local.failure import Failure

FRESH, MATURE = Quota(10, 10), Quota(1000, 1000)


def wanted(
    on_time: int = 2, flexible: int = 2, webhooks: int = 2, **reserved: int
) -> dict[str, str]:
    """Return parameters as a stack has them."""
    taking = dict(zip(concurrency.TAKING, (on_time, flexible, webhooks), strict=True))
    reserving = dict.fromkeys(concurrency.RESERVING, 0) | reserved
    return {name: str(value) for name, value in (taking | reserving).items()}


def test_a_mature_account_gets_no_warning() -> None:
    assert concurrency.check(MATURE, {}, wanted(8, 2, 10, SyncConcurrency=100)) == ""


def test_a_fresh_account_takes_small_numbers_with_a_warning() -> None:
    said = concurrency.check(FRESH, {}, wanted())

    assert "busy queues take 6" in said
    assert "leaves 4 for the API" in said
    assert "request-service-quota-increase" in said


@pytest.mark.parametrize("taken", [(5, 2, 2), (8, 2, 10)])
def test_a_stack_whose_workers_leave_nothing_for_the_api_is_refused(
    taken: tuple[int, int, int],
) -> None:
    with pytest.raises(Failure, match="Callers would get 5xx") as raised:
        concurrency.check(FRESH, {}, wanted(*taken))

    assert "OnTimeConcurrency=2 FlexibleConcurrency=2 WebhookConcurrency=2" in str(raised.value)


def test_two_unreserved_for_the_api_are_enough() -> None:
    assert "leaves 2 for the API" in concurrency.check(FRESH, {}, wanted(4, 2, 2))


def test_what_a_deployment_does_not_change_is_warned_of_and_not_refused() -> None:
    deployed = wanted(8, 2, 10)

    assert "leaves 0 for the API" in concurrency.check(FRESH, deployed, deployed)
    with pytest.raises(Failure):
        concurrency.check(FRESH, deployed, deployed | {"OnTimeConcurrency": "9"})


@pytest.mark.parametrize("then", [wanted(7, 2, 10), wanted(9, 2, 8), wanted(8, 2, 9)])
def test_a_change_that_eases_the_quota_is_warned_of_and_not_refused(then: dict[str, str]) -> None:
    assert "leaves 0 for the API" in concurrency.check(FRESH, wanted(8, 2, 10), then)


def test_a_reservation_that_falls_makes_room_for_workers() -> None:
    deployed = wanted(60, 2, 40, SyncConcurrency=10)
    then = wanted(65, 2, 40, SyncConcurrency=4)

    assert "leaves 0 for the API" in concurrency.check(Quota(100, 90), deployed, then)


def test_reservations_that_fall_together_are_not_refused_for_one_that_rises() -> None:
    deployed = wanted(SyncConcurrency=50)
    then = wanted(SyncConcurrency=20, HybridConcurrency=10)

    assert concurrency.check(Quota(1000, 60), deployed, then) == ""


@pytest.mark.parametrize("name", concurrency.RESERVING)
def test_a_fresh_account_can_reserve_nothing(name: str) -> None:
    with pytest.raises(Failure, match=f"{name}=1: AWS would refuse"):
        concurrency.check(FRESH, {}, wanted(**{name: 1}))


@pytest.mark.parametrize(("asked", "fits"), [(900, True), (901, False)])
def test_a_hundred_stay_unreserved(asked: int, fits: bool) -> None:
    if fits:
        assert concurrency.check(MATURE, {}, wanted(SyncConcurrency=asked)) == ""
    else:
        with pytest.raises(Failure, match="100 must stay unreserved, and 99 would"):
            concurrency.check(MATURE, {}, wanted(SyncConcurrency=asked))


def test_what_the_stack_has_reserved_itself_is_not_counted_twice() -> None:
    deployed = wanted(SyncConcurrency=800)
    quota = Quota(1000, 200)

    assert concurrency.check(quota, deployed, wanted(SyncConcurrency=900)) == ""
    assert concurrency.check(quota, deployed, deployed) == ""
    with pytest.raises(Failure, match="others have reserved 0"):
        concurrency.check(quota, deployed, wanted(SyncConcurrency=901))


def test_what_other_stacks_have_reserved_is_not_available() -> None:
    with pytest.raises(Failure, match="others have reserved 850"):
        concurrency.check(Quota(1000, 150), {}, wanted(StatusConcurrency=51))


def test_an_existing_reservation_may_stay_even_without_room_for_it() -> None:
    deployed = wanted(SyncConcurrency=10)

    assert concurrency.check(Quota(1000, 90), deployed, deployed) == ""


def test_the_quota_is_read_from_lambda() -> None:
    class Lambda:
        def get_account_settings(self) -> dict[str, dict[str, int]]:
            limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
            return {"AccountLimit": limit | {"TotalCodeSize": 1}}

    assert concurrency.read(Lambda()) == Quota(1000, 900)
