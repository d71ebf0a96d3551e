"""`nowlater.testing`: an operation that a test calls does what it does behind a door."""

import io
import time
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from discovery import DIAGNOSTICS, find_operations
from local import layers, served
from local.failure import Failure
from nowlater import Canceled, Context, Document, Refused, TimedOut, testing
from nowlater.problems import Problem
from nowlater.testing import InvalidInput, RecordingContext, Report, WrongResult, call
from tests.catalogue import forget_catalogue
from tests.unit.builds import build

WRITE_CATALOGUE = layers.write_catalogue
OPERATIONS = '''
from datetime import date
from typing import Any

from nowlater import Context, Document, Refused, operation


@operation()
def plain(day: date, times: int = 2) -> dict[str, Any]:
    """Returns its input."""
    return {"day": day, "times": times}


@operation(doors=("async",))
def late(context: Context) -> list[Any]:
    """Returns what its context has."""
    return [context.job_id, context.attempt, context.idempotency_key]


@operation()
def wrong() -> int:
    """Returns something else."""
    return "no number"  # type: ignore[return-value]


@operation()
def faulty(kind: str) -> None:
    """Fails."""
    raise {"refused": Refused("not that"), "key": KeyError(kind)}[kind]


@operation(timeout=0.2)
def endless() -> None:
    """Never ends."""
    while True:
        pass


@operation()
def shout(file: Document) -> Document:
    """Shouts."""
    return Document(file.read().upper(), file.media_type)


@operation()
async def slowly(context: Context) -> str:
    """Reports often."""
    for n in range(4):
        context.progress(n / 4, f"step {n}")
    return "done"
'''


@pytest.fixture(autouse=True, scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A package of operations, in place of those of this repository."""
    package = tmp_path_factory.mktemp("package") / "operations_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "all.py").write_text(OPERATIONS)

    def write(folder: Path) -> None:
        found = find_operations(import_module(package.name), framework=(DIAGNOSTICS,))
        build.write(folder, found, with_manual=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(package.parent)
        patch.setattr(layers, "write_catalogue", write)
        testing._catalogue.cache_clear()
        forget_catalogue()
        yield
        testing._catalogue.cache_clear()
        forget_catalogue()


# ── call ──────────────────────────────────────────────────────────────────────────────────────


def test_a_result_is_what_callers_get() -> None:
    assert call("plain", {"day": "2028-02-29"}) == {"day": "2028-02-29", "times": 2}
    assert call("echo", {"value": [1, None]}) == [1, None]


def test_an_input_is_what_json_makes_of_it() -> None:
    assert call("plain", {"day": date(2028, 2, 29)})["day"] == "2028-02-29"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"day": 1}, "/input/day must be text"),
        ({"day": "2028-02-29", "times": 1.5}, "/input/times must be a whole number"),
        ({}, '/input needs the member "day"'),
        (
            {"day": "2028-02-29", "other": 1},
            '/input has the member "other", which it does not take',
        ),
        ({"day": "2027-02-29"}, "/input"),
    ],
)
def test_an_input_that_a_door_would_refuse_is_refused_with_its_sentence(
    given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        call("plain", given)

    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_a_value_that_json_does_not_have_is_refused_as_at_a_door(value: object) -> None:
    with pytest.raises(InvalidInput, match="The body is not JSON"):
        call("echo", {"value": value})


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert call("plain", {"day": "2028-02-29", "times": 2.0})["times"] == 2


@pytest.mark.parametrize("given", [[], "", 0])
def test_an_input_that_is_no_object_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput, match="/input must be an object"):
        call("plain", given)


def test_a_problem_of_the_operations_own_is_no_fault_of_the_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = Problem("refused", "mine")
    monkeypatch.setattr(testing.executor, "run", lambda *_, **__: (_ for _ in ()).throw(problem))

    with pytest.raises(Problem, match="mine"):
        call("plain", {"day": "2028-02-29"})


def test_a_result_that_its_annotation_does_not_allow_is_an_error() -> None:
    with pytest.raises(WrongResult, match="wrong returned what its annotation does not allow"):
        call("wrong")


def test_what_an_operation_raises_is_raised_as_it_is() -> None:
    with pytest.raises(Refused, match="not that"):
        call("faulty", {"kind": "refused"})
    with pytest.raises(KeyError):
        call("faulty", {"kind": "key"})


def test_an_operation_has_its_own_time_and_no_more() -> None:
    began = time.monotonic()

    with pytest.raises(TimedOut):
        call("endless")
    with pytest.raises(TimedOut):
        call("sleep", {"seconds": 100}, RecordingContext(within_s=0.2))
    assert time.monotonic() - began < 60


def test_files_come_and_go_as_documents() -> None:
    result = call("shout", {"file": Document(b"caf\xc3\xa9", "text/plain")})

    assert isinstance(result, io.BufferedReader)
    assert (result.read(), result.media_type) == (
        "caf".upper().encode() + b"\xc3\xa9",
        "text/plain",
    )
    assert call("shout", {"file": "as text"}).read() == b"AS TEXT"
    with pytest.raises(InvalidInput, match="pass a Document instead"):
        call("shout", {"file": {"upload": "0" * 32}})


def test_what_is_at_one_door_alone_can_be_called_with_any_context() -> None:
    context = RecordingContext(job_id="j", attempt=3, idempotency_key="k")

    assert call("late", context=context) == ["j", 3, "k"]
    assert call("late", context=Context(deadline=2**53, idempotency_key="x")) == [None, 1, "x"]


def test_an_unknown_operation_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(LookupError, match=r"There is no operation plian\. There are: .*plain"):
        call("plian")


# ── the context ───────────────────────────────────────────────────────────────────────────────


def test_all_progress_is_recorded() -> None:
    context = RecordingContext()

    assert call("slowly", context=context) == "done"
    assert context.reports == [Report(n / 4, f"step {n}") for n in range(4)]


def test_a_job_can_be_canceled_after_so_many_reports_or_at_once() -> None:
    third, at_once = RecordingContext(cancel_after=3), RecordingContext()
    at_once.cancel()

    for context in (third, at_once):
        with pytest.raises(Canceled):
            call("slowly", context=context)
    assert (len(third.reports), len(at_once.reports)) == (3, 1)


def test_an_impossible_fraction_is_refused_as_in_a_real_run() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        RecordingContext().progress(2)


# ── what cannot be built or served ────────────────────────────────────────────────────────────


def test_the_catalogue_of_this_folders_operations_is_written_without_the_manual(
    tmp_path: Path,
) -> None:
    WRITE_CATALOGUE(tmp_path)
    package = tmp_path / "nowlater_catalogue"

    assert (package / "text_stats.py").exists()
    assert not (package / "manual").exists()


def test_an_api_that_ends_before_it_serves_is_an_error_with_its_output(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("no way\n")
    (tmp_path / "ended").touch()

    with pytest.raises(Failure, match="The API could not be served:\nno way"):
        served.wait(tmp_path)
