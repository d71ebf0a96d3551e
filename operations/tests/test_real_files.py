"""csv-profile on what real files have: each test is named after what it shows."""

import pytest

from nowlater import Refused
from operations.profiles import ColumnProfile
from operations.tests.profiling import profile, types, warned


def column(text: str | bytes, **options: object) -> ColumnProfile:
    """Return the profile of the only column of a table."""
    (only,) = profile(text, **options).columns
    return only


def cells(*texts: str) -> ColumnProfile:
    return column("\n".join(["x", *texts]) + "\n")


def codes(text: str | bytes, **options: object) -> list[str]:
    return [warning.code for warning in profile(text, **options).warnings]


def test_whole_numbers_beyond_64_bits_are_exact() -> None:
    found = column("id\n18446744073709551615\n18446744073709551614\n")

    assert (found.type, found.distinct) == ("integer", 2)
    assert (found.min, found.max) == (18446744073709551614, 18446744073709551615)


@pytest.mark.parametrize("digits", [17, 20, 25, 38])
def test_consecutive_ids_of_many_digits_are_all_different(digits: int) -> None:
    first = 10 ** (digits - 1)
    found = cells(*(str(first + n) for n in range(200)))

    assert (found.type, found.distinct) == ("integer", 200)
    assert (found.min, found.max) == (first, first + 199)


def test_ids_of_more_digits_than_128_bits_hold_are_text_and_all_different() -> None:
    found = cells("1" * 50 + "1", "1" * 50 + "2")

    assert (found.type, found.distinct) == ("string", 2)


def test_negative_numbers_of_many_digits_are_ordered_by_size() -> None:
    found = cells("-18446744073709551615", "-18446744073709551614", "5")

    assert (found.min, found.max) == (-18446744073709551615, 5)


def test_moments_are_ordered_by_time_and_not_as_text() -> None:
    found = column("t\n2020-01-01T00:00:00Z\n2020-01-01T00:00:00.5Z\n")

    assert (found.min, found.max) == ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z")


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("2020-01-01T00:00:00.25Z", "2020-01-01T00:00:00.5Z"),
        ("2020-01-01T00:00:00.000000001Z", "2020-01-01T00:00:00.000000002Z"),
        ("2020-01-01T01:00:00+02:00", "2020-01-01T00:00:00Z"),
        ("2020-01-01", "2020-01-01T00:00:01"),
        ("2020-01-01T00:00", "2020-01-01 00:00:00.1"),
    ],
)
def test_of_two_moments_the_earlier_is_the_least(early: str, late: str) -> None:
    found = cells(late, early)

    assert (found.type, found.distinct) == ("datetime", 2)
    assert [value.count for value in found.top] == [1, 1]
    assert cells(early).min in (found.min, f"{found.min}"[:10])
    assert found.min == found.top[0].value


def test_the_same_moment_written_in_other_ways_is_one_value() -> None:
    found = cells(
        "2020-01-01T10:00:00.50Z", "2020-01-01 10:00:00.5 Z", "2020-01-01T11:00:00,5+01:00"
    )

    assert (found.type, found.distinct) == ("datetime", 1)


def test_a_moment_outside_the_years_of_iso_8601_is_text() -> None:
    assert cells("9999-12-31T23:59:59-01:00").type == "string"
    assert cells("0000-01-01T00:00:00+01:00").type == "string"


def test_a_number_that_is_not_whole_makes_the_column_one_of_floats() -> None:
    found = cells("1.5", "18446744073709551615", "18446744073709551614", "1e23", "1" + "0" * 23)

    assert (found.type, found.distinct) == ("number", 3)
    assert [value.count for value in found.top] == [2, 2, 1]


@pytest.mark.parametrize("number", [0.1, 0.7, 1.7976931348623157e308, -1.7e308, 1e-300])
def test_the_mean_of_one_number_is_that_number(number: float) -> None:
    assert cells(*[repr(number)] * 3).mean == number


def test_the_largest_floats_are_numbers_with_finite_figures() -> None:
    found = cells("1.7976931348623157e308", "-1.7976931348623157e308", "1")

    assert found.type == "number"
    assert found.mean == pytest.approx(1 / 3, abs=1e292)
    assert found.quantiles is not None
    assert (found.quantiles.p50, found.quantiles.p99) == (1, pytest.approx(1.76e308, rel=0.01))


def test_zero_and_minus_zero_are_one_value() -> None:
    found = cells("0.0", "-0.0", "-0", "0")

    assert (found.distinct, found.min) == (1, 0)


