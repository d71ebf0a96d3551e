"""Checks each job and each queue after the traffic, once all is quiet."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from local.stack import Stack
from tests.e2e.client import ENDED, Client
from tests.soak.ledger import Known, Ledger
from tests.soak.listener import Listener

#: Deadlines of the traffic, the sweep's two minutes, and what a busy machine takes.
QUIET_WITHIN_S = 900
_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def settle(
    stack: Stack,
    client: Client,
    ledger: Ledger,
    listener: Listener,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[str]:
    """Wait until nothing remains to be done, and return what breaks a guarantee.

    `meanwhile` is called every other second.
    """

    def wait(done: Callable[[], bool]) -> None:
        while not done() and time.monotonic() < until_s:
            meanwhile()
            time.sleep(2)

    until_s = time.monotonic() + QUIET_WITHIN_S
    print("waiting until all is quiet …", flush=True)
    _adopt(client, ledger)
    _cancel_what_is_far(client, ledger)
    wait(lambda: not any(_unfinished(client, ledger)))
    wait(lambda: set(ledger.jobs) <= set(listener.received))
    wait(lambda: not any(_remaining(stack)))
    return [
        *ledger.violations,
        *_unfinished(client, ledger),
        *_wrong_events(ledger, listener),
        *_wrongly_listed(client, ledger),
        *_remaining(stack),
    ]


def _adopt(client: Client, ledger: Ledger) -> None:
    """Add the jobs whose acceptance was lost, at most one for each lost answer."""
    unheard = [job for job in _all(client, "tag=soak:yes") if job["id"] not in ledger.jobs]
    for job in unheard[: ledger.lost]:
        ledger.see(job)


def _cancel_what_is_far(client: Client, ledger: Ledger) -> None:
    for job in _all(client, "status=scheduled"):
        canceled = client.call("POST", job["links"]["cancel"])
        if canceled.status_code == 200:
            ledger.see(canceled.json())


def _unfinished(client: Client, ledger: Ledger) -> Iterator[str]:
    """Look at each job that was not seen to have ended, and at each that was once more."""
    for known in list(ledger.jobs.values()):
        answer = client.get(f"/jobs/{known.id}")
        if answer.status_code == 200 and not known.erased:
            ledger.see(job := answer.json())
            if job["status"] not in ENDED:
                yield f"{known.id} is {job['status']}: {job}"
        elif not (answer.status_code == 410 and known.erased):
            yield f"{known.id} is {answer.status_code}, erased: {known.erased}"


def _wrong_events(ledger: Ledger, listener: Listener) -> Iterator[str]:
    """Compare the events that the topic sent with the ends that callers saw."""
    for known in ledger.jobs.values():
        wanted = {f"{known.id}/{_status(known)}"}
        if (received := set(listener.received.get(known.id, ()))) != wanted:
            yield f"of {known.id} came {received or 'no event'}, and not {wanted}"
    for job_id in set(listener.received) - set(ledger.jobs):
        yield f"an event came of {job_id}, which was given to no caller"


def _wrongly_listed(client: Client, ledger: Ledger) -> Iterator[str]:
    """Compare the jobs that are listed with those that callers were given."""
    listed = {job["id"] for job in _all(client, "tag=soak:yes")}
    for known in ledger.jobs.values():
        if not known.erased and known.id not in listed:
            yield f"{known.id} is not listed"
        if known.erased and known.id in listed:
            yield f"{known.id} was erased, and is listed"
    for job_id in listed - set(ledger.jobs):
        yield f"{job_id} is listed, and was given to no caller"


def _remaining(stack: Stack) -> Iterator[str]:
    """Yield what is still in the queues, and what was kept in the bucket because it failed."""
    sqs, s3 = stack.client("sqs"), stack.client("s3")
    for name, _ in stack.of_type("AWS::SQS::Queue"):
        got = sqs.get_queue_attributes(QueueUrl=stack.ids[name], AttributeNames=list(_DEPTHS))
        for depth in _DEPTHS:
            if (count := got["Attributes"][depth]) != "0":
                yield f"{name}: {depth} is {count}"
    for prefix in ("dead-letters/", "aws/lambda/"):
        listed = s3.list_objects_v2(Bucket=stack.ids["Bucket"], Prefix=prefix)
        for kept in listed.get("Contents", []):
            yield f"the bucket holds {kept['Key']}"


def _all(client: Client, query: str) -> Iterable[Any]:
    """Return all jobs that a query finds."""
    found, following = [], f"/jobs?{query}&limit=100"
    while following:
        page = client.get(following).json()
        found += page["jobs"]
        following = page["next"]
    return found


def _status(known: Known) -> Any:
    return None if known.end is None else known.end["status"]


def summary(ledger: Ledger, listener: Listener) -> str:
    """Return what was sent, how it ended, and how many events came."""
    lines = [f"{ledger.answers.total()} requests answered, {ledger.lost} answers lost:"]
    for what in sorted({what for what, _ in ledger.answers}):
        counts = sorted((s, n) for (w, s), n in ledger.answers.items() if w == what)
        lines.append(f"  {what:<24} " + ", ".join(f"{s}: {n}" for s, n in counts))
    ends = Counter(_status(known) for known in ledger.jobs.values())
    erased = sum(known.erased for known in ledger.jobs.values())
    lines.append(f"{len(ledger.jobs)} jobs, {erased} of them erased:")
    lines += [f"  {status or 'without an end':<24} {count}" for status, count in ends.items()]
    attempts = [known.end["attempt"] for known in ledger.jobs.values() if known.end]
    received = sum(sum(ids.values()) for ids in listener.received.values())
    lines.append(f"attempts a job: {statistics.fmean(attempts or [0]):.2f}; {received} events came")
    return "\n".join(lines)
