"""Prints what a stack costs a month for some loads, by the parts of AWS's bill.

Prices of us-east-1, arm64, November 2026, without free tiers. Not counted: transfer, backups, uploads,
large inputs and results, NAT gateways, WAF, traces.
"""

import argparse
from dataclasses import dataclass

LOADS = (10_000, 1_000_000, 30_000_000)
#: What an idle stack costs: docs/operating.md#costs.
IDLE = 5.64
#: Dollars for a million: of requests of API Gateway and Lambda, calls of SQS, units of DynamoDB.
API, INVOCATION, SQS, WRITE, READ, SNS = 1.00, 0.20, 0.40, 0.625, 0.125, 0.50
GB_SECOND, GB_OF_LOG = 0.0000133334, 0.50
#: Measured: seconds of Submit, Status and Notify (512 MB), and of Work around the operation.
SUBMIT_S, STATUS_S, NOTIFY_S, WORK_S = 0.025, 0.015, 0.02, 0.02
#: Bytes of the log for each job, and for each request (access log).
JOB_LOG, REQUEST_LOG = 1600, 400
#: Calls of SQS, writes and reads of DynamoDB for each job.
SQS_CALLS, WRITES, READS = 3, 3, 1


@dataclass(frozen=True)
class Load:
    """A month's jobs, what each takes, and how often its caller looks."""

    jobs: int
    seconds: float = 1.0
    memory_mb: int = 1024
    polls: int = 2

    def parts(self) -> dict[str, float]:
        """Return the dollars a month of each part of the bill."""
        requests = 1 + self.polls
        calls = 3 + self.polls  # Submit, Work, Notify, and Status for each poll
        small_s = SUBMIT_S + NOTIFY_S + STATUS_S * self.polls
        own_gb = self.memory_mb / 1024
        log_gb = (JOB_LOG + REQUEST_LOG * requests) / 1e9
        for_one = {
            "operations": self.seconds * own_gb * GB_SECOND,
            "other Lambdas": (small_s / 2 + WORK_S * own_gb) * GB_SECOND + calls * INVOCATION / 1e6,
            "API": requests * API / 1e6,
            "queues, topic": (SQS_CALLS * SQS + SNS) / 1e6,
            "table": (WRITES * WRITE + (READS + self.polls) * READ) / 1e6,
            "logs": log_gb * GB_OF_LOG,
        }
        return {name: self.jobs * dollars for name, dollars in for_one.items()} | {"idle": IDLE}


def table(loads: list[Load]) -> str:
    """Return the loads as a table of Markdown."""
    parts = [load.parts() for load in loads]
    rows = [["jobs a month", *(f"{load.jobs:,}" for load in loads)], ["---"] * (len(loads) + 1)]
    rows += [[name, *(f"${p[name]:,.2f}" for p in parts)] for name in parts[0]]
    rows += [["**sum**", *(f"**${sum(p.values()):,.2f}**" for p in parts)]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.costs", description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=LOADS, help="jobs a month")
    parser.add_argument("--seconds", type=float, default=1.0, help="of the operation, for each job")
    parser.add_argument(
        "--memory", type=int, default=1024, help="MB, the parameter OperationsMemory"
    )
    parser.add_argument("--polls", type=int, default=2, help="of the caller, for each job")
    given = parser.parse_args()
    print(table([Load(n, given.seconds, given.memory, given.polls) for n in given.jobs]))


if __name__ == "__main__":
    main()