def test_a_delimiter_in_every_cell_does_not_beat_the_one_that_makes_numbers() -> None:
    found = profile("1,a|b|c\n2,d|e|f\n3,g|h|i\n")

    assert (found.delimiter, found.rows, len(found.columns), found.header) == (",", 3, 2, False)


DELIMITERS = {
    "dates with commas": (";", "date;n;s\nJan 5, 2024;10;paid;\nJan 6, 2024;11;open\n"),
    "decimal commas without a header": (";", "1,5;2,5\n3,5;4,5\n"),
    "decimal commas with a header": (";", "lat;lon\n52,5;13,4\n48,1;11,5\n"),
    "lists in cells": (",", "id,tags\n1,a|b|c\n2,d|e\n3,f|g|h\n"),
    "names with commas": ("|", "last, first|age\nLovelace, Ada|36\nHopper, Grace|85\n"),
    "tabs and commas": ("\t", "a\tb, c\n1\t2, 3\n4\t5, 6\n"),
    "thousands": (";", "v;w\n1,234;5\n2,345;6\n"),
    "JSON in cells": (";", 'id;j\n1;{"a":1,"b":2}\n2;{"a":3,"b":4}\n'),
    "times": (";", "at;v\n10:15:00;1\n10:16:00;2\n"),
    "names without numbers": (";", "Lovelace, Ada;London\nHopper, Grace;New York\n"),
    "semicolons in text": (",", 'id,text\n1,"a; b"\n2,"c; d; e"\n'),
    "empty cells": (",", "a,b,c\n,,\n1,,3\n"),
    "a header alone": (";", "a;b\n"),
    "the statement of a bank": (";", "01.02.2024;1.234,56\n02.02.2024;99,00\n"),
    "decimal commas among names": (";", "x;y;1,5\ny;z;2,5\n"),
    "a log": (";", "2020-01-01 10:00:00,123;INFO;a\n2020-01-01 10:00:01,456;WARN;b\n"),
    "millions": (";", "1,234,567;2\n3,456,789;4\n"),
    "blank lines above": (";", "\n" * 200 + "a;b\n1;2\n"),
    "a first cell of many lines": (";", '"' + "x\n" * 200 + '";b\n1;2\n'),
}


@pytest.mark.parametrize(
    "text",
    [
        "1,5;2,5\n3,5;4,5\n",
        "a;1,5\nb;2,5\n",
        "12,5;x\n13;y\n",
        "01.02.2024,x\n02.02.2024,y\n",
        "10:00,x\n11:00,y\n",
        "$1.00,x\n$2.00,y\n",
        "50%;60%\n1%;2%\n",
        "\ufeff1\n2\n",
    ],
)
def test_a_first_row_with_digits_alone_in_a_cell_is_no_header(text: str) -> None:
    found = profile(text)

    assert (found.header, found.rows) == (False, 2)


@pytest.mark.parametrize("text", ["#,name\n1,x\n", ",a\n0,1\n", "Q1,Q2\n1,2\n", "a1,_\n1,2\n"])
def test_a_first_row_of_names_is_a_header(text: str) -> None:
    assert profile(text).header


@pytest.mark.parametrize("name", DELIMITERS)
def test_the_delimiter_is_found_in_spite_of(name: str) -> None:
    delimiter, text = DELIMITERS[name]

    assert profile(text).delimiter == delimiter


ONE_COLUMN = {
    "decimal commas": "x\n1,5\n2,5\n3,5\n",
    "prose": "text\nHello, world\nThis is, well, fine\nNo commas\n",
    "quoted dates": 'when\n"Jan 5, 2024"\n"Jan 6, 2024"\n',
    "names": "name\nAda\nGrace\n",
    "addresses": "mail\na@b.c\nd@e.f\n",
    "URLs": "url\nhttp://a/b?x=1\nhttp://c/d?y=2\n",
}


@pytest.mark.parametrize("name", ONE_COLUMN)
def test_a_file_whose_first_row_is_one_cell_is_one_column_of(name: str) -> None:
    found = profile(ONE_COLUMN[name])

    assert (found.delimiter, len(found.columns)) == (None, 1)
    assert found.columns[0].distinct == found.rows
    assert not {"short-rows", "long-rows"} & {*warned(found)}


def test_a_title_above_a_table_is_warned_of() -> None:
    found = profile("Report of 2024\na;b\n1;2\n3;4\n")

    assert [warning.code for warning in found.warnings] == ["one-column"]
    assert "';'" in found.warnings[0].message


