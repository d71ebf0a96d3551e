"""csv-profile against what pandas computes, on every CSV that vega_datasets ships, and more."""

import io
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater import Canceled, Document, Refused
from nowlater.testing import RecordingContext
from operations.dialects import BLANKS
from operations.statistics import Statistics
from operations.tables import csv_profile
from operations.tests.profiling import cost, profile, types
from operations.tests.real_data import VEGA, as_pandas_does
from tests.large_csv import large_csv

TYPES = {
    "airports": "string string string string string number number",
    "iowa-electricity": "date string integer",
    "la-riots": "string string integer string string date string string string number number",
    "seattle-temps": "datetime number",
    "seattle-weather": "date number number number number string",
    "sf-temps": "number datetime",
    "stocks": "string date number",
    "us-employment": "date" + 11 * " integer" + 4 * " number" + 8 * " integer",
}


@pytest.mark.parametrize("path", VEGA, ids=lambda path: path.stem)
def test_the_profile_of_a_real_table_is_what_pandas_computes(path: Path) -> None:
    table = pandas.read_csv(path)
    found = profile(path.read_bytes())

    assert found.rows == len(table)
    assert [column.name for column in found.columns] == list(table)
    for column in found.columns:
        as_pandas_does(column, table[column.name])


@pytest.mark.parametrize("path", VEGA, ids=lambda path: path.stem)
def test_the_columns_of_a_real_table_have_the_types_a_reader_would_give_them(path: Path) -> None:
    found = profile(path.read_bytes())

    assert types(found) == TYPES[path.stem].split()


def test_every_real_table_that_the_package_ships_is_tested() -> None:
    assert [path.stem for path in VEGA] == list(TYPES)


def test_a_large_table_is_profiled_exactly() -> None:
    data = large_csv(3_000_000)
    table = pandas.read_csv(io.BytesIO(data))
    found = profile(data)

    assert types(found) == [
        *("integer", "datetime", "string", "string", "number", "integer", "boolean", "string")
    ]
    for column in found.columns[:6] + found.columns[7:]:
        as_pandas_does(column, table[column.name])


CELLS = {
    "integers": st.integers(-(2**53), 2**53),
    "numbers": st.floats(-1e100, 1e100),
    "texts": st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1
    ).filter(lambda text: text.strip(BLANKS) != ""),  # which is missing here, and text to pandas,
}


@given(st.data(), st.lists(st.sampled_from(list(CELLS)), min_size=2, max_size=5))
def test_any_table_that_pandas_writes_is_profiled_as_pandas_would(
    data: st.DataObject, columns: list[str]
) -> None:
    rows = data.draw(st.lists(st.tuples(*(CELLS[c] | st.none() for c in columns)), min_size=1))
    names = [f"{place} {name}" for place, name in enumerate(columns)]
    text = pandas.DataFrame(rows, columns=names, dtype=object).to_csv(index=False)
    table = pandas.read_csv(io.StringIO(text), dtype=object, skip_blank_lines=False)
    found = profile(text, delimiter=",", header=True)

    assert found.rows == len(table)
    for column in found.columns:
        texts = table[column.name].dropna()
        assert (column.count, column.nulls) == (len(texts), len(table) - len(texts))
        if column.type == "string":
            assert column.distinct == texts.nunique()
        if column.type in ("integer", "number"):
            numbers = texts.astype(float)
            assert column.distinct == len({float(text) for text in texts})
            assert (column.min, column.max) == (numbers.min(), numbers.max())


@pytest.mark.parametrize("null", sorted(pandas._libs.parsers.STR_NA_VALUES))
def test_what_pandas_takes_for_missing_is_null(null: str) -> None:
    (number, _) = profile(f"a,b\n1,x\n{null},x\n").columns

    assert (number.type, number.count, number.nulls) == ("integer", 1, 1)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1 -2 +3", "integer"),
        ("1 2.5 1e3", "number"),
        ("9223372036854775807 -9223372036854775808", "integer"),
        ("9223372036854775808 -9223372036854775809", "integer"),
        ("1" * 39, "string"),
        ("true False TRUE", "boolean"),
        ("2024-02-29 2023/12/31", "date"),
        ("2024-02-30", "string"),
        ("2024-02-29T12:30 2024-02-29T12:30:15.25Z 2024-02-29T12:30:00+05:30", "datetime"),
        ("2024-02-29 2024-02-29T12:30", "datetime"),
        ("01/02/2003", "string"),
        ("1 true", "string"),
        ("1_000 ١ 0x10 inf 1e999", "string"),
        ("NA null", "empty"),
    ],
)
def test_a_column_is_of_the_type_that_fits_all_its_values(cells: str, expected: str) -> None:
    (column, _) = profile("a;b\n" + "".join(f"{cell};x\n" for cell in cells.split())).columns

    assert column.type == expected


def test_dates_with_offsets_compare_in_utc() -> None:
    found = profile("at,x\n2024-01-01T23:00:00-05:00,x\n2024-01-02T01:00:00Z,x\n").columns[0]

    assert (found.min, found.max) == ("2024-01-02T01:00:00Z", "2024-01-02T04:00:00Z")


def test_one_odd_value_makes_a_column_text_and_shows_among_its_kinds() -> None:
    (column, _) = profile("a,b\n" + "1,x\n" * 999 + "n. a.,x\n").columns

    assert column.type == "string"
    assert column.kinds == {"integer": 999, "string": 1}
    assert column.mean is None


def test_numbers_that_are_spelled_differently_are_one_value() -> None:
    (column, _) = profile("a,b\n1.0,x\n1,x\n1e0,x\n2,x\n").columns

    assert column.distinct == 2
    assert [(top.value, top.count) for top in column.top] == [(1, 3), (2, 1)]


