"""The operation greet, as its callers see it."""

import pytest

from nowlater.testing import InvalidInput, RecordingContext, Served, call


def test_a_person_is_greeted() -> None:
    assert call("greet", {"name": "Ada"}) == ["Hello, Ada!"]


def test_a_number_is_no_name() -> None:
    with pytest.raises(InvalidInput, match="/input/name must be text"):
        call("greet", {"name": 1})


def test_progress_is_reported() -> None:
    context = RecordingContext()
    call("greet", {"name": "Ada", "times": 4}, context)

    assert [report.fraction for report in context.reports] == [0, 0.25, 0.5, 0.75]


def test_it_is_served_at_each_door(served: Served) -> None:
    for door in ("sync", "async", "hybrid"):
        assert served.call("greet", {"name": "Ada"}, door=door) == ["Hello, Ada!"]
