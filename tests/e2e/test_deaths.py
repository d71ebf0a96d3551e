"""Traffic while Lambdas and callers are killed at random."""

import os
from pathlib import Path

import pytest

from tests.soak.deaths import MUST_DIE, Deaths, quick_folder

pytestmark = pytest.mark.nightly


@pytest.mark.skipif("NOWLATER_URL" in os.environ, reason="it kills what runs on this machine")
def test_whoever_is_killed_nothing_is_lost_and_nothing_is_there_twice(tmp_path: Path) -> None:
    with quick_folder() as folder:
        deaths = Deaths(Path(folder), seed=int(os.environ.get("NOWLATER_SEED", "1")))
        log = tmp_path / "stack.log"
        try:
            deaths.run(seconds=25)
        finally:
            log.write_text(deaths.log)

    assert deaths.violations == [], f"the stack's log: {log}"
    assert MUST_DIE | {"a caller"} <= deaths.killed.keys()
    assert deaths.cut_short > 0
    assert {known.end["status"] for known in deaths.ledger.jobs.values()} == {
        "succeeded",
        "failed",
        "canceled",
    }