@pytest.mark.parametrize(
    "text",
    [
        'a,"b\n1,2\n3,4\n',
        'name,n\nx,1\n"y,2\nz,3\n',
        'a;b\n1;"2\n',
        'a,b\n1,"x ""y"" z\n',
        '"',
        "a,b\n1,2\n" + '"' + "1,2\n" * 50_000,
    ],
)
def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_line(text: str) -> None:
    line = next(n for n, line in enumerate(text.split("\n"), 1) if '"' in line)

    with pytest.raises(Refused, match=rf"begins in line {line} .*quotation mark"):
        profile(text)


def test_text_after_a_closing_quotation_mark_is_kept_and_warned_of() -> None:
    found = profile('a,b\n"x"y,1\n"z",2\n')

    assert [value.value for value in found.columns[0].top] == ["xy", "z"]
    assert (found.rows, warned(found)) == (2, {"stray-quotes": 1})


def test_a_quotation_mark_closed_by_that_of_a_later_row_is_warned_of() -> None:
    assert "stray-quotes" in codes('name,n\n"x,1\ny,2\n"z",3\n')


def test_a_quotation_mark_within_a_cell_is_text() -> None:
    found = profile('size,n\n6" pipe,1\n8" pipe,2\n')

    assert found.columns[0].max == '8" pipe'
    assert found.warnings == []


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("length", [140_000, 1_000_000])
def test_a_cell_of_many_characters_is_profiled(length: int, quoted: bool) -> None:
    cell = "x" * length
    found = profile(f'a,b\n"{cell}",1\n' if quoted else f"a,b\n{cell},1\n{cell}y,2\n")

    assert found.columns[0].distinct == found.rows
    assert found.columns[0].max == "x" * 64 + "…"


@pytest.mark.parametrize(
    "cell",
    ["1." + "0" * 63, " " * 100 + "1", "0" * 70 + "1", "\t1\t", "1e0", "+1", "1" + " " * 5000],
)
def test_a_number_is_one_however_it_is_padded(cell: str) -> None:
    found = cells(cell, "2")

    assert found.type in ("integer", "number")
    assert (found.min, found.max, found.distinct) == (1, 2, 2)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("PAR1,PAR2\n1,2\n", ["PAR1", "PAR2"]),
        ("BZhours;x\n1;2\n", ["BZhours", "x"]),
        ("BZh1;x\n1;2\n", ["BZh1", "x"]),
        ("PK,x\n1,2\n", ["PK", "x"]),
        ("%PDF,x\n1,2\n", ["%PDF", "x"]),
        ("[id],[name]\n1,2\n", ["[id]", "[name]"]),
        ("{id},{name}\n1,2\n", ["{id}", "{name}"]),
        ("<low,>high\n1,2\n", ["<low", ">high"]),
        ("html,xml\n1,2\n", ["html", "xml"]),
        ("(µ/ý,x\n1,2\n", ["(µ/ý", "x"]),
    ],
)
def test_a_header_that_begins_like_another_format_is_that_of_a_csv(
    text: str, names: list[str]
) -> None:
    found = profile(text)

    assert [column.name for column in found.columns] == names
    assert found.rows == 1


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;\r"])
def test_the_line_that_tells_excel_the_delimiter_is_no_row(line: str) -> None:
    found = profile(f"{line}\na;b;c\n1;2;3\n")

    assert (found.delimiter, found.rows) == (";", 1)
    assert [column.name for column in found.columns] == ["a", "b", "c"]
    assert types(found) == ["integer"] * 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Sep=9,Oct=10\n1,2\n", ["Sep=9", "Oct=10"]),
        ("sep=mm,x\n1,2\n", ["sep=mm", "x"]),
        ('"sep=,x",b\n1,2\n', ["sep=,x", "b"]),
        ("sep=a\n1\n", ["sep=a"]),
    ],
)
def test_a_name_that_begins_like_that_line_is_a_name(text: str, names: list[str]) -> None:
    assert [column.name for column in profile(text).columns] == names


def test_that_line_may_be_filled_up_with_delimiters() -> None:
    assert profile("sep=;;;\na;b;c\n1;2;3\n").rows == 1


@pytest.mark.parametrize("separator", ["^", "~", ":", "\t", ","])
def test_the_line_that_tells_excel_the_delimiter_may_tell_any(separator: str) -> None:
    found = profile(f"sep={separator}\na{separator}b\n1{separator}2\n")

    assert (found.delimiter, types(found)) == (separator, ["integer", "integer"])


