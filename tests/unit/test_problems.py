"""Problem details."""

from http import HTTPStatus
from typing import get_args

import pytest

from nowlater.problems import KINDS, Problem, ProblemName, describe_kind, document, type_url

BASE = "https://api.example.com"


def test_the_type_of_names_has_every_kind_and_no_other() -> None:
    assert get_args(ProblemName.__value__) == tuple(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_the_status_of_an_error(name: str) -> None:
    status, title = KINDS[name]

    assert HTTPStatus(status).is_client_error or HTTPStatus(status).is_server_error
    assert title.endswith(".")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_the_members_of_rfc_9457_and_those_of_azures_clients(
    name: str,
) -> None:
    described = document(Problem(name, "So it was.").record(), BASE)

    assert described == {
        "type": f"{BASE}/problems/{name}",
        "title": KINDS[name][1],
        "status": KINDS[name][0],
        "detail": "So it was.",
        "code": name,
        "message": "So it was.",
    }


def test_a_message_is_never_empty() -> None:
    described = document(Problem("refused", "").record(), BASE)

    assert described["message"] == described["title"]


def test_members_that_help_stand_beside_the_others() -> None:
    problem = Problem(
        "malformed-request", "No.", pointer="/retention", expected={"type": "integer"}
    )
    described = document(problem.record(), BASE)

    assert (described["pointer"], described["expected"]) == ("/retention", {"type": "integer"})


def test_headers_are_for_the_answer_and_not_for_the_record() -> None:
    problem = Problem("try-again", "Later.", headers={"Retry-After": "2"})

    assert problem.headers == {"Retry-After": "2"}
    assert "headers" not in problem.record()


def test_a_stored_failure_can_be_described_under_another_status() -> None:
    described = document(Problem("operation-failed", "It failed.").record(), BASE, 409)

    assert described["status"] == 409
    assert described["type"] == f"{BASE}/problems/operation-failed"


def test_a_sentence_that_does_not_fit_beside_its_job_is_cut() -> None:
    problem = Problem("refused", "x" * 1_000_000)

    assert len(problem.record()["detail"]) == 2000


def test_a_problem_that_is_not_named_here_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Problem("no-such-kind", "…")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_page_at_its_own_url(name: str) -> None:
    described = describe_kind(name, BASE)

    assert described["type"] == type_url(name, BASE) == f"{BASE}/problems/{name}"
    assert (described["status"], described["title"]) == KINDS[name]
    assert described["phrase"] == HTTPStatus(described["status"]).phrase


def test_there_is_no_page_for_other_kinds() -> None:
    with pytest.raises(Problem) as raised:
        describe_kind("no-such-kind", BASE)

    assert raised.value.name == "unknown-route"


def test_what_json_cannot_say_is_replaced() -> None:
    assert Problem("refused", "no \udcff.csv, ü").record()["detail"] == "no ?.csv, ü"
