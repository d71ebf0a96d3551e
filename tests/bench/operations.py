"""How long the operations take for large and hostile inputs, each beside a quarter of the same."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from operations.tests.profiling import cost
from operations.tests.texts import BOOK, SLOW
from operations.text import text_stats
from tests.large_csv import large_csv

ROUNDS = 3
#: Four times as much may take so many times as long: what is linear takes 4, the square 16 times.
MAX_GROWTH = 8.0
#: Seconds for the book and for the table; the sync door has 28.
MAX_BOOK_S, MAX_TABLE_S = 5.0, 20.0
#: The memory for a table of 200 MB.
MAX_MB = 512


def measure() -> bool:
    """Print seconds and growth of each, and tell whether they are in their budget."""
    print(f"\noperations, median of {ROUNDS}                              s   4 × as much   budget")
    kept = _row("text-stats of a book", lambda part: text_stats(_start(BOOK, part)), MAX_BOOK_S)
    for name, text in SLOW.items():
        kept &= _row(
            f"text-stats of {name}", lambda part, text=text: text_stats(_start(text, part)), None
        )
    with tempfile.TemporaryDirectory() as folder:
        tables = {part: Path(folder, str(part)) for part in (0.25, 1)}
        for part, path in tables.items():
            path.write_bytes(large_csv(round(20_000_000 * part)))
        kept &= _row("csv-profile of 20 MB", lambda part: cost(tables[part]), MAX_TABLE_S)
        kept &= _memory(Path(folder, "large"))
    return kept


def _memory(path: Path) -> bool:
    """Print the seconds and megabytes that a table of 200 MB takes, in a process of its own."""
    path.write_bytes(large_csv(200_000_000))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        seconds, megabytes = processes.submit(cost, path).result()
    print(f"{'csv-profile of 200 MB':<44} {seconds:8.3f} {megabytes:9.0f} MB   ≤ {MAX_MB} MB")
    return megabytes <= MAX_MB


def _start(text: str, part: float) -> str:
    return text[: round(len(text) * part)]


def _row(name: str, run: Callable[[float], object], most_s: float | None) -> bool:
    quarter_s, whole_s = (_median_s(lambda part=part: run(part)) for part in (0.25, 1))  # type: ignore[misc]
    growth = whole_s / quarter_s
    budget = f"≤ {MAX_GROWTH:g} ×{f', ≤ {most_s:g} s' if most_s else ''}"
    print(f"{name:<44} {whole_s:8.3f} {growth:12.1f} ×   {budget}")
    return growth <= MAX_GROWTH and (most_s is None or whole_s <= most_s)


def _median_s(run: Callable[[], object]) -> float:
    return statistics.median(_seconds(run) for _ in range(ROUNDS))


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
