"""The Python client behind a hostile network: it never loses a job, never doubles one, never hangs."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nowlater_client import Client, NowlaterError, WaitTimeout
from tests.e2e.client import Client as Caller
from tests.e2e.hostile import NONE, Fault, Proxy, serving
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import ROOT, Served

pytestmark = pytest.mark.usefixtures("diagnostics")
#: How late a time limit may be, in seconds.
TOLERANCE_S = 2.0
#: Between the bytes at which an answer is cut; the nightly run cuts at each.
STEPS = [pytest.param(1, marks=pytest.mark.nightly), 37]


@contextmanager
def behind(api: Caller, proxy: Proxy) -> Iterator[Client]:
    token = api.get("/health").request.headers["Authorization"].removeprefix("Bearer ")
    with serving(proxy) as url, Client(url, token) as client:
        yield client


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat at once."""
    monkeypatch.setattr("nowlater_client.exchange.random.uniform", lambda low, high: 0.0)


def ids(client: Client, tag: str) -> set[str]:
    """Return the jobs with a tag, once the list, which can be a second behind, has them."""
    time.sleep(1.5)
    return {job.id for job in client.jobs(tags={"test": tag})}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("step", STEPS)
def test_an_answer_to_a_submit_that_is_cut_anywhere_gives_one_job(
    api: Caller, key: str, step: int
) -> None:
    proxy = Proxy(api.url)
    with behind(api, proxy) as client:
        first = client.submit("echo", {"value": 0}, key=f"{key}-0", tags={"test": key})
        size, expected = proxy.sizes[-1], {first.id}
        for at in range(0, size, step):
            number = at // 64  # a job of its own for each 64 bytes
            proxy.faults[:] = [Fault(cut_at=at)]
            job = client.submit("echo", {"value": 0}, key=f"{key}-{number}", tags={"test": key})
            expected.add(job.id)
            assert proxy.faults == []

        assert len(expected) == len({at // 64 for at in range(0, size, step)})
        assert ids(client, key) == expected


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("step", STEPS)
def test_answers_about_a_job_may_be_cut_anywhere(api: Caller, key: str, step: int) -> None:
    value, proxy = "x" * 20_000, Proxy(api.url)
    with behind(api, proxy) as client:
        job = client.submit("echo", {"value": value}, key=key)
        assert job.result(PATIENCE_S) == value  # by 303, as it is large
        small = client.submit("echo", {"value": [1, "ä"]}, key=f"{key}-small")
        assert small.result(PATIENCE_S) == [1, "ä"]
        for path in (f"/jobs/{small.id}", f"/jobs/{small.id}/result", f"/jobs/{job.id}/result"):
            client.request("GET", path)
            whole = client.request("GET", path)
            for at in range(0, proxy.sizes[-1], step):
                proxy.faults[:] = [Fault(cut_at=at)]
                reply = client.request("GET", path)
                assert (reply.status, reply.media_type) == (whole.status, whole.media_type)
                assert reply.status == 303 or reply.json() == whole.json()


def test_jobs_in_a_storm_arrive_once_each(api: Caller, key: str) -> None:
    chance = random.Random(key)
    kinds = [
        *(Fault(status=status) for status in (429, 500, 502, 503, 504)),
        *(Fault(is_lost=True), Fault(cut_at=0), Fault(cut_at=300), Fault(delay_s=1.5)),
    ]
    proxy = Proxy(api.url, lambda _: chance.choice(kinds) if chance.random() < 0.3 else NONE)
    inputs = [{"value": number} for number in range(60)]

    with behind(api, proxy) as client:
        results = list(client.map("echo", inputs, key=key, tags={"test": key}))
        proxy.choose = lambda _: NONE
        found = ids(client, key)

    assert results == list(range(60))
    assert len(found) == 60


@pytest.mark.nightly
def test_a_wait_outlasts_a_stack_that_stops_for_30_seconds(
    api: Caller, served: Served, key: str
) -> None:
    with behind(api, Proxy(api.url)) as client:
        job = client.submit("sleep", {"seconds": 1}, key=key, tags={"test": key})
        others = client.map("echo", [{"value": n} for n in range(20)], tags={"test": f"{key}-map"})
        assert next(others) == 0
        with stopped(served):
            time.sleep(30)
        assert job.result(PATIENCE_S) == {"seconds": 1}
        assert list(others) == list(range(1, 20))
        found = ids(client, key), ids(client, f"{key}-map")

    assert [len(one) for one in found] == [1, 20]


def test_a_timeout_is_kept_while_the_stack_is_stopped(api: Caller, served: Served) -> None:
    with behind(api, Proxy(api.url)) as client:
        job = client.submit("sleep", {"seconds": 0})
        with stopped(served):
            for timeout in (0, 0.5, 3):
                began = time.monotonic()
                with pytest.raises(WaitTimeout) as waited:
                    job.wait(timeout)
                assert time.monotonic() - began < timeout + TOLERANCE_S
                assert waited.value.job_id == job.id
            for door in ({}, {"wait": 10}):
                began = time.monotonic()
                with pytest.raises(NowlaterError):
                    client.call("echo", {"value": 1}, timeout=3, **door)
                assert time.monotonic() - began < 3 + TOLERANCE_S
        assert job.result(PATIENCE_S) == {"seconds": 0}


PROGRAM = """
import sys
from nowlater_client import Client

url, token, key = sys.argv[1:]
with Client(url, token) as client:
    inputs = ({"value": number} for number in range(40))
    for result in client.map("echo", inputs, key=key, tags={"test": key}):
        print(result, flush=True)
"""


def test_a_process_that_is_killed_finds_its_jobs_again(
    api: Caller, key: str, tmp_path: Path
) -> None:
    token = api.get("/health").request.headers["Authorization"].removeprefix("Bearer ")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), api.url, token, key]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "clients" / "python")}
    with Client(api.url, token) as client:
        first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        eventually(lambda: len(list(client.jobs(tags={"test": key}))) >= 5, pause_s=0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
        before = ids(client, key)
        second = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        after = ids(client, key)

    assert [int(line) for line in second.stdout.split()] == list(range(40))
    assert before <= after
    assert len(after) == 40


@contextmanager
def stopped(served: Served) -> Iterator[None]:
    """Stop the API and its Lambdas, as a machine that sleeps does."""
    command = ["ps", "-o", "pid=", "--ppid", f"{served.process.pid}"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    pids = [int(pid) for pid in listed.stdout.split()] + [pid for pid, _ in served.processes()]
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a Lambda that has ended
            os.kill(pid, number)
