"""Run times of all operations: counted at once, written seldom, read from a cache."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nowlater.aws.table import Item
from nowlater.jobs.run_times import Histogram, Runtimes, bucket
from tests.unit.jobs import NOW

KEY = ("STATS#echo", "STATS")


class Table:
    """Counters, as DynamoDB would keep them."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.writes = self.reads = 0
        #: What happens just before a conditional update; the update itself then finds it done.
        self.first: Callable[[], object] = lambda: None
        self.is_down = False

    def get(self, pk: str, sk: str) -> Item | None:
        self.reads += 1
        return self.items.get((pk, sk))

    def add(self, pk: str, sk: str, counts: Mapping[str, int]) -> Item:
        if self.is_down:
            raise ConnectionError
        self.writes += 1
        item = self.items.setdefault((pk, sk), {})
        for name, count in counts.items():
            item[name] = item.get(name, 0) + count
        return dict(item)

    def update_if(
        self, pk: str, sk: str, changes: Item, arithmetic: Item, condition: str, values: Item
    ) -> Any:
        assert (condition, arithmetic) == ("#runs = :seen", {})
        self.first()
        item = self.items[pk, sk]
        if item["runs"] != values["seen"]:
            return False, item
        item |= changes
        return True, item


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtimes(table: Table, clock: Clock) -> Runtimes:
    return Runtimes(table, clock)  # type: ignore[arg-type]


def stored(table: Table) -> Histogram:
    """Return the histogram of `echo` as a new reader gets it."""
    return Runtimes(table, lambda: NOW).of("echo")  # type: ignore[arg-type]


def test_what_was_counted_is_read_by_others(table: Table, runtimes: Runtimes) -> None:
    for seconds in (1, 1, 2):
        runtimes.count("echo", seconds)
    runtimes.write()

    assert stored(table).counts == {bucket(1): 2, bucket(2): 1}
    assert table.items[KEY]["runs"] == stored(table).runs == 3


def test_each_operation_is_counted_for_itself(table: Table, runtimes: Runtimes) -> None:
    runtimes.count("echo", 1)
    runtimes.count("other", 2)
    runtimes.write()

    assert stored(table).counts == {bucket(1): 1}
    assert table.writes == 2


def test_an_operation_is_written_at_most_once_in_ten_seconds(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    for second in range(31):
        clock.now = NOW + second * 1000
        runtimes.count("echo", 1)
        runtimes.write()

    assert (table.writes, stored(table).runs) == (4, 31)


def test_what_comes_in_between_is_written_the_next_time(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    for seconds in (1, 2):
        runtimes.count("echo", seconds)
        runtimes.write()
    assert stored(table).counts == {bucket(1): 1}
    clock.now += 10_000
    runtimes.write()

    assert stored(table).counts == {bucket(1): 1, bucket(2): 1}


def test_where_nothing_was_counted_nothing_is_written(table: Table, runtimes: Runtimes) -> None:
    runtimes.write()

    assert table.writes == 0


def test_what_the_table_did_not_take_is_kept_for_the_next_time(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    runtimes.count("echo", 1)
    table.is_down = True
    with pytest.raises(ConnectionError):
        runtimes.write()
    table.is_down = False
    clock.now += 10_000
    runtimes.write()

    assert stored(table).counts == {bucket(1): 1}


def test_a_histogram_is_read_once_in_ten_seconds(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    for ms in (0, 9_999, 10_000):
        clock.now = NOW + ms
        runtimes.of("echo")

    assert table.reads == 2


def test_many_runs_are_halved_and_keep_their_shape(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    for seconds, count in ((1, 3000), (10, 1000), (100, 100)):
        for _ in range(count):
            runtimes.count("echo", seconds)
    runtimes.write()

    halved = stored(table)
    assert halved.counts == {bucket(1): 1500, bucket(10): 500, bucket(100): 50}
    assert table.items[KEY]["runs"] == halved.runs == 2050


def test_a_histogram_never_grows_beyond_what_halves_it(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    for _ in range(10):
        for _ in range(1000):
            runtimes.count("echo", 1)
        runtimes.write()
        clock.now += 10_000

        assert table.items[KEY]["runs"] <= 4096
    assert 2048 <= stored(table).runs <= 4096


def test_new_run_times_outweigh_old_ones_in_the_end(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    for seconds in (1, 1, 1, 1, 10, 10, 10, 10):
        for _ in range(1024):
            runtimes.count("echo", seconds)
        runtimes.write()
        clock.now += 10_000

    assert stored(table).quantile_s(0.5) == pytest.approx(10, rel=0.1)


def test_a_halving_that_others_came_before_does_nothing(
    table: Table, runtimes: Runtimes, clock: Clock
) -> None:
    table.first = lambda: table.add(*KEY, {f"b{bucket(5)}": 1, "runs": 1})
    for _ in range(4097):
        runtimes.count("echo", 1)
    runtimes.write()

    assert stored(table).counts == {bucket(1): 4097, bucket(5): 1}
    table.first = lambda: None
    clock.now += 10_000
    runtimes.count("echo", 1)
    runtimes.write()
    assert stored(table).counts == {bucket(1): 2049, bucket(5): 0}
    assert stored(table).runs == table.items[KEY]["runs"]
