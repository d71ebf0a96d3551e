import pytest

from nowlater.testing import InvalidInput, Served, call


def test_a_person_is_greeted() -> None:
    assert call("greet", {"name": "Ada", "times": 2}) == ["Hello, Ada!", "Hello, Ada!"]


def test_a_number_is_no_name() -> None:
    with pytest.raises(InvalidInput, match="/input/name must be text"):
        call("greet", {"name": 1})


@pytest.mark.parametrize("door", ["sync", "async", "hybrid"])
def test_it_is_served_at_each_door(served: Served, door: str) -> None:
    assert served.call("greet", {"name": "Ada"}, door=door) == ["Hello, Ada!"]
