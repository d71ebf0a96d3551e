"""What the tests of csv-profile share."""

import io
import resource
import sys
import time
from pathlib import Path

from nowlater import Context, Document
from operations.profiles import Profile
from operations.tables import csv_profile

#: A context of which no test asks anything.
CONTEXT = Context(deadline=2**53, idempotency_key="a key")


def profile(data: bytes | str, **options: object) -> Profile:
    data = data.encode() if isinstance(data, str) else data
    return csv_profile(Document(data, "text/csv"), CONTEXT, **options)


def types(found: Profile) -> list[str]:
    return [column.type for column in found.columns]


def warned(found: Profile) -> dict[str, int]:
    """Return the code of each warning, and how often there was reason for it."""
    return {warning.code: warning.count for warning in found.warnings}


def cost(path: Path) -> tuple[float, float]:
    """Profile a file; return the seconds that it took, and the memory of this process in MB."""
    start = time.perf_counter()
    csv_profile(Document(io.FileIO(path), "text/csv", path.stat().st_size), CONTEXT)
    return time.perf_counter() - start, _peak_mb()


def _peak_mb() -> float:
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    # Not ru_maxrss: on Linux that survives exec, and so tells the peak of the tests' own process.
    (line,) = (s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s)
    return int(line.split()[1]) / 1024
