"""`python -m tests.faults.model`: goes through all scenarios, or one, or the protocol without a rule.

Prints states and seconds of each, and a shortest trace to each violation; exits with 1 if there is
one, or with `--mutations` if the model finds none where a rule is left out.
"""

import argparse
import sys
import time
from contextlib import nullcontext

from tests.faults.model.mutants import REDUNDANT, search_without
from tests.faults.model.scenarios import SCENARIOS
from tests.faults.model.search import Found, search
from tests.faults.mutations import mutations


def main() -> int:
    """Search as the command line says."""
    by_name = {mutation.name: mutation for mutation in mutations()}
    parser = argparse.ArgumentParser(prog="python -m tests.faults.model", description=__doc__)
    parser.add_argument("--scenario", choices=[s.name for s in SCENARIOS], action="append")
    parser.add_argument("--without", choices=by_name, metavar="MUTATION")
    parser.add_argument("--mutations", action="store_true", help="leave each rule out in turn")
    asked = parser.parse_args()
    if asked.mutations:
        return _mutations()
    context = nullcontext() if asked.without is None else by_name[asked.without].applied()
    violations = states = 0
    with context:
        for scenario in SCENARIOS:
            if asked.scenario is None or scenario.name in asked.scenario:
                began = time.monotonic()
                found = search(scenario)
                print(
                    f"{scenario.name}: {found.states} states, {time.monotonic() - began:.1f} s",
                    flush=True,
                )
                _print(found)
                states, violations = states + found.states, violations + len(found.violations)
    print(f"{states} states, {violations} violations")
    return 1 if violations else 0


def _mutations() -> int:
    survivors = []
    rules = [mutation for mutation in mutations() if mutation.name not in REDUNDANT]
    for mutation in rules:
        found = search_without(mutation)
        said = next(iter(found.violations), "SURVIVES")
        print(f"{mutation.name}: {said}", flush=True)
        survivors += [] if found.violations else [mutation.name]
    for name, reason in REDUNDANT.items():
        print(f"{name}: left as it is, {reason}")
    print(f"{len(rules) - len(survivors)} of {len(rules)} mutations killed")
    return 1 if survivors else 0


def _print(found: Found) -> None:
    for violation, trace in found.violations.items():
        print(f"  {violation}")
        for number, step in enumerate(trace, 1):
            print(f"    {number:2} {step}")


sys.exit(main())
