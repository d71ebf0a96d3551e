"""The exceptions: one for each problem, which says what to do, and survives pickle."""

import copy
import pickle
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from nowlater import problems
from nowlater_client import Client, NowlaterError, errors
from nowlater_client.webhooks import NotGenuine

CODES = list(problems.KINDS)


@pytest.mark.parametrize("code", CODES)
def test_each_problem_has_its_class_and_says_what_to_do(code: str) -> None:
    error = errors.from_problem({"code": code, "detail": "It failed.", "status": 422})

    assert type(error) is not NowlaterError
    assert type(error).__name__.lower() == code.replace("-", "")
    assert error.advice.endswith(".")
    assert f"{error}".startswith("It failed. ")


def test_an_unknown_problem_is_the_root() -> None:
    error = errors.from_problem({"code": "of-tomorrow", "title": "It is new.", "status": 418})

    assert type(error) is NowlaterError
    assert (error.code, error.status, f"{error}") == ("of-tomorrow", 418, "It is new.")


OTHERS = [errors.Unreachable, errors.ClientClosed, errors.WaitTimeout, errors.RequestTimeout]
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize(
    "kind",
    [NowlaterError, NotGenuine, *OTHERS, *errors.KINDS.values()],
    ids=lambda kind: kind.__name__,
)
def test_an_exception_survives_copies(kind: type[NowlaterError], copied: str) -> None:
    problem = {"code": "invalid-input", "detail": "Why.", "pointer": "/input/top"}
    error = kind("Why.", status=422, problem=problem, job_id="j", key="k", request_id="r")

    found = COPIES[copied](error)

    assert type(found) is kind
    assert (f"{found}", found.pointer) == (f"{error}", "/input/top")
    assert (found.job_id, found.key, found.request_id, found.status) == ("j", "k", "r", 422)


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\u2028"])
def test_a_message_is_one_line(separator: str) -> None:
    error = errors.from_problem({"code": "refused", "detail": f"Row 7:{separator}no date."})

    assert f"{error}" == "Row 7: no date. Change the input."
    assert error.detail == f"Row 7:{separator}no date."


HANDLERS: dict[str, Callable[[socket.socket], object]] = {
    "cut": lambda connection: connection.recv(1),
    "no HTTP": lambda connection: connection.sendall(b"no HTTP\r\n\r\n"),
    "a page": lambda connection: connection.sendall(
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("answer", HANDLERS)
def test_no_traceback_has_the_key_even_with_locals(answer: str) -> None:
    """As error trackers and pytest show them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                HANDLERS[answer](connection)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Client(url, "nl_hidden", max_retries=0) as client,
            pytest.raises(NowlaterError) as caught,
        ):
            client.submit("echo", {"value": 1})
        thread.join()

    found = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "nl_hidden" not in "".join(found.format())


def test_it_names_job_key_and_request() -> None:
    error = errors.Unreachable("No answer.", job_id="j-1", key="k-1", request_id="r-1")

    assert f"{error}".endswith("(job j-1, idempotency key k-1, request r-1)")
    assert isinstance(error, ConnectionError)
    assert issubclass(errors.WaitTimeout, TimeoutError)
