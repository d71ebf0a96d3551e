"""What the traffic left behind: waits until all is quiet, and checks each job and each queue."""

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
    """Wait until there is nothing left to do, and return what is not as it was promised.

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
    wait(lambda: set(ledger.jobs) <= set(listener.told))
    wait(lambda: not any(_left(stack)))
    return [
        *ledger.odd,
        *_unfinished(client, ledger),
        *_mistold(ledger, listener),
        *_mislisted(client, ledger),
        *_left(stack),
    ]


def _adopt(client: Client, ledger: Ledger) -> None:
    """Take on the jobs whose acceptance was not heard, at most one for each answer that was lost."""
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


def _mistold(ledger: Ledger, listener: Listener) -> Iterator[str]:
    """Compare the ends that were told with those that were seen."""
    for known in ledger.jobs.values():
        wanted = {f"{known.id}/{_status(known)}"}
        if (told := set(listener.told.get(known.id, ()))) != wanted:
            yield f"of {known.id} was told {told or 'nothing'}, and not {wanted}"
    for job_id in set(listener.told) - set(ledger.jobs):
        yield f"an end was told of {job_id}, which nobody was given"


def _mislisted(client: Client, ledger: Ledger) -> Iterator[str]:
    """Compare the jobs that are listed with those that were given: none vanishes, none is made up."""
    listed = {job["id"] for job in _all(client, "tag=soak:yes")}
    for known in ledger.jobs.values():
        if not known.erased and known.id not in listed:
            yield f"{known.id} is not listed"
        if known.erased and known.id in listed:
            yield f"{known.id} was erased, and is listed"
    for job_id in listed - set(ledger.jobs):
        yield f"{job_id} is listed, and nobody was given it"


def _left(stack: Stack) -> Iterator[str]:
    """Tell what lies in the queues, and what was put away because nobody could read or tell it."""
    sqs, s3 = stack.client("sqs"), stack.client("s3")
    for name, _ in stack.of_type("AWS::SQS::Queue"):
        got = sqs.get_queue_attributes(QueueUrl=stack.ids[name], AttributeNames=list(_DEPTHS))
        for depth in _DEPTHS:
            if (count := got["Attributes"][depth]) != "0":
                yield f"{name}: {depth} is {count}"
    for prefix in ("dead-letters/", "aws/lambda/"):
        there = s3.list_objects_v2(Bucket=stack.ids["Bucket"], Prefix=prefix)
        for kept in there.get("Contents", []):
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
    """Return what was sent, what came of it, and how often it was told."""
    lines = [f"{ledger.answers.total()} requests answered, {ledger.lost} answers lost:"]
    for what in sorted({what for what, _ in ledger.answers}):
        counts = sorted((s, n) for (w, s), n in ledger.answers.items() if w == what)
        lines.append(f"  {what:<24} " + ", ".join(f"{s}: {n}" for s, n in counts))
    ends = Counter(_status(known) for known in ledger.jobs.values())
    erased = sum(known.erased for known in ledger.jobs.values())
    lines.append(f"{len(ledger.jobs)} jobs, {erased} of them erased:")
    lines += [f"  {status or 'without an end':<24} {count}" for status, count in ends.items()]
    attempts = [known.end["attempt"] for known in ledger.jobs.values() if known.end]
    told = sum(sum(ids.values()) for ids in listener.told.values())
    lines.append(f"attempts a job: {statistics.fmean(attempts or [0]):.2f}; {told} ends told")
    return "\n".join(lines)
