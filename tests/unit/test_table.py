"""Values in DynamoDB's notation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.aws.table import pack, pack_item, unpack, unpack_item

NUMBERS = st.integers(-(10**37), 10**37) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_kept_is_read_as_it_was(value: Any) -> None:
    assert unpack(pack(value)) == value


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=4))
def test_an_item_is_read_as_it_was_but_for_attributes_that_are_none(item: dict[str, Any]) -> None:
    present = {name: value for name, value in item.items() if value is not None}

    assert unpack_item(pack_item(item)) == present


@given(st.booleans() | st.integers(-(10**37), 10**37))
def test_booleans_stay_booleans_and_ints_ints(value: int) -> None:
    assert type(unpack(pack(value))) is type(value)


def test_a_tuple_is_kept_as_a_list() -> None:
    assert unpack(pack((1, "a"))) == [1, "a"]


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("-7", -7), ("1.5", 1.5), ("1E+2", 100), ("-1e-7", -1e-7)]
)
def test_numbers_are_read_however_dynamodb_writes_them(text: str, number: float) -> None:
    assert unpack({"N": text}) == number


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), 1j])
def test_what_json_has_no_word_for_cannot_be_kept(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        pack(value)
