"""Goes through what can go wrong, and says what it covered and what it found.

make faults                                         all of it; it fails if ten minutes are too few
make faults ARGS='--within 3600'                    all of it, on a slow machine
make faults ARGS=async-door                         every single fault of one scenario
make faults ARGS='async-door 12:crash-after'        one run, call by call
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import islice, takewhile

from tests.faults.killers import killer
from tests.faults.kinds import IN_PAIRS, OF_CALLS, OF_INVOCATIONS, OF_REQUESTS
from tests.faults.mutations import mutations
from tests.faults.plan import Plan, plan_of
from tests.faults.runs import run
from tests.faults.scenarios import SCENARIOS
from tests.faults.search import ALL_KINDS, PAIRED, Found, after, firsts, in_parallel
from tests.faults.standins import StandIns, installed

_MODEL = [sys.executable, "-m", "tests.faults.model"]
#: Rules whose loss only the model shows, which has every interleaving (`tests/faults/test_model.py`).
MODEL_ALONE = ("reschedule:UNMOVED", "a job whose attempt died is run again")


def main() -> int:
    parser = argparse.ArgumentParser(
        "make faults ARGS=…",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="?", choices=sorted(SCENARIOS), metavar="scenario")
    parser.add_argument("fault", nargs="*", help="such as 12:crash-after, or i3:twice")
    parser.add_argument("--seed", type=int, default=0, help="of the jitter and of ids")
    parser.add_argument("--within", type=float, default=600, metavar="SECONDS")
    asked = parser.parse_args()
    if asked.scenario is None:
        return _everything(time.monotonic() + asked.within)
    try:
        plan = plan_of(asked.fault)
    except ValueError as fault:
        parser.error(str(fault))
    with installed() as stand_ins:
        if asked.fault:
            return _show(stand_ins, asked.scenario, plan, asked.seed)
        return _report([after(stand_ins, asked.scenario, Plan(), ALL_KINDS)])


def _everything(until_s: float) -> int:
    """Cover all single faults, and pairs; return the exit status: 1 too if not all were covered."""
    print("the model of the protocol, every interleaving …", flush=True)
    model = [subprocess.run(_MODEL + more).returncode for more in ([], ["--mutations"])]
    print(f"{len(SCENARIOS)} scenarios, each fault at each point …", flush=True)
    singles = list(in_parallel((name, Plan(), ALL_KINDS) for name in SCENARIOS))
    print(f"crash points covered: {points(singles)}: {_runs(singles)} runs")
    with installed() as stand_ins:
        every = [mutation for mutation in mutations() if mutation.name not in MODEL_ALONE]
        alive = [mutation.name for mutation in every if killer(stand_ins, mutation) is None]
        print(f"mutations killed: {len(every) - len(alive)} of {len(every)}", flush=True)
        plans = [(name, first) for name in PAIRED for first in firsts(stand_ins, name)]
    print(f"pairs of faults, in {len(PAIRED)} scenarios …", flush=True)
    parts = takewhile(lambda _: time.monotonic() < until_s, _spread(plans))
    pairs = list(in_parallel((name, first, IN_PAIRS) for name, first in parts))
    print(f"pairs covered: {_runs(pairs)}, after {len(pairs)} of {len(plans)} first faults")
    for name in alive:
        print(f"NOT KILLED: {name}")
    is_cut_short = len(pairs) < len(plans)
    if is_cut_short:
        print("NOT COVERED: all pairs, as the time was up. Give it more: ARGS='--within 3600'")
    return _report(singles + pairs) or bool(alive) or any(model) or is_cut_short


def _spread[T](plans: list[T]) -> Iterable[T]:
    """Return the plans so that time, where it runs out, does so for all scenarios alike."""
    return (plan for start in range(17) for plan in islice(plans, start, None, 17))


def points(found: Iterable[Found]) -> str:
    """Say where something went wrong."""
    all_of = {
        name: sum(getattr(part, name) for part in found)
        for name in ("calls", "invocations", "requests")
    }
    return (
        f"{all_of['calls']} calls to AWS × {len(OF_CALLS)} faults, "
        f"{all_of['invocations']} invocations by queues, the stream and the clock × "
        f"{len(OF_INVOCATIONS)}, {all_of['requests']} by requests × {len(OF_REQUESTS)}"
    )


def _runs(found: Iterable[Found]) -> int:
    return sum(part.runs for part in found)


def _report(found: Iterable[Found]) -> int:
    """Print what went wrong, with the command that shows it again; return the exit status."""
    wrong = [(part.scenario, *violation) for part in found for violation in part.violations]
    for scenario, plan, said in wrong[:50]:
        print(f"VIOLATED {said}\n    make faults ARGS='{scenario} {plan}'")
    print(f"{len(wrong)} violations" if wrong else "no violation")
    return bool(wrong)


def _show(stand_ins: StandIns, name: str, plan: Plan, seed: int) -> int:
    outcome = run(stand_ins, name, plan, seed)
    for number, call in enumerate(outcome.calls, 1):
        print(f"{number:5} {call} {plan.calls.get(number, '')}")
    for number, invocation in enumerate(outcome.invocations, 1):
        print(f"i{number:4} {invocation} {plan.invocations.get(number, '')}")
    print("\n".join(outcome.violations) or "no violation")
    return bool(outcome.violations)


if __name__ == "__main__":
    sys.exit(main())
