"""csv-profile on files that were written in other ways, in wrong ones, or that are no CSV."""

import pytest

from nowlater import Refused
from operations.tests.profiling import profile, types, warned


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_file(delimiter: str) -> None:
    found = profile(f'a{delimiter}b\n"1,5; |\t"{delimiter}2\n'.replace('"1', '"x'))

    assert found.delimiter == delimiter
    assert types(found) == ["string", "integer"]


def test_decimal_commas_do_not_make_the_comma_the_delimiter() -> None:
    assert profile("a;b\n1,5;2,5\n3,5;4,5\n").delimiter == ";"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_the_encoding_is_told_from_the_file(encoding: str) -> None:
    found = profile("Straße,Größe\nÜberweg,1\n".encode(encoding))

    assert found.encoding == encoding
    assert [column.name for column in found.columns] == ["Straße", "Größe"]
    assert found.columns[0].max == "Überweg"
    assert "misencoded-bytes" not in warned(found)


def test_bytes_that_turn_out_not_to_be_utf_8_late_are_read_as_those_of_windows_and_counted() -> (
    None
):
    found = profile(b"a,b\n" + b"x,y\n" * 50_000 + "größer,y\n".encode("cp1252"))

    assert (found.encoding, warned(found)) == ("utf-8", {"misencoded-bytes": 2})
    assert found.columns[0].top[1].value == "größer"


def test_a_first_row_with_a_number_is_no_header() -> None:
    found = profile("x,1\ny,2\n")

    assert (found.header, found.rows) == (False, 2)
    assert [column.name for column in found.columns] == ["column 1", "column 2"]


def test_a_caller_who_knows_better_says_whether_there_is_a_header() -> None:
    assert profile("country,2023,2024\nDE,1,2\n", header=True).rows == 1
    assert profile("x,y\nz,w\n", header=False).rows == 2


def test_rows_of_the_wrong_length_are_reported_and_do_not_shift_columns() -> None:
    found = profile("a,b,c\n1,2,3\n1,2\n\n1,2,3,4\n1,2,3\n")

    assert found.rows == 4
    assert warned(found) == {"short-rows": 1, "long-rows": 1, "blank-lines": 1}
    assert [warning.line for warning in found.warnings] == [3, 5, 4]
    assert [(column.count, column.nulls) for column in found.columns] == [(4, 0), (4, 0), (3, 1)]
    assert found.columns[2].max == 3


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks() -> None:
    found = profile('a,b\r\n"one, ""two""\r\nthree",1\r\n')

    assert found.columns[0].max == 'one, "two"\r\nthree'


@pytest.mark.parametrize("empty", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_a_table_without_columns(empty: bytes) -> None:
    found = profile(empty)

    assert (found.rows, found.columns) == (0, [])


def test_a_header_alone_is_a_table_without_rows() -> None:
    found = profile("a,b\n")

    assert found.rows == 0
    assert types(found) == ["empty", "empty"]
    assert (found.columns[0].min, found.columns[0].top) == (None, [])


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8b\x08rest", "unpack"),
        (b"BZh91AY&SY\xd8", "unpack"),
        (b"PAR1\x15\x04\x15\x20", "Parquet"),
        (b"%PDF-1.7", "PDF"),
        (b'[{"a": 1}]', "JSON"),
        (b'{"a": 1}', "JSON"),
        (b"\n<!DOCTYPE html>", "HTML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "XML"),
        ("<?xml version='1.0'?>".encode("utf-16"), "XML"),
        ('[{"a": 1}]'.encode("utf-16"), "JSON"),
        (b"a,b\n\x00\x01,2\n", "binary"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_to_do_about_it(data: bytes, hint: str) -> None:
    with pytest.raises(Refused, match=hint):
        profile(data)


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(Refused, match="more than 8,388,608 characters"):
        profile(b"a,b\n" + b"x" * 9_000_000)


def test_a_table_of_too_many_columns_is_refused() -> None:
    with pytest.raises(Refused, match="5000 cells"):
        profile("x," * 4999 + "x\n")
