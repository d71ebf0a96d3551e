"""What the catalogue's validator lets through, the operation's types take, and the other way round."""

import itertools
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from nowlater import Context, Document, operation
from nowlater.doors import envelope
from nowlater.problems import Problem
from nowlater.runtime import catalogue, executor
from nowlater.runtime.executor import InputMismatch
from tests.unit.builds import build
from tests.unit.shapes import (
    JSON,
    LEAVES,
    SHAPES,
    Circle,
    Empty,
    Loose,
    Node,
    Shape,
    Square,
    places,
    with_other,
)

BASE = "https://api.example.com"
MADE = ModuleType("made_operations")
sys.modules[MADE.__name__] = MADE
_number = itertools.count()


class Served:
    """An operation whose input `value` has this annotation, as validator and as function."""

    def __init__(self, annotation: Any) -> None:
        def takes(value: Any) -> None: ...

        takes.__annotations__["value"] = annotation
        made: dict[str, Any] = {}
        exec(build.validator(operation()(takes).operation), made)
        function = f"takes_{next(_number)}"
        setattr(MADE, function, takes)
        self._entry = catalogue.Entry(
            name="takes",
            module=MADE.__name__,
            function=function,
            timeout=1,
            attempts=1,
            doors=("sync",),
            diagnostic=False,
            takes_documents=False,
            validate=made["validate"],
        )

    def refusal(self, received: Any) -> Problem | None:
        """Return what the validator says against an input."""
        try:
            catalogue.validate_input(self._entry, received, BASE)
        except Problem as problem:
            return problem
        return None

    def converts(self, received: Any) -> bool:
        """Tell whether the operation can be called with this input."""

        def open_upload(upload: str) -> Document:
            return Document(upload.encode())

        context = Context(deadline=0, idempotency_key="")
        try:
            executor.run(self._entry, received, context, seconds=9, open_upload=open_upload)
        except InputMismatch:
            return False
        return True


def received(value: Any) -> Any:
    """Return an input as it arrives, by way of a request's body."""
    return envelope.decode_json(
        json.dumps({"value": value}), is_base64=False, content_type=None, max_bytes=10**6
    )


def steps(pointer: str) -> list[str]:
    """Return the steps of a JSON Pointer (RFC 6901)."""
    return [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:]]


def found(document: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) points at."""
    for name in steps(pointer):
        document = document[int(name) if isinstance(document, list) else name]
    return document


@given(SHAPES, st.data())
@settings(max_examples=120)
def test_what_fits_the_annotation_is_let_through_and_converted(
    shape: Shape, data: st.DataObject
) -> None:
    served = Served(shape[0])
    for _ in range(3):
        fits = received(data.draw(shape[1]))

        assert served.refusal(fits) is None
        assert served.converts(fits)


def has_members(value: Any) -> bool:
    """Tell whether there is an object with members in a JSON value."""
    return any(isinstance(place, dict) and place for place in values(value))


def values(value: Any) -> Iterator[Any]:
    """Yield a JSON value and all that is in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from values(part)


@given(SHAPES, st.data())
@settings(max_examples=250)
def test_validator_and_conversion_agree_on_what_nearly_fits(
    shape: Shape, data: st.DataObject
) -> None:
    served = Served(shape[0])
    for _ in range(4):
        fits, other = data.draw(shape[1]), data.draw(JSON)
        at = data.draw(st.sampled_from(places(fits)))
        changed = received(with_other(fits, at, other))
        refusal = served.refusal(changed)

        if refusal is None:
            assert served.converts(changed)
        elif not has_members(other):  # members that are unknown are for the validator to refuse
            assert not served.converts(changed)


@given(SHAPES, st.data())
@settings(max_examples=100)
def test_the_pointer_names_a_place_on_the_way_to_the_fault(
    shape: Shape, data: st.DataObject
) -> None:
    served = Served(shape[0])
    fits = data.draw(shape[1])
    at = data.draw(st.sampled_from(places(fits)))
    changed = received(with_other(fits, at, data.draw(JSON)))
    refusal = served.refusal(changed)

    if refusal is not None:
        pointer = refusal.members["pointer"]
        assert (
            steps(pointer)[: len(at) + 2]
            == ["input", "value", *map(str, at)][: len(steps(pointer))]
        )
        found({"input": changed}, pointer)


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf[0] is not Any], ids=str)
def test_the_pointer_names_the_fault_whatever_its_way_is_called(leaf: Shape) -> None:
    served = Served(dict[str, dict[str, list[leaf[0]]]])
    for name in ("a", "a.b", "a/b", "~", "", "[0]", "it's", '"', "{x}", "'\\\n"):
        asked = received({name: {"a": [], name: [object_that_fits_nothing()]}})
        refusal = served.refusal(asked)

        assert refusal is not None
        escaped = name.replace("~", "~0").replace("/", "~1")
        assert refusal.members["pointer"] == f"/input/value/{escaped}/{escaped}/0"


