"""`make up` as it is, without the parameters that the other tests give it."""

from nowlater import instants
from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Served
from tests.issuer import Issuer


def test_keys_are_taken_and_tokens_are_not(plain: Served, issuer: Issuer) -> None:
    connection = plain.connection()
    shown = (connection["key"], issuer.token(instants.now()), "a.b.c")
    callers = [Client(connection["url"], token) for token in shown]
    answers = [caller.get("/jobs").status_code for caller in callers]
    for caller in callers:
        caller.close()

    assert answers == [200, 403, 403]


def test_who_writes_an_operation_sees_what_its_exceptions_say(plain: Served) -> None:
    connection = plain.connection()
    caller = Client(connection["url"], connection["key"])

    def shown() -> str:
        # The emulator may keep the last lines of a call until the next one.
        caller.ask("sync", "echo", {"value": 1})
        return plain.output.read_text()

    answer = caller.ask("sync", "fail", {"message": "the third wheel is missing"})
    eventually(shown, lambda text: "the third wheel is missing" in text)
    caller.close()

    assert answer.status_code == 500
    assert "the third wheel" not in answer.text
