"""`make verify`: passes on a stack that is as it should be, and names the part of one that is not."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from local.verify.caller import TAG
from local.verify.run import CHECKS
from tests.e2e.client import Client
from tests.e2e.conftest import WEB_ORIGINS
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import Served, environment
from tests.receiver import Receiver, ok
from tests.stack import one_or_more

#: All checks together wait many times, each as long as it takes.
_LONGEST_S = 10 * PATIENCE_S
#: What is planted stays away for good; so many seconds are waited for it, and for all else. Where that
#: was too little for a busy machine, which shows as another part that fails, the next is tried.
_PATIENCE_S = (15, 60, 180)
_WRONG = "https://api.wrong.example"


def command(*arguments: str) -> list[str]:
    return [".venv/bin/python", "-m", "local.verify", *arguments]


def verify(served: Served, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run it in a stack's folder, where it finds URL and key by itself."""
    return subprocess.run(
        command(*arguments),
        cwd=served.folder,
        env=environment() | more,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )


def results(report: str) -> list[str]:
    """Return the first cell of each row of the table."""
    return re.findall(r"^(passed|FAILED|skipped)  ", report, re.MULTILINE)


def blamed(report: str) -> set[str]:
    """Return the parts of the stack that a report says to look at."""
    return set(re.findall(r"^- (\w+) \(", report, re.MULTILINE))


def left_over(api: Client) -> list[Any]:
    """Return the jobs of any run that are still there."""
    jobs = api.get("/jobs?limit=100").json()["jobs"]
    return [job for job in jobs if TAG in job["tags"]]


def test_all_that_it_looks_at_holds_on_the_local_stack(api: Client, served: Served) -> None:
    connection = served.connection()
    with Receiver([ok]) as receiver:
        done = verify(
            served,
            *("--url", api.url, "--receiver", receiver.url(), "--topic", connection["topic"]),
            *("--origin", WEB_ORIGINS[0]),
            *("--patience", f"{PATIENCE_S:g}", "--within", f"{_LONGEST_S:g}"),
            KEY=connection["key"],
            AWS_ENDPOINT_URL=connection["endpoint"],
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )
        called = [json.loads(request.body) for request in receiver.requests]

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(results(done.stdout)) == len(CHECKS)
    assert "skipped" not in results(done.stdout), done.stdout
    assert {event["type"] for event in called} == {"nowlater.job.succeeded"}
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert connection["key"] not in done.stdout + done.stderr
    eventually(lambda: left_over(api), lambda jobs: jobs == [])
    queues = (
        served.client("sqs").list_queues(QueueNamePrefix="nowlater-verify").get("QueueUrls", [])
    )
    assert queues == []


# ── planted faults ────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stack of this module's own, into which faults are planted one after another."""
    if "NOWLATER_URL" in os.environ:
        pytest.skip("faults are planted into the local stack alone")
    with Served(tmp_path_factory.mktemp("faulty")) as it:
        yield it


@contextmanager
def status_may_not(served: Served, action: str) -> Iterator[None]:
    """Take an action from Status's role."""
    iam, role = served.client("iam"), served.stack().ids["StatusRole"]
    whole = iam.get_role_policy(RoleName=role, PolicyName="Status")["PolicyDocument"]
    left = [
        statement | {"Action": actions}
        for statement in whole["Statement"]
        if (actions := [a for a in one_or_more(statement["Action"]) if a != action])
    ]
    less = whole | {"Statement": left}
    try:
        iam.put_role_policy(RoleName=role, PolicyName="Status", PolicyDocument=json.dumps(less))
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="Status", PolicyDocument=json.dumps(whole))


@contextmanager
def source_off(served: Served, name: str) -> Iterator[None]:
    """Switch off what feeds a Lambda."""
    lambdas, source = served.client("lambda"), served.stack().ids[name]
    lambdas.update_event_source_mapping(UUID=source, Enabled=False)
    try:
        yield
    finally:
        lambdas.update_event_source_mapping(UUID=source, Enabled=True)


@contextmanager
def public_url(served: Served, url: str) -> Iterator[None]:
    """Have all Lambdas take another PublicUrl for the stack's."""
    lambdas, stack = served.client("lambda"), served.stack()
    names = [stack.ids[name] for name, _ in stack.of_type("AWS::Lambda::Function")]
    described = (lambdas.get_function_configuration(FunctionName=name) for name in names)
    before = {it["FunctionName"]: it["Environment"] for it in described}
    try:
        for name, given in before.items():
            changed = {"Variables": given["Variables"] | {"NOWLATER_PUBLIC_URL": url}}
            lambdas.update_function_configuration(FunctionName=name, Environment=changed)
        yield
    finally:
        for name, given in before.items():
            lambdas.update_function_configuration(FunctionName=name, Environment=given)


FAULTS: dict[str, tuple[Callable[[Served], AbstractContextManager[None]], str, str]] = {
    "Status may not read": (
        lambda served: status_may_not(served, "dynamodb:GetItem"),
        "Status",
        r"GET /jobs/\{id\} returned 503 try-again",
    ),
    "Status may not write": (
        lambda served: status_may_not(served, "dynamodb:UpdateItem"),
        "Status",
        r"POST /jobs/\{id\}/cancel returned 503 try-again",
    ),
    "Notify is off": (
        lambda served: source_off(served, "NotifyEnds"),
        "Notify",
        r"no event is published after \d+ s; a replay, which does not need Notify, is sent",
    ),
    "SendWebhooks is off": (
        lambda served: source_off(served, "SendWebhooksWebhooks"),
        "SendWebhooks",
        r"no webhook is sent after \d+ s, and no replay either",
    ),
    "PublicUrl is wrong": (
        lambda served: public_url(served, _WRONG),
        "PublicUrl",
        f"links begin with {_WRONG}, not with http://localhost",
    ),
}


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_its_part_is_named(faulty: Served, fault: str) -> None:
    plant, part, evidence = FAULTS[fault]
    with plant(faulty):
        for patience_s in _PATIENCE_S:
            done = verify(faulty, "--patience", str(patience_s))
            if blamed(done.stdout) == {part}:
                break
    said = re.sub(r"\s+", " ", done.stderr)

    assert done.returncode == 1, done.stdout + done.stderr
    assert blamed(done.stdout) == {part}, done.stdout + done.stderr
    assert re.search(evidence, said), done.stderr


def test_a_web_origin_that_the_stack_does_not_know_is_found(served: Served) -> None:
    done = verify(served, "--only", "preflight", "--origin", "https://stranger.example.com")

    assert (done.returncode, blamed(done.stdout)) == (1, {"WebOrigins"}), done.stdout + done.stderr
    assert results(done.stdout) == ["FAILED"]


def test_an_interrupted_run_cleans_up(api: Client, served: Served) -> None:
    with subprocess.Popen(
        command(),
        cwd=served.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        eventually(lambda: left_over(api))
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=_LONGEST_S)

    assert process.returncode == 130, stderr
    assert "cleaning up" in stderr
    assert "Traceback" not in stderr
    assert re.search(r"[1-9]\d* jobs? (was|were) made, and erased", stdout)
    eventually(lambda: left_over(api), lambda jobs: jobs == [])
