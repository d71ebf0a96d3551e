"""One run of an operation."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_socket

from nowlater import Canceled, Context, Document, Refused, TimedOut
from nowlater.runtime import executor
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.exceptions import WrongResult
from nowlater.runtime.executor import InputMismatch, Result
from tests import stack
from tests.unit import samples


def called(
    function: str,
    given: Any = None,
    *,
    context: Context | None = None,
    seconds: float = 5,
    module: str = samples.__name__,
) -> Result:
    """Run an operation of `samples` with this input."""
    entry = Entry(
        name=function.replace("_", "-"),
        module=module,
        function=function,
        timeout=5,
        attempts=1,
        doors=("sync",),
        diagnostic=False,
        takes_documents=False,
        validate=lambda data: data,
    )
    context = context or Context(deadline=0, idempotency_key="")
    return executor.run(entry, given or {}, context, seconds=seconds, open_upload=_open_upload)


def _open_upload(upload: str) -> Document:
    if upload == "f" * 32:
        raise ValueError("there is nothing at that id any more")
    return Document(f"the upload {upload}".encode())


def test_inputs_are_converted_to_the_types_of_their_annotations() -> None:
    answer = called(
        "types_of",
        {
            "point": {"x": 1},
            "person": {"firstName": "Ada"},
            "size": {"bytes": 1},
            "pair": [1, "a"],
            "words": ["a", "b"],
            "by_number": {"1": "a"},
            "day": "2026-03-01",
        },
    )

    assert answer.media_type is None
    assert msgspec.json.decode(answer.body) == {
        "point": "Point",
        "person": "Person",
        "size": "dict",
        "pair": "tuple",
        "words": "frozenset",
        "by_number": "dict",
        "day": "date",
        "note": "NoneType",
        "level": "int",
        "mode": "str",
    }


@pytest.mark.parametrize(
    ("function", "given", "fault"),
    [
        ("counted", {}, "what"),
        ("counted", {"what": 1, "other": 2}, "other"),
        ("measured", {"what": 1}, "Expected `str`"),
        ("read", {"file": {"base64": "A"}}, "not base64"),
        ("read", {"file": {"upload": "f" * 32}}, "any more"),
    ],
)
def test_an_input_that_does_not_fit_is_unfit_and_says_why(
    function: str, given: Any, fault: str
) -> None:
    with pytest.raises(InputMismatch, match=fault):
        called(function, given)


def test_an_operation_gets_the_context_of_its_run() -> None:
    said: list[Any] = []
    context = Context(
        job_id="a job", attempt=2, deadline=0, idempotency_key="a key", report=said.append
    )
    answer = called("about", context=context)

    assert msgspec.json.decode(answer.body) == {"job_id": "a job", "attempt": 2, "key": "a key"}
    assert said == [{"fraction": 0.5, "message": "half"}]


def test_the_caller_cannot_give_the_context() -> None:
    with pytest.raises(InputMismatch, match="context"):
        called("about", {"context": {}})


def test_an_upload_is_opened_as_the_operation_runs() -> None:
    answer = called("read", {"file": {"upload": "0" * 32}})

    assert msgspec.json.decode(answer.body) == "the upload " + "0" * 32


def test_a_document_is_answered_as_its_bytes() -> None:
    answer = called("picture")

    assert answer == Result(b"\x89PNG", "image/png")


def test_a_result_is_checked_and_written_as_json() -> None:
    assert called("profile", {"x": 1.5}) == Result(b'{"x":1.5,"y":0}')
    assert called("counted", {"what": 5}).body == b"5"


@pytest.mark.parametrize(
    ("function", "given"),
    [
        ("counted", {"what": "5"}),
        ("counted", {"what": None}),
        ("counted", {"what": True}),
        ("profile", {"x": "left"}),
        ("measured", {"what": "nan"}),
        ("measured", {"what": "inf"}),
        ("streamed", {}),
    ],
)
def test_a_result_that_the_annotation_does_not_allow_is_wrong(function: str, given: Any) -> None:
    with pytest.raises(WrongResult, match=function):
        called(function, given)


@pytest.mark.parametrize(
    "result", [{1: object()}, "\ud800", 10**5000], ids=["object", "half", "long"]
)
def test_a_result_that_json_cannot_have_is_wrong_and_the_operations_place_is_said(
    result: Any,
) -> None:
    with pytest.raises(WrongResult, match=r"\A/.*\.py:\d+: anything returned what its annotation"):
        called("anything", {"what": result})


@pytest.mark.parametrize("result", [None, 1, "a", [1, {"b": None}], 2**64])
def test_without_an_annotation_any_result_will_do(result: Any) -> None:
    assert msgspec.json.decode(called("anything", {"what": result}).body) == result


def test_what_an_operation_raises_comes_through() -> None:
    with pytest.raises(Refused, match="never"):
        called("refuses")


def test_a_run_is_stopped_when_its_time_is_up() -> None:
    with pytest.raises(TimedOut):
        called("runs_on", seconds=0.1)


def test_a_default_that_a_run_changed_is_restored_for_the_next_run() -> None:
    for _ in range(2):
        assert called("appended").body == b"[1,2]"


def test_an_optional_context_is_given_too() -> None:
    context = Context(deadline=0, idempotency_key="a key")

    assert called("with_optional_context", context=context).body == b'"a key"'


def test_a_value_that_a_set_cannot_hold_is_unfit() -> None:
    with pytest.raises(InputMismatch, match="unhashable"):
        called("kept", {"what": [[1]]})


# ── async def ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def loop_may_open_its_socket() -> Iterator[None]:
    """An event loop has a pair of sockets, by which it wakes itself."""
    pytest_socket.enable_socket()
    yield
    pytest_socket.disable_socket()


@pytest.mark.usefixtures("loop_may_open_its_socket")
class TestAsync:
    """Operations that are coroutines: awaited, and ended as others are."""

    def test_its_result_is_awaited(self) -> None:
        assert called("awaited", {"what": "done"}).body == b'"done"'

    def test_what_a_task_raises_comes_through(self) -> None:
        with pytest.raises(Refused, match="never"):
            called("awaited", {"what": "refused"})

    def test_a_cancel_comes_through_from_a_task(self) -> None:
        def cancel(said: Any) -> None:
            raise Canceled

        context = Context(deadline=0, idempotency_key="", report=cancel)
        with pytest.raises(Canceled):
            called("awaited", {"what": "canceled"}, context=context)

    @pytest.mark.parametrize("what", ["sleeps", "busy", "in a thread"])
    def test_a_coroutine_is_stopped_when_its_time_is_up(self, what: str) -> None:
        with pytest.raises(TimedOut):
            called("awaited", {"what": what}, seconds=0.1)

    def test_what_several_tasks_raise_stays_a_group(self) -> None:
        with pytest.raises(BaseExceptionGroup) as raised:
            called("awaited", {"what": "two"})

        assert raised.group_contains(KeyError)
        assert raised.group_contains(ValueError)

    def test_asyncio_is_not_imported_before_a_coroutine_runs(self) -> None:
        program = "import sys, nowlater.runtime.executor; print('asyncio' in sys.modules)"
        path = {"PYTHONPATH": str(stack.ROOT / "layers/nowlater")}
        done = subprocess.run([sys.executable, "-c", program], env=path, capture_output=True, text=True, check=True)  # fmt: skip

        assert done.stdout == "False\n"


def test_the_operations_environment_is_set_before_their_module_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(samples.__file__).read_text()
    (tmp_path / "imported_late.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SAMPLE_SETTING", "")
    monkeypatch.setenv("NOWLATER_OPERATIONS_ENVIRONMENT", '{"SAMPLE_SETTING": "from the template"}')
    called("counted", {"what": 1}, module="imported_late")

    assert sys.modules["imported_late"].AT_IMPORT == "from the template"
