"""The exceptions: one for each problem, which says what to do, and survives pickle."""

import pickle

import pytest

from nowlater import problems
from nowlater_client import NowlaterError, errors

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


@pytest.mark.parametrize("kind", errors.KINDS.values(), ids=lambda kind: kind.__name__)
def test_an_exception_survives_pickle(kind: type[NowlaterError]) -> None:
    problem = {"code": "invalid-input", "detail": "Why.", "pointer": "/input/top"}
    error = kind("Why.", status=422, problem=problem, job_id="j", key="k", request_id="r")

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert (f"{copy}", copy.pointer) == (f"{error}", "/input/top")
    assert (copy.job_id, copy.key, copy.request_id, copy.status) == ("j", "k", "r", 422)


def test_it_names_job_key_and_request() -> None:
    error = errors.Unreachable("No answer.", job_id="j-1", key="k-1", request_id="r-1")

    assert f"{error}".endswith("(job j-1, idempotency key k-1, request r-1)")
    assert isinstance(error, ConnectionError)
    assert issubclass(errors.WaitTimeout, TimeoutError)
