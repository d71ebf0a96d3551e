"""Annotations of many shapes, each with JSON values that fit it, and with some that nearly do."""

import copy
import dataclasses
import itertools
from collections.abc import Callable
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
from hypothesis import strategies as st
from msgspec import Meta

from nowlater import Document

type Shape = tuple[Any, st.SearchStrategy[Any]]

#: Member names that a path or a pointer could stumble over.
NAMES = st.sampled_from(["a", "b", "a.b", "a/b", "~", "", "[0]", ".", "it's", '"', "{x}", "\\"])
INTEGERS = st.integers(-(2**70), 2**70)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


class Loose(msgspec.Struct):
    """Takes unknown members, as far as msgspec knows."""

    count: int
    label: str = ""


class Camel(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    first_name: str
    is_here: bool = False


class Circle(msgspec.Struct, tag="circle"):
    radius: Annotated[float, Meta(gt=0)]


class Square(msgspec.Struct, tag="square"):
    side: int


class Node(msgspec.Struct):
    """Holds others of its kind."""

    name: str
    inner: list["Node"] = []


class Empty(msgspec.Struct):
    """Has no members at all."""


_texts, _upload = st.text(max_size=4), "0" * 32
_types = st.sampled_from(["text/csv; charset=utf-8", "image/png", 'x/y;z="a b"'])

LEAVES: list[Shape] = [
    (bool, st.booleans()),
    (int, INTEGERS),
    (float, NUMBERS),
    (str, _texts),
    (None, st.none()),
    (Any, JSON),
    (bytes, st.sampled_from(["", "AA==", "AAA=", "AAAA"])),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
    (Literal[1, 2, "x", None], st.sampled_from([1, 2, "x", None])),
    (Annotated[int, Meta(ge=0, lt=10)], st.integers(0, 9)),
    (Annotated[int, Meta(multiple_of=3)], st.integers(-9, 9).map(lambda n: 3 * n)),
    (Annotated[float, Meta(gt=-1, le=1)], st.floats(0, 1)),
    (Annotated[str, Meta(min_length=1, max_length=3)], st.text(min_size=1, max_size=3)),
    (Annotated[str, Meta(pattern="^[a-z]+_?$")], st.sampled_from(["a", "bc_"])),
    (Annotated[list[int], Meta(min_length=1, max_length=2)], st.lists(INTEGERS, min_size=1, max_size=2)),
    (Loose, st.fixed_dictionaries({"count": INTEGERS}, optional={"label": _texts})),
    (Camel, st.fixed_dictionaries({"firstName": _texts}, optional={"isHere": st.booleans()})),
    (
        Circle | Square,
        st.fixed_dictionaries({"type": st.just("circle"), "radius": st.floats(1, 2)})
        | st.fixed_dictionaries({"type": st.just("square"), "side": INTEGERS}),
    ),
    (
        Node,
        st.recursive(
            st.fixed_dictionaries({"name": _texts}),
            lambda node: st.fixed_dictionaries({"name": _texts, "inner": st.lists(node, max_size=2)}),
            max_leaves=3,
        ),
    ),
    (Empty, st.just({})),
    (
        Document,
        _texts
        | st.just({"upload": _upload})
        | st.fixed_dictionaries({"base64": st.just("AAA=")}, optional={"media_type": _types}),
    ),
]  # fmt: skip

_number = itertools.count()


def _dataclass(first: Shape, second: Shape) -> Shape:
    fields: list[Any] = [("x", first[0]), ("y_", second[0], None)]
    made = dataclasses.make_dataclass(f"Made{next(_number)}", fields)
    return made, st.fixed_dictionaries({"x": first[1]}, optional={"y_": second[1]})


def _typed_dict(first: Shape, second: Shape) -> Shape:
    members = {"x": first[0], "y": NotRequired[second[0]]}
    made = TypedDict(f"Made{next(_number)}", members)
    return made, st.fixed_dictionaries({"x": first[1]}, optional={"y": second[1]})


def _struct(first: Shape, second: Shape) -> Shape:
    fields: list[Any] = [("x", first[0]), ("y", second[0], None)]
    made = msgspec.defstruct(f"Made{next(_number)}", fields)
    return made, st.fixed_dictionaries({"x": first[1]}, optional={"y": second[1]})


def _wrapped(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    one: list[Callable[[Shape], Shape]] = [
        lambda s: (list[s[0]], st.lists(s[1], max_size=3)),
        lambda s: (tuple[s[0], ...], st.lists(s[1], max_size=3)),
        lambda s: (dict[str, s[0]], st.dictionaries(NAMES, s[1], max_size=3)),
        lambda s: (s[0] | None if s[0] is not None else s[0], s[1] | st.none()),
    ]
    two: list[Callable[[Shape, Shape], Shape]] = [
        _dataclass,
        _typed_dict,
        _struct,
        lambda s, t: (tuple[s[0], t[0]], st.tuples(s[1], t[1]).map(list)),
        lambda s, _: (list[s[0]] | int, st.lists(s[1], max_size=2) | INTEGERS),
    ]
    return st.one_of(
        *(st.builds(make, inner) for make in one), *(st.builds(make, inner, inner) for make in two)
    )


#: Annotations, each with a strategy for the values that fit.
SHAPES = st.recursive(st.sampled_from(LEAVES), _wrapped, max_leaves=4)


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the way to each value in a JSON value, itself included."""
    found = [at]
    if isinstance(value, dict | list):
        for step in value if isinstance(value, dict) else range(len(value)):
            found += places(value[step], (*at, step))
    return found


def with_other(value: Any, at: tuple[str | int, ...], other: Any) -> Any:
    """Return the value with one place in it replaced by another value.

    What is drawn may have one object in two places, which a deep copy would keep so.
    """
    if not at:
        return other
    changed = copy.copy(value)
    changed[at[0]] = with_other(value[at[0]], at[1:], other)
    return changed
