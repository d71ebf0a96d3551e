"""The sketches of csv-profile, and columns too large to be kept: how far off they may be."""

from collections import Counter
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from operations.columns import Column
from operations.sketches import Distinct, Numbers

FRACTIONS = [0.0, 0.01, 0.25, 0.5, 0.9, 1.0]
RUNS = st.lists(st.lists(st.floats(-1e9, 1e9), min_size=1), min_size=1, max_size=5)


def interpolated(numbers: list[float], fraction: float) -> float:
    ordered = sorted(numbers)
    place = fraction * (len(ordered) - 1)
    low, high = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
    return low + (high - low) * (place - int(place))


@given(RUNS)
def test_quantiles_of_numbers_that_came_in_any_parts_are_those_of_all_together(
    runs: list[list[float]],
) -> None:
    numbers = Numbers()
    for run in runs:
        numbers.add(Counter(run).items())
    together = [number for run in runs for number in run]

    expected = [interpolated(together, fraction) for fraction in FRACTIONS]
    assert numbers.quantiles(FRACTIONS) == pytest.approx(expected)
    assert numbers.error == 0


def test_thinned_numbers_take_half_the_memory_and_keep_the_ranks_within_the_error_they_state() -> (
    None
):
    chance = Random(1).random
    numbers = Numbers()
    for _ in range(2):
        numbers.add((chance(), 1 + int(3 * chance())) for _ in range(50_000))
    whole = numbers.bytes
    for _ in range(5):
        numbers.thin()
    numbers.add((chance(), 2) for _ in range(50_000))

    assert numbers.bytes < whole / 10
    assert 0 < numbers.error < 0.02
    for fraction, found in zip(FRACTIONS, numbers.quantiles(FRACTIONS), strict=True):
        assert abs(found - fraction) < numbers.error


@example([[-1], [-2]])  # Python's hash of -1 is that of -2
@given(st.lists(st.lists(st.integers())) | st.lists(st.lists(st.text())))
def test_different_things_are_counted_once_whenever_they_come(parts: list[list[object]]) -> None:
    distinct = Distinct()
    for part in parts:
        distinct.add(part)

    assert distinct.count() == len({thing for part in parts for thing in part})
    assert distinct.error == 0


@pytest.mark.parametrize("spelled", [int, float, str], ids=["integers", "numbers", "texts"])
def test_a_thinned_count_is_within_a_few_of_the_errors_that_it_states(spelled: type) -> None:
    distinct = Distinct()
    for part in range(4):
        distinct.add(spelled(n) for n in range(part * 100_000, (part + 2) * 100_000))
        distinct.thin()

    assert 0 < distinct.error < 0.02
    assert distinct.count() == pytest.approx(500_000, rel=6 * distinct.error)


def test_more_hashes_than_are_looked_at_in_one_go_are_counted_exactly() -> None:
    distinct = Distinct()
    distinct.add(range(700_000))
    distinct.add(range(400_000))

    assert distinct.count() == 700_000


def column(*parts: list[str]) -> Column:
    """Return a column that was shrunk between its parts."""
    made = Column("c")
    for place, part in enumerate(parts):
        if place > 0:
            made.shrink()
        made.add(part)
    return made


def test_a_column_that_was_shrunk_is_still_exact_in_all_but_its_top_counts() -> None:
    numbers = [n % 7_000 for n in range(20_000)] + [42] * 5_000
    cells = [*map(str, numbers), "NA", "", "null"]
    found = column(cells[:9_000], cells[9_000:18_000], cells[18_000:]).profile(top=1)

    assert (found.type, found.count, found.nulls) == ("integer", 25_000, 3)
    assert (found.min, found.max, found.distinct) == (0, 6_999, 7_000)
    assert found.mean == sum(numbers) / len(numbers)
    assert found.quantiles is not None
    assert found.quantiles.p50 == interpolated([float(n) for n in numbers], 0.5)
    assert found.approximate is not None
    assert (found.approximate.distinct, found.approximate.quantiles) == (0, 0)
    assert found.top[0].value == 42
    assert found.top[0].count <= numbers.count(42) <= found.top[0].count + found.approximate.top


def test_a_column_that_turns_out_to_be_text_after_it_was_shrunk_is_all_text() -> None:
    found = column([*map(str, range(5_000))], ["1.0", "x", "17"]).profile(top=0)

    assert (found.type, found.distinct) == ("string", 5_002)
    assert (found.min, found.max) == ("0", "x")


def test_a_number_that_is_spelled_differently_after_a_column_was_shrunk_is_no_other() -> None:
    found = column(["7", "8"], ["7.0", "8e0", "7.5"]).profile(top=0)

    assert (found.type, found.distinct) == ("number", 3)


def test_a_column_can_be_shrunk_to_any_size() -> None:
    made = column([f"{n:06d}" for n in range(100_000)])
    while made.bytes > 50_000:
        made.shrink()
    found = made.profile(top=10)

    assert found.approximate is not None
    assert found.count == 100_000
    assert found.distinct == pytest.approx(100_000, rel=6 * found.approximate.distinct)
    assert found.quantiles is not None
    assert abs(found.quantiles.p50 / 100_000 - 0.5) < found.approximate.quantiles
