"""How long a Lambda takes to load, against what it cannot do without: botocore and its clients."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from tests import stack

ROUNDS = 15
#: The AWS services whose clients a Lambda makes as it is loaded.
CLIENTS = {
    "authorize": ("dynamodb",),
    "handle_dead_letters": ("dynamodb", "sqs", "s3"),
    "send_webhooks": ("dynamodb", "sqs", "secretsmanager"),
    "hybrid": ("dynamodb", "sqs", "lambda"),
    "notify": ("sns", "dynamodb"),
    "status": ("dynamodb",),
    "submit": ("dynamodb", "sqs"),
    "sweep": ("dynamodb", "sqs"),
    "webhooks": ("dynamodb", "secretsmanager"),
    "work": ("dynamodb", "sqs"),
}
MAX_OF_CLIENTS, MAX_OF_SUBMIT = 1.25, 0.5

_APP = "import time; t = time.perf_counter(); import app; print(time.perf_counter() - t)"
_BASELINE = """
import sys, time
t = time.perf_counter()
import botocore.session
session = botocore.session.Session()
for service in sys.argv[1:]:
    session.create_client(service)
print(time.perf_counter() - t)
"""


def measure(build: Path) -> bool:
    """Print each Lambda's ratio, as medians of pairs, and tell whether all are in their budget."""
    print(f"\nload time, median of {ROUNDS} pairs              ratio  budget")
    kept = True
    for name, services in CLIENTS.items():
        pairs = [(_load(build, name), _clients(services)) for _ in range(ROUNDS + 1)][1:]
        kept &= _show(f"{name} / botocore and {', '.join(services)}", pairs, MAX_OF_CLIENTS)
    pairs = [(_load(build, "sync"), _load(build, "submit")) for _ in range(ROUNDS + 1)][1:]
    return kept & _show("sync / submit", pairs, MAX_OF_SUBMIT)


def _show(what: str, pairs: list[tuple[float, float]], budget: float) -> bool:
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"{what:<48} {ratio:5.2f}  ≤ {budget}{'' if ratio <= budget else '  NOT KEPT'}", flush=True
    )
    return ratio <= budget


def _load(build: Path, name: str) -> float:
    layers = [str(build / layer / "python") for layer in ("NowlaterLayer", "CatalogueLayer")]
    return _seconds(
        [_APP], [str(build / "".join(part.capitalize() for part in name.split("_"))), *layers]
    )


def _clients(services: tuple[str, ...]) -> float:
    return _seconds([_BASELINE, *services], [])


def _seconds(code: list[str], path: list[str]) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= stack.environment({name: name for name in stack.template()["Resources"]})
    environment |= {"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run(
        [sys.executable, "-c", *code], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
