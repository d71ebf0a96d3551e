"""Job ids."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.jobs.model import from_time, is_id, new_id, shard_of, time_of

#: Until the year 2527, twelve hexadecimal digits of milliseconds begin with a 0.
INSTANTS = st.integers(0, 2**44 - 1)


@given(INSTANTS, INSTANTS)
def test_ids_sort_by_time(one: int, other: int) -> None:
    earlier, later = sorted((one, other))

    assert earlier == later or new_id(earlier) < new_id(later)


@given(INSTANTS, st.integers(1, 16))
def test_ids_have_the_layout_of_a_uuid_of_version_7(now: int, shards: int) -> None:
    made = uuid.UUID(new_id(now, shards))

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 & (1 << 44) - 1 == now
    assert is_id(str(made))


@given(INSTANTS, st.integers(1, 16))
def test_an_id_contains_its_time(now: int, shards: int) -> None:
    assert time_of(new_id(now, shards)) == now


@given(INSTANTS, st.integers(1, 16))
def test_the_first_digit_is_the_shard(now: int, shards: int) -> None:
    assert int(shard_of(new_id(now, shards)), 16) < shards


def test_all_shards_are_used() -> None:
    used = {shard_of(new_id(0, 16)) for _ in range(1000)}

    assert len(used) == 16


def test_ids_of_one_instant_differ() -> None:
    assert len({new_id(0) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "019ca957-3c00-4abc-8def-0123456789ab",  # version 4
        "019ca957-3c00-7abc-cdef-0123456789ab",  # another variant
        "019CA957-3C00-7ABC-8DEF-0123456789AB",
        "019ca9573c007abc8def0123456789ab",
        "019ca957-3c00-7abc-8def-0123456789ab\n",
        "{019ca957-3c00-7abc-8def-0123456789ab}",
        "019ca957-3c00-7abc-8def-0123456789a#",
    ],
)
def test_what_no_job_can_be_named_is_no_id(text: str) -> None:
    assert not is_id(text)


@given(INSTANTS, st.integers(1, 16))
def test_an_id_has_its_time_and_sorts_by_it(now: int, shards: int) -> None:
    job_id = new_id(now, shards)

    assert time_of(job_id) == now
    assert from_time(job_id[0], now) <= job_id
    assert job_id < from_time(job_id[0], now + 1) or now == (1 << 44) - 1


@pytest.mark.parametrize("instant", [-1, 1 << 44, 1 << 60])
def test_times_that_no_id_has_sort_before_or_after_all(instant: int) -> None:
    bound = from_time("0", instant)

    assert (bound < new_id(1)) == (instant < 0)
    assert bound > new_id((1 << 44) - 2) or instant < 0