def test_a_file_with_a_utf_8_mark_is_utf_8_in_spite_of_a_wrong_byte() -> None:
    found = profile(b"\xef\xbb\xbfa,b\n\xe9,1\n")

    assert (found.encoding, warned(found)) == ("utf-8-sig", {"misencoded-bytes": 1})
    assert found.columns[0].name == "a"


def test_a_file_that_is_no_utf_8_says_how_it_was_decoded() -> None:
    found = profile("größe,n\nübel,1\n".encode("cp1252"))

    assert found.encoding == "cp1252"
    assert [warning.code for warning in found.warnings] == ["decoded-as"]


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("shift_jis", "日本"),
        ("cp1251", "Москва"),
        ("iso-8859-2", "Łódź"),
        ("gb18030", "北京"),
        ("utf-16-le", "Łódź"),
    ],
)
def test_a_caller_who_knows_the_encoding_names_it(encoding: str, word: str) -> None:
    found = profile(f"city,n\n{word},1\n".encode(encoding), encoding=encoding)

    assert found.columns[0].max == word
    assert found.warnings == []


@pytest.mark.parametrize("named", ["utf-8", "utf-8-sig", None])
def test_a_mark_is_no_part_of_the_first_name_whatever_encoding_is_named(named: str | None) -> None:
    found = profile(b"\xef\xbb\xbfsep=;\na;b\n1;2\n", encoding=named)

    assert [column.name for column in found.columns] == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16"),
        ("utf-32-le", "utf-32"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32-be"),
    ],
)
def test_a_mark_may_be_missing_where_the_encoding_is_named(written: str, named: str) -> None:
    found = profile("a,b\n1,ü\n".encode(written), encoding=named)

    assert (found.columns[0].name, found.columns[1].max) == ("a", "ü")


def test_one_wrong_byte_does_not_make_a_utf_8_file_another() -> None:
    found = profile("größe,n\n".encode() * 200 + b"x\xe9,1\n")

    assert (found.encoding, warned(found)) == ("utf-8", {"misencoded-bytes": 1})
    assert found.columns[0].name == "größe"


@pytest.mark.parametrize(
    "text",
    [
        "[1,2]\n[3,4]\n",
        '["a","b"]\n[1,2]\n',
        '{"a": 1}\n{"a": 2}\n',
        '[\n  {"a": 1},\n  {"a": 2}\n]\n',
        "[" * 50_000,
        "[" + '{"a": 1},\n' * 20_000,
    ],
    ids=["rows", "texts", "objects", "indented", "brackets", "long"],
)
def test_json_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="JSON"):
        profile(text)


@pytest.mark.parametrize("text", ["[[id]],x\n1,2\n", '{"a":1},b\n1,2\n', "[a],[b]\n1,2\n"])
def test_a_name_in_brackets_is_no_json(text: str) -> None:
    assert len(profile(text).columns) == 2


def test_a_nul_after_the_sample_is_refused() -> None:
    with pytest.raises(Refused, match="NUL"):
        profile("a,b\n" + "x,1\n" * 20_000 + "\0" * 1000)


DECIMAL_COMMAS = {
    "all": ("1,5\n-2,25\n\n", True),
    "whole numbers too": ("1,5\n2\nNA\n", True),
    "a text too": ("1,5\n-2,25\nx\n", False),
    "a number with a point too": ("1,5\n2.5\n", False),
    "two commas": ("1,5,5\n", False),
    "whole numbers alone": ("15\n2\n", False),
    "long ids": ("1" * 39 + "\n", False),
    "nothing": ("NA\n", False),
}


@pytest.mark.parametrize("name", DECIMAL_COMMAS)
def test_numbers_with_a_decimal_comma_are_warned_of(name: str) -> None:
    text, is_warned = DECIMAL_COMMAS[name]
    found = profile("price\n" + text, header=True)

    assert ("decimal-comma" in codes("price\n" + text, header=True)) == is_warned
    assert [w.message for w in found.warnings if "price" in w.message] == (
        ["Columns with numbers like 1,5, which are text here: price."] if is_warned else []
    )


def test_of_many_columns_with_decimal_commas_some_are_named() -> None:
    (warning,) = profile(";".join("abcdefg") + "\n" + ";".join(["1,5"] * 7) + "\n").warnings

    assert warning.count == 7
    assert warning.message.endswith(": a, b, c, d, e, ….")