def test_a_very_long_text_is_cut_in_the_profile_but_not_confused_with_others() -> None:
    (column, _) = profile("a,b\n" + f"{'x' * 999}1,y\n" + f"{'x' * 999}2,y\n").columns

    assert column.distinct == 2
    assert column.max == "x" * 64 + "…"


def test_a_file_is_read_once_and_from_front_to_back() -> None:
    class Source(io.BytesIO):
        sought: list[int] = []  # noqa: RUF012  # one source, one list

        def seek(self, offset: int, whence: int = 0) -> int:
            self.sought.append(offset)
            return super().seek(offset, whence)

    data = large_csv(500_000)
    csv_profile(Document(Source(data), "text/csv", len(data)), RecordingContext())

    assert Source.sought == []


def test_progress_grows_with_the_bytes_read_and_tells_the_rows() -> None:
    run = RecordingContext()
    csv_profile(Document(large_csv(2_000_000), "text/csv"), run)

    fractions = [fraction for fraction, _ in run.reports if fraction is not None]
    assert len(fractions) > 5
    assert fractions == sorted(fractions)
    assert run.reports[0][1].endswith(" rows")


def test_of_long_rows_fewer_are_held_at_a_time() -> None:
    rows = (",".join(["x" * 100_000] * 10) + "\n") * 30
    run = RecordingContext()
    csv_profile(Document(f"{'c,' * 9}c\n{rows}".encode(), "text/csv"), run)

    assert [message for _, message in run.reports[:2]] == ["2 rows", "4 rows"]


def test_a_cancel_ends_it_on_the_way() -> None:
    run = RecordingContext(cancel_after=2)

    with pytest.raises(Canceled):
        csv_profile(Document(large_csv(2_000_000), "text/csv"), run)
    assert len(run.reports) == 2


def test_a_cancel_ends_what_duckdb_is_doing() -> None:
    with Statistics.opened() as statistics:
        statistics.alive = RecordingContext(cancel_after=2).progress
        with pytest.raises(Canceled):
            statistics.run("SELECT sum(a * b) FROM range(10_000_000) t(a), range(10_000_000) u(b)")


def count_much(statistics: Statistics) -> None:
    for part in range(30):
        statistics.add([[f"{part} {n} {'x' * 900}" for n in range(1000)]])


def profile_much(statistics: Statistics) -> None:
    count_much(statistics)
    (found,) = statistics.profiles(["x"], 30_000, top=10)
    assert found.distinct == 30_000


def test_a_table_for_which_memory_and_disk_are_too_small_is_refused() -> None:
    with Statistics.opened() as statistics:
        statistics.run("SET max_temp_directory_size = '1MB'; SET memory_limit = '20MB'")
        with pytest.raises(Refused, match="Send fewer rows or columns"):
            profile_much(statistics)


def fill_the_disk(then: Callable[[], None]) -> None:
    """Count more cells than fit the memory, so that there are files, and do something then."""
    with Statistics.opened() as statistics:
        statistics.run("SET memory_limit = '20MB'")
        count_much(statistics)
        then()
        statistics.run("SET memory_limit = '160MB'")
        (found,) = statistics.profiles(["x"], 30_000, top=10)
        assert found.distinct == 30_000


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def go_on() -> None:
    pass


def elsewhere(then: Callable[[], None]) -> int | None:
    """Fill the disk in another process, and tell how that ended."""
    process = get_context("spawn").Process(target=fill_the_disk, args=[then])
    process.start()
    process.join()
    return process.exitcode


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], set[Path]]:
    """Give a disk of its own; it tells the files on it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return lambda: {path for path in tmp_path.rglob("*") if path.is_file()}


def test_the_files_of_a_run_whose_process_was_killed_are_removed_by_the_next(
    disk: Callable[[], set[Path]],
) -> None:
    assert elsewhere(kill_myself) == -signal.SIGKILL
    left, there = disk(), set[Path]()
    fill_the_disk(lambda: there.update(disk()))

    assert left
    assert there
    assert not left & there
    assert disk() == set()


def test_the_files_of_a_process_that_was_killed_and_had_the_same_number_are_removed(
    disk: Callable[[], set[Path]],
) -> None:
    assert elsewhere(kill_myself) == -signal.SIGKILL
    for left in disk():
        _, _, _, instance, what = left.name.split("_", 4)
        left.rename(left.with_name(f"duckdb_temp_{os.getpid()}_{instance}9999_{what}"))
    assert disk()
    profile("a,b\n1,2\n")

    assert disk() == set()


def test_the_files_of_a_run_that_goes_on_elsewhere_stay(disk: Callable[[], set[Path]]) -> None:
    def meanwhile() -> None:
        before = disk()
        assert elsewhere(go_on) == 0
        assert before
        assert before <= disk()

    fill_the_disk(meanwhile)

    assert disk() == set()


def test_columns_are_summed_up_in_groups_without_a_change() -> None:
    width = 40
    names, row = ",".join(f"c{n}" for n in range(width)), ",".join(["{0}"] * width)
    found = profile(f"{names}\n" + "".join(row.format(n) + "\n" for n in range(9000)))

    assert (
        len({(c.type, c.distinct, c.min, c.max, c.mean, c.quantiles) for c in found.columns}) == 1
    )
    assert [c.name for c in found.columns] == names.split(",")


def test_20_megabytes_take_less_than_300_megabytes_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(large_csv(20_000_000))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        _, megabytes = processes.submit(cost, path).result()

    assert megabytes < 300
