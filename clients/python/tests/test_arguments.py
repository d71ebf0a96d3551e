"""An argument that cannot be meant is refused before any request, by its name; in an input, by its place."""

import array
import dataclasses
import datetime
import decimal
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from nowlater_client import Client
from nowlater_client.files import INLINE_BYTES
from nowlater_client.testing import Server

NAIVE = datetime.datetime(2030, 1, 1)
NAN = float("nan")


@pytest.fixture
def server() -> Server:
    return Server({"make": lambda **members: members})


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


SECONDS = ["60", b"60", True, NAN, float("inf"), -1, [], {"a"}, decimal.Decimal(1)]
TEXTS = [b"make", 5, "", " ", None, ["make"]]
#: Where a value is given, and values that cannot be meant.
WRONG: dict[str, tuple[Callable[[Any, Any], Any], list[Any]]] = {
    **{
        name: (lambda client, value, name=name: client.submit("make", **{name: value}), values)
        for name, values in {
            "start": [*SECONDS, NAIVE, NAIVE.date()],
            "deadline": [*SECONDS, NAIVE, NAIVE.date()],
            "retention": [*SECONDS, NAIVE],
            "timeout": ["60", b"60", True, NAN, NAIVE, []],
            "key": [b"k", 5, "", "é", ["k"]],
            "callback": [b"https://x", 5, "", ["https://x"]],
            "tags": [["a"], "a:b", {"a": 1}, {1: "a"}, {"a": None}, {None: "a"}, 5],
        }.items()
    },
    "wait": (lambda client, value: client.call("make", wait=value), SECONDS),
    "operation": (lambda client, value: client.call(value), TEXTS),
    "operation ": (lambda client, value: client.submit(value), TEXTS),
    "operation  ": (lambda client, value: list(client.map(value, [{}])), TEXTS),
    "name": (lambda client, value: client.operation(value), TEXTS),
    "host": (lambda client, value: client.secret(value), TEXTS),
    "id of the job": (lambda client, value: client.job(value), [b"j", 5, "", None]),
    "limit": (lambda client, value: list(client.jobs(limit=value)), ["5", 1.5, True, -1, []]),
    "concurrency": (
        lambda client, value: list(client.map("make", [{}], concurrency=value)),
        ["5", 1.5, True, 0, None],
    ),
    "interval": (lambda client, value: client.counts(interval=value), ["5", 1.5, True, 0]),
    **{
        name: (lambda client, value, name=name: list(client.jobs(**{name: value})), values)
        for name, values in {
            "status": [5, b"failed", [5], [b"failed"], "", [""]],
            "operation   ": [5, b"make", [5], ""],
            "tags ": [["a"], "a:b", {"a": 1}, {1: "a"}],
            "since": ["2030-01-01", NAIVE, NAIVE.date(), 5],
            "until": ["2030-01-01", NAIVE, NAIVE.date(), 5],
        }.items()
    },
    "state": (lambda client, value: list(client.deliveries(state=value)), [5, b"x", [5]]),
    "max_retries": (lambda client, value: client.with_options(max_retries=value), ["5", -1, 1.5]),
    "timeout ": (lambda client, value: client.with_options(timeout=value), SECONDS),
}
CASES = [(name, run, value) for name, (run, values) in WRONG.items() for value in values]


@pytest.mark.parametrize(
    ("name", "run", "value"), CASES, ids=[f"{name.strip()}={value!r}" for name, _, value in CASES]
)
def test_a_wrong_argument_is_named(
    client: Client, server: Server, name: str, run: Callable[..., Any], value: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match=name.strip()):
        run(client, value)

    assert server.requests == []


def test_terms_are_checked_before_a_file_is_uploaded(client: Client, server: Server) -> None:
    with pytest.raises(ValueError, match="retention"):
        client.submit("make", {"file": bytes(INLINE_BYTES + 1)}, retention=-1)

    assert server.requests == []


@dataclasses.dataclass
class Point:
    x: int = 1


class Scalar:
    """As those of numpy."""

    def tolist(self) -> int:
        return 1


ITSELF: list[Any] = []
ITSELF.append(ITSELF)
INPUTS: dict[str, tuple[Any, str]] = {
    "Decimal": ({"a": decimal.Decimal("1.5")}, r"/input/a .* Decimal.*: give str\(value\)"),
    "UUID": ({"a": [0, uuid.UUID(int=1)]}, r"/input/a/1 .* UUID.*: give str\(value\)"),
    "datetime": ({"a": {"b": NAIVE}}, r"/input/a/b .*datetime.*: give value.isoformat\(\)"),
    "set": ({"a": {1}}, r"/input/a .* set.*: give a list"),
    "of numpy": ({"a": Scalar()}, r"/input/a .*: give value.tolist\(\)"),
    "an array": ({"a": array.array("d")}, r"/input/a .*: give value.tolist\(\)"),
    "a dataclass": ({"a": Point()}, r"/input/a .*: give dataclasses.asdict\(value\)"),
    "an object": ({"a": {"b": [object()]}}, r"/input/a/b/0 is of the type object"),
    "NaN": ({"a": [NAN]}, "/input/a/0 cannot be sent as JSON: nan is"),
    "a name with a slash": ({"a/b~": {1}}, "/input/a~1b~0 is"),
    "a number as name": ({"a": {1: 2}}, "/input/a has a member whose name is no text: 1"),
    "None as name": ({None: 2}, "/input has a member whose name is no text: None"),
    "itself": ({"a": ITSELF}, "contains itself"),
    "a list": ([1], "input is a dict"),
    "a set": ({"a"}, "input is a dict"),
    "a text": ("a", "input is a dict"),
    "bytes": (b"a", "input is a dict"),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("method", ["call", "submit", "map"])
def test_what_json_does_not_have_is_found_with_its_place(
    client: Client, server: Server, name: str, method: str
) -> None:
    value, said = INPUTS[name]
    run: Callable[[], Any] = {
        "call": lambda: client.call("make", value),
        "submit": lambda: client.submit("make", value),
        "map": lambda: list(client.map("make", [value])),
    }[method]
    with pytest.raises((TypeError, ValueError), match=said):
        run()

    assert server.requests == []


def test_mappings_and_tuples_are_json(client: Client) -> None:
    class Own(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            return {"a": (1, True, None, 1.5, "x")}[name]

        def __iter__(self) -> Iterator[str]:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert client.call("make", Own()) == {"a": [1, True, None, 1.5, "x"]}
