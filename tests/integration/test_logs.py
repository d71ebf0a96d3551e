"""What the Lambdas log: who, which job and how it went, and never what was sent or came out."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nowlater import Refused, Unavailable
from nowlater.access import api_keys
from nowlater.log import logger, operation_failed
from tests import receiver as plays
from tests.integration.credentials import RSA, authorized, table, trust
from tests.integration.world import START, World
from tests.issuer import Issuer
from tests.receiver import Receiver

SECRET = "of-nobodys-business"


def failing(message: str = SECRET) -> None:
    try:
        raise KeyError(message)
    except KeyError as fault:
        raise ValueError(message, {"input": message}) from fault


def caught(run: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException, match=SECRET) as raised:
        run()
    return raised.value


@pytest.fixture
def at_debug() -> Iterator[None]:
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(logging.INFO)


def test_a_failure_is_logged_by_its_kind_and_its_place(lines: list[Any]) -> None:
    operation_failed(caught(failing))

    (line,) = lines
    assert (line["level"], line["message"]) == ("ERROR", "operation_failed")
    assert line["exception_name"] == "ValueError"
    assert "builtins.KeyError\n" in line["exception"]
    assert line["exception"].endswith("builtins.ValueError\n")
    assert line["exception"].count("in failing\n") == 2
    assert line["exception"].index("KeyError\n") < line["exception"].index("ValueError\n")
    assert SECRET not in json.dumps(line)


def test_a_failure_while_another_is_handled_is_logged_with_that(lines: list[Any]) -> None:
    def run() -> None:
        try:
            failing()
        finally:
            raise OSError(SECRET)

    fault = caught(run)
    assert isinstance(fault.__context__, ValueError)
    fault.__context__.__cause__ = fault  # it goes round
    operation_failed(fault)

    assert lines[0]["exception"].count("builtins.") == 2
    assert SECRET not in json.dumps(lines)


@pytest.mark.usefixtures("at_debug")
def test_at_debug_a_failures_own_words_are_logged(lines: list[Any]) -> None:
    operation_failed(caught(failing))

    assert f"ValueError: ('{SECRET}'" in lines[0]["exception"]
    assert f"KeyError: '{SECRET}'" in lines[0]["exception"]


FAILURES: dict[str, BaseException] = {
    "an exception": ValueError(SECRET),
    "a refusal": Refused(SECRET),
    "what is unavailable": Unavailable(SECRET),
    "no Exception": GeneratorExit(SECRET),
    "several": ExceptionGroup(SECRET, [ValueError(SECRET)]),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("aws_fails", [False, True])
def test_what_an_operation_raises_is_not_logged(
    world: World, lines: list[Any], failure: str, aws_fails: bool
) -> None:
    def fail(_: Any) -> None:
        if aws_fails:
            world.faults.unreachable("dynamodb.UpdateItem")
        raise FAILURES[failure]

    world.meanwhile(fail, fail, fail)
    world.submit("meanwhile", {})
    world.work()
    world.faults.clear()
    world.sync("meanwhile", {})
    world.pass_time(400)
    world.work()

    assert [line for line in lines if line["message"] in ("attempt_ended", "message_retained")]
    assert SECRET not in json.dumps(lines)


def test_progress_that_is_not_written_says_nothing_of_what_is_handled(
    world: World, lines: list[Any]
) -> None:
    def report(context: Any) -> None:
        world.faults.unreachable("dynamodb.UpdateItem")
        try:
            failing()
        except ValueError:
            context.progress(0.5, SECRET)
        world.faults.clear()

    world.meanwhile(report)
    world.submit("meanwhile", {})
    world.work()

    assert [line["message"] for line in lines if line["level"] == "WARNING"] == [
        "progress_not_written"
    ]
    assert SECRET not in json.dumps(lines)


def test_a_run_that_timed_out_at_the_sync_door_is_logged_with_its_operation(
    world: World, lines: list[Any]
) -> None:
    assert world.sync("slow", {}).status == 504
    (line,) = [line for line in lines if line["message"] == "run_timed_out"]

    assert (line["level"], line["operation"], line["seconds"] > 0) == ("INFO", "slow", True)


def test_a_wrong_result_is_not_logged(world: World, lines: list[Any]) -> None:
    world.sync("wrong-result", {})

    assert "WrongResult" in json.dumps(lines)
    assert "secret" not in json.dumps(lines)


@pytest.mark.parametrize(
    "play", [plays.ok, plays.gone, plays.half_a_head], ids=["200", "410", "cut"]
)
def test_a_delivery_is_logged_without_its_url_and_its_answer(
    world: World, lines: list[Any], receiver: Receiver, play: plays.Behaviour
) -> None:
    receiver.plays[:] = [play]
    callback = {"url": receiver.url(f"/{SECRET}?key={SECRET}")}
    world.submit("echo", {"value": SECRET}, callback=callback, tags={"t": SECRET}, key=SECRET)
    world.work()
    world.notify()
    world.send_webhooks()

    assert [line for line in lines if "deliver" in line["message"]]
    assert SECRET not in json.dumps(lines)


def test_the_caller_is_logged_without_the_credentials(world: World, lines: list[Any]) -> None:
    key, token = api_keys.issue(table(world), "acme", now=START)
    with Issuer(RSA) as issuer:
        trust(world, issuer.url)
        jwt = issuer.token(world.now, sub=SECRET)
        authorized(world, f"Bearer {token}")
        authorized(world, f"Bearer {token[:-1]}")
        answer = authorized(world, f"Bearer {jwt}")
        authorized(world, f"Bearer {jwt[:-9]}")

    said = [(line["owner"], line["key"]) for line in lines]
    assert said == [("acme", key.id), (answer["context"]["owner"], "rsa")]
    assert SECRET not in json.dumps(lines)
    assert token[-43:] not in json.dumps(lines)
    assert jwt.split(".")[1] not in json.dumps(lines)


def test_a_failure_however_deep_fits_into_a_line_of_the_log(world: World, lines: list[Any]) -> None:
    def even(n: int) -> None:
        odd(n - 1)

    def odd(n: int) -> None:
        if n < 0:
            raise ValueError("x" * 1_000_000)
        even(n - 1)

    def fail(context: Any) -> None:
        fault: Exception | None = None
        for _ in range(200):
            try:
                try:
                    even(100)
                except ValueError as deep:
                    raise TypeError from (fault or deep)
            except TypeError as next_one:
                fault = next_one
        assert fault is not None
        raise fault

    world.meanwhile(fail)
    world.submit("meanwhile", {})
    world.work()
    (failed,) = [line for line in lines if line["message"] == "operation_failed"]

    assert "even" in json.dumps(failed) or "fail" in json.dumps(failed)
    assert len(json.dumps(failed)) < 100_000
