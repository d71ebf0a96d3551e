"""Request bodies."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.problems import Problem
from nowlater.request import decoded, envelope, idempotency_key

MOST = 1000


def read(body: str, kind: str | None = "application/json", most: int = MOST) -> Any:
    """Return what a body sent as text says."""
    return decoded(body, False, kind, most)


def refused(name: str, pointer: str | None = None) -> Any:
    """Expect a problem of this name, and that it points there."""

    def check(problem: Problem) -> bool:
        return problem.name == name and problem.members.get("pointer") == pointer

    return pytest.raises(Problem, check=check)


# ── the envelope ──────────────────────────────────────────────────────────────────────────────


def test_an_empty_object_is_a_request_with_no_input_and_no_options() -> None:
    asked = envelope({})

    assert asked.input == {}
    assert (asked.start, asked.deliver, asked.keep, asked.tags) == (None, None, None, {})


def test_an_option_that_is_null_is_not_given() -> None:
    assert envelope({"start": None, "deliver": None, "keep": None}) == envelope({})


def test_all_options_are_read() -> None:
    asked = envelope(
        {
            "input": {"text": "…"},
            "start": {"after": 60},
            "deliver": {"within": 3600, "or": "refuse"},
            "keep": 86400,
            "tags": {"order": "42"},
        }
    )

    assert asked.input == {"text": "…"}
    assert asked.start is not None
    assert asked.start.after == 60
    assert asked.deliver is not None
    assert (asked.deliver.within, asked.deliver.otherwise) == (3600, "refuse")
    assert (asked.keep, asked.tags) == (86400, {"order": "42"})


@pytest.mark.parametrize("body", [None, 1, "text", [], [{}], True])
def test_a_request_is_an_object(body: Any) -> None:
    with refused("malformed-request", ""):
        envelope(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": {}}, "/inputs"),
        ({"Input": {}}, "/Input"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"a`b": 1}, "/a`b"),
        ({"start": {"in": 5}}, "/start/in"),
        ({"deliver": {"otherwise": "refuse"}}, "/deliver/otherwise"),
    ],
)
def test_a_member_that_there_is_not_is_pointed_at(body: Any, pointer: str) -> None:
    with refused("malformed-request", pointer):
        envelope(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"start": 60}, "/start"),
        ({"start": "2026-03-01T12:00:00Z"}, "/start"),
        ({"start": {"after": "60"}}, "/start/after"),
        ({"start": {"after": True}}, "/start/after"),
        ({"start": {"after": -1}}, "/start/after"),
        ({"start": {"at": 1}}, "/start/at"),
        ({"deliver": {"within": None, "or": "maybe"}}, "/deliver/or"),
        ({"keep": "1 day"}, "/keep"),
        ({"keep": 3600.5}, "/keep"),
        ({"keep": True}, "/keep"),
        ({"keep": 3599}, "/keep"),
        ({"keep": 30 * 86400 + 1}, "/keep"),
        ({"tags": ["a"]}, "/tags"),
        ({"tags": None}, "/tags"),
        ({"tags": {"a": 1}}, "/tags"),
    ],
)
def test_an_option_of_the_wrong_form_is_pointed_at(body: Any, pointer: str) -> None:
    with refused("malformed-request", pointer):
        envelope(body)


@pytest.mark.parametrize("keep", [3600, 30 * 86400])
def test_a_job_can_be_kept_from_an_hour_to_thirty_days(keep: int) -> None:
    assert envelope({"keep": keep}).keep == keep


# ── tags ──────────────────────────────────────────────────────────────────────────────────────


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z0-9_-]{1,32}\Z"),
        st.text(min_size=1, max_size=256).filter(str.isprintable),
        max_size=10,
    )
)
def test_tags_are_ten_names_with_printable_values(tags: dict[str, str]) -> None:
    assert envelope({"tags": tags}).tags == tags


def test_eleven_tags_are_too_many() -> None:
    with refused("malformed-request", "/tags"):
        envelope({"tags": {str(n): "x" for n in range(11)}})


@pytest.mark.parametrize("name", ["", "Order", "a b", "a.b", "é", "a" * 33, "٣"])
def test_a_tag_has_a_name_of_small_letters_digits_and_dashes(name: str) -> None:
    with refused("malformed-request", "/tags"):
        envelope({"tags": {name: "x"}})


@pytest.mark.parametrize("value", ["", "x" * 257])
def test_a_tag_has_a_value_of_1_to_256_characters(value: str) -> None:
    with refused("malformed-request", "/tags"):
        envelope({"tags": {"order": value}})


@pytest.mark.parametrize(
    ("name", "value"), [("a", "\n"), ("a", "a\x00"), ("a", "\u2028"), ("a", "\u200b"), ("a\n", "x")]
)
def test_a_tag_is_printable(name: str, value: str) -> None:
    with refused("malformed-request", "/tags/a"):
        envelope({"tags": {name: value}})


# ── the body ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json; charset=utf-8",
        "application/json ;charset=utf-8",
        "application/vnd.api+json",
        "application/cloudevents+json; charset=utf-8",
    ],
)
def test_json_is_taken_under_each_of_its_names(kind: str | None) -> None:
    assert read("{}", kind) == {}


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json2; a",
        "multipart/form-data; boundary=application/json",
    ],
)
def test_other_media_types_are_not_taken(kind: str) -> None:
    with refused("unsupported-media-type"):
        read("{}", kind)


def test_a_body_in_base64_is_decoded() -> None:
    body = base64.b64encode('{"a": "é"}'.encode()).decode()

    assert decoded(body, True, None, MOST) == {"a": "é"}


@pytest.mark.parametrize("body", ["!", "A"])
def test_broken_base64_is_malformed(body: str) -> None:
    with refused("malformed-request"):
        decoded(body, True, None, MOST)


def test_a_body_may_have_as_many_bytes_as_the_door_takes() -> None:
    body = '"' + "é" * 100 + '"'

    assert read(body, most=202) == "é" * 100
    with pytest.raises(Problem) as raised:
        read(body, most=201)
    assert raised.value.name == "too-large"
    assert raised.value.members["uploads"] == "/uploads"


@pytest.mark.parametrize(
    "body",
    ["", " ", "{", "{}{}", "nul", "{'a': 1}", '{"a": 1,}', "[1 2]", "NaN", "[Infinity]", "01", "\ufeff{}", '"\ud800"', '"\\ud800"', '"\t"'],
)  # fmt: skip
def test_what_is_not_json_is_malformed(body: str) -> None:
    with refused("malformed-request"):
        read(body)


def test_bytes_that_are_not_utf_8_are_malformed() -> None:
    with refused("malformed-request"):
        decoded(base64.b64encode(b'"\xff"').decode(), True, None, MOST)


def test_no_body_at_all_is_malformed() -> None:
    with refused("malformed-request"):
        decoded(None, False, None, MOST)


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
def test_what_is_nested_too_deep_is_malformed(opened: str) -> None:
    with pytest.raises(Problem, match="nested too deep") as raised:
        read(opened * 100_000, most=10**6)

    assert raised.value.name == "malformed-request"


def test_of_a_member_that_is_there_twice_the_last_counts() -> None:
    assert read('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.0", 1),
        ("1e2", 100),
        ("-0.0", 0),
        ("9007199254740993", 9007199254740993),
        ("1e22", 10**22),
        ("18446744073709551616", 2**64),
    ],
)
def test_a_number_without_a_fraction_is_an_int_however_it_is_written(
    text: str, number: int
) -> None:
    got = read(text)

    assert got == number
    assert type(got) is int


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(number: float) -> None:
    assert read(json.dumps(number)) == number


@pytest.mark.parametrize("text", ["1e400", "-1e400", '{"a": [1e999999]}', "9" * 5000])
def test_a_number_that_nothing_can_hold_is_malformed(text: str) -> None:
    with refused("malformed-request"):
        read(text, most=10**4)


def test_noncharacters_pass() -> None:
    assert read('"\\ufffe\uffff"') == "\ufffe\uffff"


# ── the idempotency key ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", [None, "a", "x" * 255, 'a "quoted" one', "~ !"])
def test_an_idempotency_key_is_taken_as_it_is(key: str | None) -> None:
    assert idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\n", "a\tb", "\x7f"])
def test_an_idempotency_key_is_1_to_255_printable_ascii_characters(key: str) -> None:
    with refused("malformed-request"):
        idempotency_key(key)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_a_body_may_have_two_hundred_levels(opened: str, closed: str) -> None:
    def nested(levels: int) -> str:
        return opened * levels + "1" + closed * levels

    assert decoded(nested(200), False, None, 10_000)
    with pytest.raises(Problem, match="200 levels"):
        decoded(nested(201), False, None, 10_000)