def object_that_fits_nothing() -> Any:
    return {"nothing": {"takes": "this"}}


def test_an_unknown_input_is_refused_by_both_sides() -> None:
    served = Served(int)
    asked = {"value": 1, "other": 2}
    refusal = served.refusal(asked)

    assert refusal is not None
    assert refusal.members["pointer"] == "/input"
    assert "other" in refusal.detail
    assert not served.converts(asked)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Loose, {"count": 1, "other": 2}),
        (Empty, {"other": 2}),
        (list[Node], [{"name": "a", "inner": [{"name": "b", "other": 2}]}]),
        (Circle | Square, {"type": "circle", "radius": 1, "other": 2}),
        (Document, {"base64": "AA==", "other": 2}),
        (Document, {"base64": "AA==", "upload": "0" * 32}),
    ],
)
def test_a_member_that_the_annotation_does_not_name_is_refused(annotation: Any, value: Any) -> None:
    assert Served(annotation).refusal(received(value)) is not None


def test_a_missing_input_is_refused_by_both_sides_and_named() -> None:
    served = Served(int)
    refusal = served.refusal({})

    assert refusal is not None
    assert "value" in refusal.detail
    assert not served.converts({})


@pytest.mark.parametrize("value", [None, 1, "a", [], True])
def test_an_input_that_is_no_object_is_refused(value: Any) -> None:
    refusal = Served(int).refusal(value)

    assert refusal is not None
    assert refusal.members["pointer"] == "/input"
    assert refusal.detail.startswith('/input must be an object with the member "value", and is ')


def test_a_refusal_says_what_was_expected_and_where_the_schema_is() -> None:
    refusal = Served(Annotated[int, Meta(ge=0)]).refusal({"value": -1})

    assert refusal is not None
    assert refusal.name == "invalid-input"
    assert refusal.detail == "/input/value must be at least 0, and is the number -1."
    assert refusal.members["expected"] == {"type": "integer", "minimum": 0}
    assert refusal.members["schema"] == f"{BASE}/operations/takes"


@pytest.mark.parametrize(
    "text", ["A", "AAA", "AA=A", "AA==AA==", "A A=", "AAAA=", "====", "AA==\n"]
)
@pytest.mark.parametrize("annotation", [Document, bytes])
def test_broken_base64_is_refused_by_both_sides(annotation: Any, text: str) -> None:
    served = Served(annotation)
    asked = received({"base64": text} if annotation is Document else text)

    assert served.refusal(asked) is not None
    assert not served.converts(asked)


def test_members_named_by_numbers_are_converted() -> None:
    served = Served(dict[int, str])
    asked = received({"1": "a"})

    assert served.refusal(asked) is None
    assert served.converts(asked)


@pytest.mark.parametrize("number", ["1.0", "1e3", "-0.0", "100000000000000000000"])
def test_a_whole_number_fits_an_int_however_it_is_written(number: str) -> None:
    served = Served(int)
    asked = envelope.decode_json(
        f'{{"value": {number}}}', is_base64=False, content_type=None, max_bytes=100
    )

    assert served.refusal(asked) is None
    assert served.converts(asked)


@pytest.mark.parametrize("number", ["1e16", "-1e22", "1e308"])
@pytest.mark.parametrize("annotation", [int, int | None, int | str, Annotated[int, Meta(ge=0)]])
def test_a_double_beyond_all_exact_ones_is_no_int_on_either_side(
    annotation: Any, number: str
) -> None:
    served = Served(annotation)
    asked = envelope.decode_json(
        f'{{"value": {number}}}', is_base64=False, content_type=None, max_bytes=100
    )
    refusal = served.refusal(asked)

    assert refusal is not None
    assert refusal.members["pointer"] == "/input/value"
    assert "written with all its digits" in refusal.detail
    assert not served.converts(asked)
    for either in (float, int | float, Any):
        assert Served(either).refusal(asked) is None
        assert Served(either).converts(asked)
