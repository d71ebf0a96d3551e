"""The refusal of an input that does not fit: where, what was found, what is expected."""

import itertools
import json
import time
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from nowlater import Document, operation
from nowlater.runtime.validation import InvalidInput
from tests.unit.builds import build

_number = itertools.count()


class Circle(msgspec.Struct, tag="circle"):
    radius: float


class Square(msgspec.Struct, tag="square"):
    side: Annotated[int, Meta(gt=0)]


class Line(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    amount: Annotated[int, Meta(ge=0)] = 0


def refusal(annotation: Any, value: Any, name: str = "value") -> InvalidInput:
    """Return what the validator of an operation with one argument raises."""

    def takes(value: Any) -> None: ...

    takes.__annotations__["value"] = annotation
    made: dict[str, Any] = {}
    exec(build.validator(operation(name=f"takes-{next(_number)}")(takes).operation), made)
    with pytest.raises(InvalidInput) as raised:
        made["validate"]({name: value})
    return raised.value


NATURAL = Annotated[int, Meta(ge=0, le=9)]
TABLE: list[tuple[Any, Any, str, str]] = [
    (int, "5", "/value", 'must be a whole number, and is the text "5"'),
    (int, None, "/value", "must be a whole number, and is null"),
    (int, True, "/value", "must be a whole number, and is true"),
    (int, 1.5, "/value", "must be a whole number, and is the number 1.5"),
    (str, [], "/value", "must be text, and is a list of 0 items"),
    (str, {"a": 1}, "/value", 'must be text, and is an object with the member "a"'),
    (bool, 0, "/value", "must be true or false, and is the number 0"),
    (list[int], {}, "/value", "must be a list, and is an empty object"),
    (list[int], [1, "x"], "/value/1", 'must be a whole number, and is the text "x"'),
    (dict[str, int], {"a/b": "x"}, "/value/a~1b", 'must be a whole number, and is the text "x"'),
    (NATURAL, -1, "/value", "must be at least 0, and is the number -1"),
    (NATURAL, 10, "/value", "must be at most 9, and is the number 10"),
    (NATURAL, "x", "/value", 'must be a whole number of at least 0 and at most 9, and is the text "x"'),
    (Annotated[float, Meta(gt=0.5)], 0.5, "/value", "must be more than 0.5, and is the number 0.5"),
    (Annotated[int, Meta(multiple_of=5)], 7, "/value", "must be a multiple of 5, and is the number 7"),
    (Annotated[str, Meta(min_length=1)], "", "/value", "must have at least 1 character, and has 0"),
    (Annotated[str, Meta(max_length=2)], "abc", "/value", "must have at most 2 characters, and has 3"),
    (Annotated[list[int], Meta(min_length=2)], [1], "/value", "must have at least 2 items, and has 1"),
    (Annotated[dict[str, int], Meta(max_length=1)], {"a": 1, "b": 1}, "/value", "must have at most 1 member, and has 2"),
    (Annotated[str, Meta(pattern="^a+$")], "b", "/value", 'must match the regular expression ^a+$ , and is the text "b"'),
    (set[int], [1, 1], "/value", "must not have an item twice"),
    (Literal["mean", "sum"], "max", "/value", 'must be one of "mean" or "sum", and is the text "max"'),
    (Literal["mean"], 5, "/value", 'must be "mean", and is the number 5'),
    (int | None, "x", "/value", 'must be a whole number or null, and is the text "x"'),
    (NATURAL | None, 10, "/value", "must be a whole number of at least 0 and at most 9 or null, and is the number 10"),
    (Line, {"amount": 1}, "/value", 'needs the member "name"'),
    (Line, {"nmae": "x"}, "/value", 'needs the member "name", and has the member "nmae", which it does not take: did you mean "name"?'),
    (Line, {"name": "x", "colour": 1}, "/value", 'has the member "colour", which it does not take: it takes the members "name" and "amount"'),
    (list[Line], [{"name": "x", "amount": -1}], "/value/0/amount", "must be at least 0, and is the number -1"),
    (Circle | Square, {"type": "circle"}, "/value", 'needs the member "radius"'),
    (Circle | Square, {"type": "square", "sid": 1}, "/value", 'needs the member "side", and has the member "sid", which it does not take: did you mean "side"?'),
    (Circle | Square, {}, "/value", 'must be an object with the members "type" and "radius" or an object with the members "type" and "side", and is an empty object'),
    (Document, 5, "/value", 'must be text, an object with the member "base64" or an object with the member "upload", and is the number 5'),
    (Document, {"base64": "%"}, "/value", 'has the member "base64", which must be base64, and is the text "%"'),
    (Document, {"upload": "x"}, "/value", 'has the member "upload", which must be an upload\'s id, and is the text "x"'),
    (Document, {"base64": "", "media": "x"}, "/value", 'has the member "media", which it does not take: did you mean "media_type"?'),
    (Document, {"base64": "", "media_type": "x"}, "/value", 'has the member "media_type", which must be a media type such as text/csv, and is the text "x"'),
    (Document, {"base64": "", "media_type": "a/" + "b" * 254}, "/value", 'has the member "media_type", which must have at most 255 characters, and has 256'),
    (Document | None, {"url": "x"}, "/value", 'must be text, an object with the member "base64", an object with the member "upload" or null, and is an object with the member "url"'),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "pointer", "sentence"), TABLE, ids=str)
def test_a_refusal_says_where_what_was_found_and_what_is_wanted(
    annotation: Any, value: Any, pointer: str, sentence: str
) -> None:
    fault = refusal(annotation, value)

    assert (fault.pointer(), fault.sentence()) == (pointer, sentence)


def test_a_misspelt_argument_is_named_with_the_one_that_was_meant() -> None:
    fault = refusal(str, 1, name="valu")

    assert fault.pointer() == ""
    assert fault.sentence() == (
        'needs the member "value", and has the member "valu", which it does not take: '
        'did you mean "value"?'
    )


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, "x" * 10**6),
        (int, {str(n): 1 for n in range(10**5)}),
        (NATURAL, 10**4000),
        (Line, {str(n): 1 for n in range(10**5)}),
        (Line, {"name": 1, "x" * 1000: 1}),
        (Literal["mean", "sum"], "x" * 10**6),
        (Circle | Square, {"type": "x" * 10**6}),
        (Document, {"base64": "%" * 10**6}),
        (Document, {"base64": "", "media_type": "x" * 10**6}),
        (Annotated[str, Meta(pattern="^a+$")], "b" * 10**6),
        (Literal[tuple(f"choice {n}" for n in range(1000))], "x"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_sentence_is_short_whatever_was_sent(annotation: Any, value: Any) -> None:
    began = time.thread_time()
    fault = refusal(annotation, value)

    assert len(fault.sentence()) < 600
    assert json.dumps(fault.sentence()).isascii()
    assert time.thread_time() - began < 5
