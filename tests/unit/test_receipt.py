"""What is kept of a receiver's answer."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.outbound.reply import EXCERPT, excerpt, retry_after_s

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
TEXT = {"content-type": "text/plain"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("999999999", 999_999_999),
        ("Tue, 24 Nov 2026 12:05:00 GMT", 300),
        ("Tuesday, 24-Nov-26 12:05:00 GMT", 300),
        ("Tue Nov 24 12:05:00 2026", 300),
        ("Tue, 24 Nov 2026 14:05:00 +0200", 300),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(value: str, seconds: int) -> None:
    assert retry_after_s(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "soon", "-1", "1.5", "1e3", "٣", "5, 6", "9" * 10, "9" * 5000),
        "Tue, 99 Nov 2026 12:05:00 GMT",
        "Tue, 24 Nov 2026 12:05:00" + " " * 100 + "GMT",
        "Tue, 24 Nov 99999999999 12:05:00 GMT",
    ],
)
def test_a_retry_after_that_is_neither_is_ignored(value: str | None) -> None:
    assert retry_after_s(value, NOW) is None


DATES = st.text("0123456789 ,:+-TueNovGMT", max_size=45)


@given(st.text(max_size=45) | DATES | DATES.map("Tue, 24 Nov ".__add__))
def test_no_retry_after_is_too_strange(value: str) -> None:
    assert (retry_after_s(value, NOW) or 0) >= 0


@pytest.mark.parametrize("status", [200, 202, 299, 400, 404, 410, 429])
@pytest.mark.parametrize(
    "kind",
    ["text/plain", "TEXT/HTML; charset=utf-8", "application/json", "application/problem+json"],
)
def test_a_text_is_kept_of_a_success_or_refusal(status: int, kind: str) -> None:
    assert excerpt(status, {"content-type": kind}, b"no such order") == "no such order"


@pytest.mark.parametrize("status", [301, 304, 500, 503])
def test_no_text_is_kept_of_another_status(status: int) -> None:
    assert excerpt(status, TEXT, b"Traceback") is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "image/png"},
        {"content-type": "application/jsonp"},
        {"content-type": "text"},
        TEXT | {"content-encoding": "gzip"},
    ],
)
def test_no_text_is_kept_of_an_answer_that_is_no_text(headers: dict[str, str]) -> None:
    assert excerpt(200, headers, b"text") is None


def test_a_long_text_is_cut() -> None:
    assert excerpt(200, TEXT, b"x" * 1000) == "x" * EXCERPT


def test_an_empty_text_is_not_kept() -> None:
    assert excerpt(200, TEXT, b"") is None
    assert excerpt(200, TEXT, b" \r\n") is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"two\r\nlines", "two  lines"),
        (b"\x1b[31mred\x00", "[31mred"),
        ("ein Stück, 三".encode(), "ein Stück, 三"),
        ("\u202eevil \ufeff\u2028x".encode(), "evil   x"),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_what_is_kept_is_printable(body: bytes, text: str) -> None:
    assert excerpt(200, TEXT, body) == text


@given(st.binary(max_size=300))
def test_nothing_is_kept_that_is_not_printable(body: bytes) -> None:
    assert (excerpt(200, TEXT, body) or "").isprintable()
