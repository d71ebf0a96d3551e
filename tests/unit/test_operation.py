"""The `@operation` decorator, and what it makes of functions."""

from collections.abc import Callable
from typing import Any

import pytest

from nowlater import Context, Document, operation
from nowlater.runtime import schema
from nowlater.runtime.definition import DOORS, Operation, in_module
from tests.unit import samples


def spec(function: Callable[..., Any], **options: Any) -> Operation:
    """Return what the decorator makes of a function."""
    made: Operation = operation(**options)(function).operation
    return made


def csv_profile() -> None:
    """Profiles every column
    of a CSV.

    And here are the details.
    """


def test_a_function_is_served_under_its_own_name_at_all_doors() -> None:
    made = spec(csv_profile)

    assert (made.name, made.doors) == ("csv-profile", DOORS)
    assert (made.timeout, made.attempts, made.diagnostic) == (60, 3, False)


def test_the_first_paragraph_of_the_docstring_describes_the_operation() -> None:
    assert spec(csv_profile).description == "Profiles every column of a CSV."


def test_the_parentheses_can_be_left_out() -> None:
    @operation
    def double(n: int) -> int:
        return 2 * n

    made: Operation = double.operation  # type: ignore[attr-defined]  # the decorator sets it

    assert (made.name, made.timeout, double(4)) == ("double", 60, 8)


def test_a_function_without_a_docstring_has_an_empty_description() -> None:
    assert spec(lambda: None, name="quiet").description == ""


def test_the_function_stays_itself() -> None:
    @operation()
    def double(n: int) -> int:
        return 2 * n

    assert double(4) == 8


@pytest.mark.parametrize("name", ["a", "csv-profile", "sha256", "a" * 64, "x-1-y"])
def test_a_name_is_words_of_small_letters_and_digits(name: str) -> None:
    assert spec(csv_profile, name=name).name == name


@pytest.mark.parametrize(
    "name", ["CSV", "csv_profile", "-a", "a-", "a--b", "1a", "a.b", "a/b", "é", "a\n", "a" * 65]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be an operation's name"):
        spec(csv_profile, name=name)


def test_a_private_function_needs_another_name() -> None:
    def _hidden() -> None: ...

    with pytest.raises(ValueError, match="cannot be an operation's name"):
        spec(_hidden)


@pytest.mark.parametrize("timeout", [0, -1, 1800.1, float("nan"), float("inf"), "10", None])
def test_a_timeout_is_more_than_0_and_at_most_1800_seconds(timeout: Any) -> None:
    with pytest.raises(ValueError, match="csv-profile: timeout"):
        spec(csv_profile, timeout=timeout)


@pytest.mark.parametrize("attempts", [0, -1, 1.5, 2.0, True, 1001, "3", None])
def test_attempts_are_a_whole_number_from_1_to_1000(attempts: Any) -> None:
    with pytest.raises(ValueError, match="csv-profile: attempts"):
        spec(csv_profile, attempts=attempts)


@pytest.mark.parametrize("doors", [(), ("later",), ("sync", "later"), "sync"])
def test_doors_must_be_a_list_of_known_doors(doors: Any) -> None:
    with pytest.raises(ValueError, match="csv-profile: doors"):
        spec(csv_profile, doors=doors)


def test_a_module_has_the_operations_that_it_defines_and_none_that_it_imports() -> None:
    here = in_module(samples.__name__)

    assert [(name, o.name) for name, o in here.items()][:2] == [
        ("types_of", "types-of"),
        ("about", "about"),
    ]
    assert in_module("nowlater.runtime.definition") == {}
    assert in_module("operations.text").keys() == {"text_stats"}


# ── its inputs ────────────────────────────────────────────────────────────────────────────────


def test_the_context_is_no_input() -> None:
    def takes(a: int, progress_to: Context, b: str = "x") -> None: ...

    made = spec(takes)

    assert list(schema.of_input(made)["properties"]) == ["a", "b"]
    assert schema.context_parameter(made) == "progress_to"


def test_the_context_may_be_optional_for_those_who_call_the_function_themselves() -> None:
    def takes(a: int, context: Context | None = None) -> None: ...

    made = spec(takes)

    assert list(schema.of_input(made)["properties"]) == ["a"]
    assert schema.context_parameter(made) == "context"


def test_an_input_with_a_default_need_not_be_given() -> None:
    def takes(a: int, b: list[int] = [1], *, c: str = "x") -> None: ...  # noqa: B006

    made = schema.of_input(spec(takes))

    assert made["required"] == ["a"]
    assert made["properties"]["b"]["default"] == [1]
    assert made["properties"]["c"]["default"] == "x"
    assert made["additionalProperties"] is False


def test_an_input_needs_an_annotation() -> None:
    def takes(a) -> None: ...

    with pytest.raises(TypeError, match="the parameter a needs an annotation"):
        schema.of_input(spec(takes))


def test_inputs_are_given_by_name() -> None:
    def takes_any(*a: int) -> None: ...
    def takes_all(**a: int) -> None: ...
    def takes_first(a: int, /) -> None: ...

    for takes in (takes_any, takes_all, takes_first):
        made = spec(takes, name="takes")
        with pytest.raises(TypeError, match="cannot be an input"):
            schema.of_input(made)


def test_an_annotation_that_json_cannot_say_is_refused() -> None:
    def takes(a: object) -> None: ...
    def takes_files(a: samples.Iterator[int]) -> None: ...

    for function in (takes, takes_files):
        with pytest.raises((TypeError, NotImplementedError)):
            schema.of_input(spec(function, name="takes"))


def test_a_type_of_the_users_may_be_named_like_ours() -> None:
    class Input(samples.msgspec.Struct):
        n: int

    def takes(value: Input) -> Input: ...

    takes.__annotations__ |= {"value": Input, "return": Input}
    made = schema.of_input(spec(takes))

    assert made["type"] == "object"
    assert list(made["properties"]) == ["value"]


def test_a_file_is_one_of_three_forms_as_an_input_and_bytes_as_a_result() -> None:
    def takes(file: Document) -> Document: ...

    made = spec(takes)
    forms = schema.of_input(made)["properties"]["file"]["anyOf"]

    assert [form["type"] for form in forms] == ["string", "object", "object"]
    assert schema.of_result(made)["contentMediaType"] == "application/octet-stream"


def test_schemas_say_which_dialect_they_are_written_in() -> None:
    made = spec(csv_profile)

    for side in (schema.of_input(made), schema.of_result(made)):
        assert side["$schema"] == "https://json-schema.org/draft/2020-12/schema"
