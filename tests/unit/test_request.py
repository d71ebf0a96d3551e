"""Request bodies."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.doors.envelope import decode_json, parse_envelope, parse_idempotency_key
from nowlater.problems import Problem

MOST = 1000


def read(body: str, kind: str | None = "application/json", most: int = MOST) -> Any:
    """Return what a body sent as text says."""
    return decode_json(body, is_base64=False, content_type=kind, max_bytes=most)


def refused(name: str, pointer: str | None = None) -> Any:
    """Expect a problem of this name, with this pointer."""

    def check(problem: Problem) -> bool:
        return problem.name == name and problem.members.get("pointer") == pointer

    return pytest.raises(Problem, check=check)


# ── the envelope ──────────────────────────────────────────────────────────────────────────────


def test_an_empty_object_is_a_request_with_no_input_and_no_options() -> None:
    asked = parse_envelope({})

    assert asked.input == {}
    assert (asked.start, asked.deadline, asked.retention, asked.tags) == (None, None, None, {})


def test_an_option_that_is_null_is_not_given() -> None:
    assert parse_envelope({"start": None, "deadline": None, "retention": None}) == parse_envelope(
        {}
    )


def test_all_options_are_read() -> None:
    asked = parse_envelope(
        {
            "input": {"text": "…"},
            "start": {"after": 60},
            "deadline": {"within": 3600, "or": "refuse"},
            "retention": 86400,
            "tags": {"order": "42"},
        }
    )

    assert asked.input == {"text": "…"}
    assert asked.start is not None
    assert asked.start.after == 60
    assert asked.deadline is not None
    assert (asked.deadline.within, asked.deadline.otherwise) == (3600, "refuse")
    assert (asked.retention, asked.tags) == (86400, {"order": "42"})


@pytest.mark.parametrize("body", [None, 1, "text", [], [{}], True])
def test_a_request_is_an_object(body: Any) -> None:
    with refused("malformed-request", ""):
        parse_envelope(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": {}}, "/inputs"),
        ({"Input": {}}, "/Input"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"a`b": 1}, "/a`b"),
        ({"start": {"in": 5}}, "/start/in"),
        ({"deadline": {"otherwise": "refuse"}}, "/deadline/otherwise"),
    ],
)
def test_an_unknown_member_is_pointed_at(body: Any, pointer: str) -> None:
    with refused("malformed-request", pointer):
        parse_envelope(body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "Ada"}, 'Put the operation\'s arguments into input: {"input": {"name": …}}.'),
        ({"name": 1, "b": 2, "input": {}}, 'into input: {"input": {"name": …, "b": …}}.'),
        ({"inputs": {}}, 'the member "inputs", which is no option: did you mean "input"?'),
        (
            {"input": {}, "deadlin": 5},
            'The body has the member "deadlin", which is no option: did you mean "deadline"? The options',
        ),
        (
            {"input": {}, "deadlin": 5, "name": "Ada"},
            'did you mean "deadline"? Put the operation\'s arguments into input: {"input": {"deadlin": …',
        ),
        ({"Tags": {}}, 'did you mean "tags"?'),
        ({"name": 1}, "The options are start, deadline, retention, callback and tags."),
    ],
)
def test_members_beside_the_options_are_named_with_the_place_for_arguments(
    body: Any, sentence: str
) -> None:
    with pytest.raises(Problem) as raised:
        parse_envelope(body)

    assert sentence in raised.value.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ([], "The body must be an object, and is a list."),
        ({"retention": "1 day"}, "/retention must be a whole number or null, and is text."),
        ({"retention": 1e300}, "/retention must be a whole number or null, and is a number."),
        ({"retention": 1}, "/retention must be at least 3600."),
        ({"start": {"after": -1}}, "/start/after must be at least 0."),
        ({"start": {"in": 5}}, '/start/in: there is no option "in" here.'),
        ({"deadline": {"or": "else"}}, "/deadline/or has no such choice as 'else'."),
        ({"tags": {"a": ""}}, "/tags must have at least 1 character."),
        ({"tags": {str(n): "x" for n in range(11)}}, "/tags must have at most 10 members."),
        ({"tags": {"A": "x"}}, "/tags must match the regular expression ^[a-z0-9_-]{1,32}$."),
        ({"callback": {}}, '/callback needs the member "url".'),
        ({"callback": {"url": "x", "events": []}}, "/callback/events must have at least 1 item."),
        ({"callback": {"url": "x", "events": ["end"]}}, "/callback/events/0 has no such choice as 'end'."),
    ],
)  # fmt: skip
def test_a_refusal_is_a_plain_sentence(body: Any, detail: str) -> None:
    with pytest.raises(Problem) as raised:
        parse_envelope(body)

    assert raised.value.detail == detail


@pytest.mark.parametrize(
    "body",
    [
        {"/" * 500_000: 1},
        {"input": {}, **{f"{n}": 1 for n in range(100_000)}},
        {"start": {"~" * 500_000: 1}},
        {"start": {"at": None, "x`" * 250_000: 1}},
        {"deadline": {"or": "x" * 500_000}},
        {"tags": {"a" * 500_000: "x"}},
        {"tags": {"a": "\n" * 500_000}},
        {"callback": {"url": "x", "events": ["x" * 500_000]}},
    ],
    ids=lambda body: str(body)[:30],
)
def test_a_refusal_is_short_whatever_was_sent(body: Any) -> None:
    with pytest.raises(Problem) as raised:
        parse_envelope(body)

    assert len(json.dumps(raised.value.record(), ensure_ascii=False)) < 2000


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"start": 60}, "/start"),
        ({"start": "2026-03-01T12:00:00Z"}, "/start"),
        ({"start": {"after": "60"}}, "/start/after"),
        ({"start": {"after": True}}, "/start/after"),
        ({"start": {"after": -1}}, "/start/after"),
        ({"start": {"at": 1}}, "/start/at"),
        ({"deadline": {"within": None, "or": "maybe"}}, "/deadline/or"),
        ({"retention": "1 day"}, "/retention"),
        ({"retention": 3600.5}, "/retention"),
        ({"retention": True}, "/retention"),
        ({"retention": 3599}, "/retention"),
        ({"retention": 30 * 86400 + 1}, "/retention"),
        ({"tags": ["a"]}, "/tags"),
        ({"tags": None}, "/tags"),
        ({"tags": {"a": 1}}, "/tags"),
    ],
)
def test_an_option_of_the_wrong_form_is_pointed_at(body: Any, pointer: str) -> None:
    with refused("malformed-request", pointer):
        parse_envelope(body)


@pytest.mark.parametrize("retention_s", [3600, 30 * 86400])
def test_a_job_can_be_kept_from_an_hour_to_thirty_days(retention_s: int) -> None:
    assert parse_envelope({"retention": retention_s}).retention == retention_s


# ── tags ──────────────────────────────────────────────────────────────────────────────────────


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z0-9_-]{1,32}\Z"),
        st.text(min_size=1, max_size=256).filter(str.isprintable),
        max_size=10,
    )
)
def test_tags_are_ten_names_with_printable_values(tags: dict[str, str]) -> None:
    assert parse_envelope({"tags": tags}).tags == tags


def test_eleven_tags_are_too_many() -> None:
    with refused("malformed-request", "/tags"):
        parse_envelope({"tags": {str(n): "x" for n in range(11)}})


@pytest.mark.parametrize("name", ["", "Order", "a b", "a.b", "é", "a" * 33, "٣"])
def test_a_tag_has_a_name_of_small_letters_digits_and_dashes(name: str) -> None:
    with refused("malformed-request", "/tags"):
        parse_envelope({"tags": {name: "x"}})


@pytest.mark.parametrize("value", ["", "x" * 257])
def test_a_tag_has_a_value_of_1_to_256_characters(value: str) -> None:
    with refused("malformed-request", "/tags"):
        parse_envelope({"tags": {"order": value}})


@pytest.mark.parametrize(
    ("name", "value"), [("a", "\n"), ("a", "a\x00"), ("a", "\u2028"), ("a", "\u200b"), ("a\n", "x")]
)
def test_a_tag_is_printable(name: str, value: str) -> None:
    with refused("malformed-request", "/tags/a"):
        parse_envelope({"tags": {name: value}})


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
        'application/json; charset="UTF8"',
        "application/json; charset=us-ascii; version=1",
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

    assert decode_json(body, is_base64=True, content_type=None, max_bytes=MOST) == {"a": "é"}


@pytest.mark.parametrize("body", ["!", "A", "é"])
def test_broken_base64_is_malformed(body: str) -> None:
    with refused("malformed-request"):
        decode_json(body, is_base64=True, content_type=None, max_bytes=MOST)


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


@pytest.mark.parametrize(
    "body",
    [
        b'"\xff"',
        b'"\xc0\x80"',  # NUL, overlong
        b'"\xe0\x80\xaf"',  # a slash, overlong
        b'"\xed\xa0\x80"',  # half of a surrogate pair
        b'"\xf4\x90\x80\x80"',  # beyond the last character
        b'"\xe2\x82"',  # cut off
        b"\xef\xbb\xbf{}",  # a byte order mark
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": "é"}'.encode("latin-1"),
        b"{}\x00",
        b'{"a\x00": 1}',
    ],
)
def test_bytes_that_are_not_json_in_utf_8_are_malformed(body: bytes) -> None:
    with refused("malformed-request"):
        decode_json(
            base64.b64encode(body).decode(), is_base64=True, content_type=None, max_bytes=MOST
        )


def test_no_body_at_all_is_malformed() -> None:
    with refused("malformed-request"):
        decode_json(None, is_base64=False, content_type=None, max_bytes=MOST)


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
def test_what_is_nested_too_deep_is_malformed(opened: str) -> None:
    with pytest.raises(Problem, match="nested too deep") as raised:
        read(opened * 100_000, most=10**6)

    assert raised.value.name == "malformed-request"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"a": 1, "a": 2}', "a"),
        ('{"a": 1, "a": 1}', "a"),
        ('{"b": 1, "a": null, "c": 2, "a": {}}', "a"),
        ('{"input": {}, "\\u0069nput": {"a": 1}}', "input"),
        ('{"input": [1, {"x": {"": 1, "y": 0, "": 2}}]}', ""),
    ],
)
def test_a_repeated_member_is_malformed_and_named(body: str, name: str) -> None:
    with pytest.raises(Problem, match=f"member '{name}' twice") as raised:
        read(body)

    assert raised.value.name == "malformed-request"


def test_the_name_of_a_member_is_bounded() -> None:
    assert read(json.dumps({"input": {"é" * 1024: 1}}), most=10**6)
    with pytest.raises(Problem, match=r"has 1,025 characters: at most 1,024 are allowed") as raised:
        read(json.dumps({"input": [{"é" * 1025: 1}]}), most=10**6)
    assert len(raised.value.detail) < 200


@given(st.recursive(st.integers(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_what_names_each_member_once_is_taken(value: Any) -> None:
    assert read(json.dumps(value), most=10**6) == value


def test_many_members_are_checked_in_a_time_that_grows_with_their_number() -> None:
    """Where each were compared with each other, these would take hours."""
    body = json.dumps({str(n): n for n in range(60_000)})

    assert len(read(body, most=10**6)) == 60_000
    with pytest.raises(Problem, match="member '59999' twice"):
        read(body.removesuffix("}") + ', "59999": 0}', most=10**6)


@pytest.mark.parametrize(
    "kind",
    ["application/json; charset=latin-1", 'application/json;charset="UTF-16"', "application/json ; Charset = x"],
)  # fmt: skip
def test_another_charset_is_not_taken(kind: str) -> None:
    with refused("unsupported-media-type"):
        read("{}", kind)


@pytest.mark.parametrize("packed", ["gzip", "br", "deflate, gzip", "GZIP"])
def test_a_compressed_body_is_not_taken(packed: str) -> None:
    with refused("unsupported-media-type"):
        decode_json(
            "{}", is_base64=False, content_type=None, max_bytes=MOST, content_encoding=packed
        )


@pytest.mark.parametrize("packed", [None, "", "identity", " Identity "])
def test_a_body_as_it_is_is_taken(packed: str | None) -> None:
    assert (
        decode_json(
            "{}", is_base64=False, content_type=None, max_bytes=MOST, content_encoding=packed
        )
        == {}
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.0", 1),
        ("1e2", 100),
        ("-0.0", 0),
        ("9007199254740993", 9007199254740993),
        ("-0", 0),
        ("9" * 4300, 10**4300 - 1),
        ("9007199254740991.0", 9007199254740991),
        ("-1e15", -(10**15)),
        ("18446744073709551616", 2**64),
    ],
)
def test_a_number_without_a_fraction_is_an_int_however_it_is_written(
    text: str, number: int
) -> None:
    got = read(text, most=10**4)

    assert got == number
    assert type(got) is int


@pytest.mark.parametrize("text", ["1e308", "-1e308", "1e22", "1e16", "9007199254740992.0"])
def test_a_number_stays_a_double_where_an_int_would_have_digits_that_were_not_sent(
    text: str,
) -> None:
    got = read(text)

    assert (type(got), got) == (float, float(text))
    assert len(msgspec.json.encode(got)) <= len(text)


def test_numbers_in_a_body_grow_at_most_fourfold() -> None:
    """`1e15` has sixteen digits, as an int; JSON writers add a point to the double."""
    body = "[" + ",".join(["1e15", "1e16", "1e308", "-1e9"] * 1000) + "]"

    assert len(msgspec.json.encode(read(body, most=10**6))) < 4 * len(body)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(number: float) -> None:
    assert read(json.dumps(number)) == number


@pytest.mark.parametrize("text", ["1e400", "-1e400", '{"a": [1e999999]}', "9" * 4301])
def test_a_number_that_nothing_can_hold_is_malformed(text: str) -> None:
    with refused("malformed-request"):
        read(text, most=10**4)


def test_noncharacters_pass() -> None:
    assert read('"\\ufffe\uffff"') == "\ufffe\uffff"


# ── the idempotency key ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", [None, "a", "x" * 255, 'a "quoted" one', "~ !"])
def test_an_idempotency_key_is_taken_as_it_is(key: str | None) -> None:
    assert parse_idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\n", "a\tb", "\x7f"])
def test_an_idempotency_key_is_1_to_255_printable_ascii_characters(key: str) -> None:
    with refused("malformed-request"):
        parse_idempotency_key(key)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_a_body_may_have_two_hundred_levels(opened: str, closed: str) -> None:
    def nested(levels: int) -> str:
        return opened * levels + "1" + closed * levels

    assert decode_json(nested(200), is_base64=False, content_type=None, max_bytes=10_000)
    for deeper in (nested(201), nested(200).replace("1", "[]")):
        with pytest.raises(Problem, match="200 levels"):
            decode_json(deeper, is_base64=False, content_type=None, max_bytes=10_000)
