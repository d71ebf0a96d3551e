"""Goes through the faults: each at each point of a scenario, and a second one after each of them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context

from tests.faults.kinds import BY_SOURCE, IN_PAIRS, OF_CALLS, OF_INVOCATIONS
from tests.faults.plan import Plan, singles
from tests.faults.runs import run
from tests.faults.standins import StandIns, installed

ALL_KINDS = (*OF_CALLS, *OF_INVOCATIONS)
#: The scenarios whose faults are paired: both doors, with and without failures and time-outs.
PAIRED = (
    "async-door",
    "async-with-a-deadline",
    "a-failure-and-another-try",
    "a-cancel-during-the-run",
    "a-start-in-minutes",
)
PAIRED += ("hybrid-door", "hybrid-and-time-is-up", "hybrid-or-nothing")


@dataclass(frozen=True)
class Found:
    """What came of a part of the search: how many points and runs, and each run that went wrong."""

    scenario: str
    calls: int = 0
    #: By queues, the stream and the clock; and all others.
    invocations: int = 0
    requests: int = 0
    runs: int = 0
    violations: tuple[tuple[Plan, str], ...] = ()


def after(stand_ins: StandIns, name: str, first: Plan, kinds: Iterable[str]) -> Found:
    """Run a scenario with each (further) fault at each point that comes after those of a plan."""
    base = run(stand_ins, name, first)
    violations = [(first, said) for said in base.violations]
    runs = 1
    for plan in singles(base.calls, base.invocations, first, kinds):
        runs += 1
        violations += [(plan, said) for said in run(stand_ins, name, plan).violations]
    by_source = sum(line.endswith(BY_SOURCE) for line in base.invocations)
    requests = len(base.invocations) - by_source
    return Found(name, len(base.calls), by_source, requests, runs, tuple(violations))


def firsts(stand_ins: StandIns, name: str) -> list[Plan]:
    """Return the plans with one fault, of which a scenario's pairs are made."""
    base = run(stand_ins, name)
    return list(singles(base.calls, base.invocations, kinds=IN_PAIRS))


_STACK = ExitStack()
_INSTALLED: list[StandIns] = []


def _begin() -> None:
    _INSTALLED.append(_STACK.enter_context(installed()))


def _part(name: str, first: Plan, kinds: tuple[str, ...]) -> Found:
    return after(_INSTALLED[0], name, first, kinds)


def in_parallel(
    parts: Iterable[tuple[str, Plan, tuple[str, ...]]], processes: int = 2
) -> Iterator[Found]:
    """Yield what each part of a search found, as they are done."""
    remaining = iter(parts)
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
        under_way = {pool.submit(_part, *part) for part in islice(remaining, 4 * processes)}
        try:
            while under_way:
                done = next(as_completed(under_way))
                under_way.remove(done)
                under_way |= {pool.submit(_part, *part) for part in islice(remaining, 1)}
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)
