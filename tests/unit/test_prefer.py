"""The Prefer header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.api.prefer import Prefer, parse_prefer


@pytest.mark.parametrize("header", [None, "", " ", ",", ",,"])
def test_no_preference_is_no_preference(header: str | None) -> None:
    assert parse_prefer(header) == Prefer()


@pytest.mark.parametrize(
    ("header", "prefer"),
    [
        ("wait=5", Prefer(wait_s=5)),
        ("wait=0", Prefer(wait_s=0)),
        ("WAIT=5", Prefer(wait_s=5)),
        ("wait = 5", Prefer(wait_s=5)),
        ('wait="5"', Prefer(wait_s=5)),
        ("wait=5; unit=s", Prefer(wait_s=5)),
        ("respond-async", Prefer(respond_async=True)),
        ("respond-async, wait=10", Prefer(wait_s=10, respond_async=True)),
        ("wait=10,respond-async", Prefer(wait_s=10, respond_async=True)),
        ("handling=strict", Prefer(strict=True)),
        ("Handling=Strict", Prefer(strict=True)),
        ("handling=lenient", Prefer()),
        ("wait=3, handling=strict", Prefer(wait_s=3, strict=True)),
        ('foo; bar="", wait=3', Prefer(wait_s=3)),
        ('foo="a, wait=4", wait=3', Prefer(wait_s=3)),
        ('foo="\\", wait=4", wait=3', Prefer(wait_s=3)),
        ("respond-async, wait=5, wait=9", Prefer(wait_s=5, respond_async=True)),
        ("respond-async; x=y; z, handling=strict", Prefer(respond_async=True, strict=True)),
        ('wait="1\\0"', Prefer(wait_s=10)),
        ('handling="strict"', Prefer(strict=True)),
        ('foo=",", bar=";", wait=3', Prefer(wait_s=3)),
        ('respond-async=""', Prefer(respond_async=True)),
        ("wait=3;", Prefer(wait_s=3)),
        ("wait=3 ; ; a", Prefer(wait_s=3)),
        ("wait\t=\t3\t,\trespond-async", Prefer(wait_s=3, respond_async=True)),
    ],
)
def test_preferences_are_read_as_rfc_7240_writes_them(header: str, prefer: Prefer) -> None:
    assert parse_prefer(header) == prefer


@pytest.mark.parametrize(
    "header",
    ["wait 5", "wait=5 6", "wait==5", '"wait"=5', "=5", 'wait="5', "wait;=5", '"respond-async"', "x y, respond-async z"],
)  # fmt: skip
def test_text_without_the_form_of_a_preference_is_ignored(header: str) -> None:
    assert parse_prefer(header) == Prefer()


def test_only_what_follows_an_open_quote_is_lost_with_it() -> None:
    assert parse_prefer('wait=3, foo="a, respond-async') == Prefer(wait_s=3)


@pytest.mark.parametrize(
    ("header", "at_once"),
    [
        ("respond-async", True),
        ("respond-async, wait=0", True),
        ("wait=0", False),
        ("respond-async, wait=5", False),
        ("wait=5, respond-async", False),
        ("respond-async, wait=x", True),
    ],
)
def test_respond_async_waits_where_a_wait_is_asked_for_too(header: str, at_once: bool) -> None:
    assert parse_prefer(header).is_async_at_once == at_once


def test_the_first_of_two_that_contradict_each_other_counts() -> None:
    assert parse_prefer("wait=5, wait=9").wait_s == 5
    assert not parse_prefer("handling=lenient, handling=strict").strict


@pytest.mark.parametrize("wait", ["", "x", "-1", "1.5", "5s", "٣"])
def test_a_wait_that_is_no_number_of_seconds_is_ignored(wait: str) -> None:
    assert parse_prefer(f"wait={wait}, respond-async") == Prefer(respond_async=True)


@pytest.mark.parametrize("wait", ["999999", "9" * 7, "1" + "0" * 20, "9" * 5000])
def test_a_wait_that_is_too_long_for_every_door_is_a_long_one(wait: str) -> None:
    assert parse_prefer(f"wait={wait}").wait_s == 999_999


@pytest.mark.parametrize("wait", ["0005", "0" * 5000 + "5"])
def test_zeros_before_a_wait_do_not_count(wait: str) -> None:
    assert parse_prefer(f"wait={wait}").wait_s == 5


def test_unknown_preferences_are_ignored() -> None:
    assert parse_prefer("return=minimal, depth-noroot, x=y; z, wait=2") == Prefer(wait_s=2)


@given(st.text(max_size=60) | st.text('wait=5"\\,; respond-async', max_size=60))
def test_no_header_is_too_strange(header: str) -> None:
    assert isinstance(parse_prefer(header), Prefer)