def test_a_separator_of_ascii_is_text() -> None:
    assert cells("a\x1fb", "1\x1f2").distinct == 2


def test_a_quoted_nothing_alone_in_its_row_is_a_missing_value() -> None:
    found = profile('x\n1\n""\n3\n')

    assert (found.rows, found.columns[0].nulls, warned(found)) == (3, 1, {})


@pytest.mark.parametrize(
    "cell",
    [
        "2020-01-01 10:00:00+00",
        "2020-01-01 10:00:00 UTC",
        "2020-01-01T10:00:00.5 Z",
        "2020-01-01 10:00:00.5 Z",
        "2020-01-01t10:00:00z",
        "2020/01/01 10:00",
        "2020-01-01 10:00:00,123",
        "2020-01-01T10:00:00 +0530",
        "2020-01-01T10:00:00-05:00",
        "2020-01-01T10:00:00.123456789Z",
    ],
)
def test_a_date_and_time_is_one_in_every_usual_spelling(cell: str) -> None:
    assert cells(cell).type == "datetime"


@pytest.mark.parametrize(
    "cell",
    [
        "2020-01-01T25:00:00Z",
        "2020-02-30T10:00",
        "2020-01-01T10:00:00+99:00",
        "2020-01-01T10",
        "10:00",
    ],
)
def test_what_is_no_date_and_time_is_text(cell: str) -> None:
    assert cells(cell).type == "string"


@pytest.mark.parametrize(
    "cell",
    [
        "Jan 5, 2024",
        "Jan. 5, 2024",
        "Jan 5,2024",
        "January 5 2024",
        "5 Jan 2024",
        "05-Feb-2024",
        "5 MARCH, 2024",
        "may 1, 1999",
    ],
)
def test_a_date_with_the_name_of_its_month_is_one(cell: str) -> None:
    found = column(f'x\n"{cell}"\n')

    assert found.type == "date"
    assert isinstance(found.min, str)
    assert len(found.min) == len("2024-01-05")


@pytest.mark.parametrize("blank", ["   ", "\t", "", " \t ", "\u00a0", "\u3000"])
def test_a_line_of_blanks_is_no_row(blank: str) -> None:
    found = profile(f"a,b\n1,2\n{blank}\n3,4\n")

    assert (found.rows, warned(found)) == (2, {"blank-lines": 1})
    assert types(found) == ["integer", "integer"]


def test_a_cell_of_blanks_is_missing() -> None:
    found = profile("a,b\n1,x\n  ,y\n3, \n")

    assert types(found) == ["integer", "string"]
    assert [column.nulls for column in found.columns] == [1, 1]


def test_a_cell_of_no_break_blanks_is_missing() -> None:
    assert types(profile("a,b\n\u00a0,x\n\u00a02,y\n")) == ["integer", "string"]


def test_a_missing_value_may_be_padded() -> None:
    assert cells("1", " NA ", "3").type == "integer"


HOSTILE = {
    "digits in a header": "1" * 1_000_000 + "x\n1\n",
    "digits in a cell": "x\n" + "1" * 1_000_000 + "\n",
    "digits and a letter": "x\n" + "1" * 1_000_000 + "x\n",
    "blanks": "x\n" + " " * 1_000_000 + "1\n",
    "fraction": "x\n1." + "0" * 1_000_000 + "x\n",
    "quotation marks": 'x\n"' + '""' * 500_000 + '"\n',
    "delimiters": "," * 4000 + "\n" + "," * 996_000 + "\n",
    "line breaks": "a,b\n" + "\n" * 1_000_000,
    "a date that never comes": "x\n" + "2020-01-01T10:00:00." + "1" * 1_000_000 + "\n",
    "one character a row": "x\n" + "1\n" * 500_000,
    "months": "x\n" + "Jan " * 250_000 + "\n",
    "blanks before a bracket": " " * 1_000_000 + "[",
    "stray quotes": "a\n" + '"x"y\n' * 200_000,
    "ragged rows": "a,b\n" + "1\n1,2,3\n" * 120_000,
    "short rows": "a" + ",a" * 4095 + "\n" + "1\n" * 500_000,
    "short rows and a long one": "a"
    + ",a" * 4095
    + "\n"
    + ("1\n" * 90_000 + "," * 4095 + "\n") * 5,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_anything_is_profiled(name: str) -> None:
    found = profile(HOSTILE[name])

    assert found.columns
    assert all(len(column.name) <= 1000 for column in found.columns)
