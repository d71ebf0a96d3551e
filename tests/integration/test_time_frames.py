"""Time as a contract, whatever happens: the real use cases on a virtual AWS (`tests/clockwork.py`).

The bounds are those of docs/http-api.md; clocks that are wrong and sweeps that are late widen them
by exactly as much.
"""

from collections import defaultdict
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nowlater import run
from nowlater.job import SWEEP_AHEAD_S, WRITES, Job, Ref
from nowlater.timing import HOUR_S, after, seconds_until
from tests.clockwork import EACH_S, VISIBILITY_S, World
from tests.virtual import Change

CHANCES = st.builds(Random, st.integers(0, 2**32))
STARTS_S = st.none() | st.floats(0.5, 900) | st.floats(900, 3 * HOUR_S)
#: From the start on.
WITHIN_S = st.none() | st.floats(1, 120) | st.floats(120, 3 * HOUR_S)
#: When they are asked for, their start, their deadline, and whether at the hybrid door.
ASKED = st.lists(
    st.tuples(st.floats(0, 300), STARTS_S, WITHIN_S, st.booleans()), min_size=1, max_size=4
)
#: How wrong clocks are and how late sweeps, in seconds, and how likely each trouble is.
SKEWS_S, LATE_S, TROUBLES = st.floats(0, 600), st.floats(0, 600), st.sampled_from([0, 0.1, 0.4])
some = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def no_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes as the world says: no alarm of the real clock may go off meanwhile."""

    def within(_seconds: float, body: Callable[[], object], **_: object) -> object:
        return body()

    monkeypatch.setattr(run, "within", within)


class Story:
    """What became of a job: the records of the stream, and what its readers were told."""

    def __init__(self, changes: list[Change], told: list[Job]) -> None:
        self.changes, self.told = changes, told
        self.job = changes[-1].new
        self.starts = [c for c in changes if c.write == "claim"]
        self.ends = [c for c in changes if c.new.is_ended and not (c.old and c.old.is_ended)]


def happened(chance: Random, asked: list[Any], **how: Any) -> list[Story]:
    """Return the stories of jobs: some canceled, all read at times, each seen to its end.

    A message without a record is dropped once it is older than a submit can live (60 s): where
    calls are slow, a clock that is a minute wrong takes a submit under way for a dead one.
    """
    if how.get("slow"):
        how["skew_s"] = min(how["skew_s"], 30)
    world = World(chance, **how)
    for wait_s, start_s, within_s, direct in asked:
        world.passes(wait_s)
        by_s = None if within_s is None else within_s + (start_s or 0)
        world.submit(start_s, by_s, direct=direct and start_s is None)
    for there in list(world.jobs.values()):
        life_s = seconds_until(there.deliver_by, world.now)
        for _ in range(3):
            when = after(world.now, chance.uniform(0, 1.2) * life_s)
            world.at(when, lambda ref=there.ref: world.read(ref))
            when = after(there.deliver_by, chance.uniform(-1, 3))
            world.at(when, lambda ref=there.ref: world.read(ref))
        if world.trouble():
            when = after(world.now, chance.uniform(0, 1) * life_s)
            world.at(when, lambda ref=there.ref: world.cancel(ref))
    last = max(j.deliver_by for j in world.jobs.values())
    world.passes(seconds_until(last, world.now) + HOUR_S)
    changes = defaultdict[Ref, list[Change]](list)
    for change in world.changes:
        changes[change.new.ref].append(change)
    return [Story(found, world.told[ref]) for ref, found in changes.items()]


@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES, st.booleans())
def test_a_job_ends_once_and_never_starts_after_it_whatever_the_clocks(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float, slow: bool
) -> None:
    for story in happened(
        chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles, slow=slow
    ):
        assert len(story.ends) == 1
        end = story.changes.index(story.ends[0])
        assert not [c for c in story.changes[end:] if c.write == "claim"]


@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES, st.booleans())
def test_by_its_own_clock_no_worker_starts_before_the_time_or_after_the_deadline(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float, slow: bool
) -> None:
    for story in happened(
        chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles, slow=slow
    ):
        for start in story.starts:
            assert (story.job.start_at or 0) <= start.own < story.job.deliver_by


@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES)
def test_by_its_own_clock_nobody_ends_a_job_otherwise_after_the_deadline_or_misses_it_before(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float
) -> None:
    for story in happened(chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles):
        (end,) = story.ends

        assert (end.write == "expire") == (end.own >= story.job.deliver_by)


@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES)
def test_wrong_clocks_and_late_sweeps_widen_the_frame_by_themselves_alone(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float
) -> None:
    for story in happened(chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles):
        by, skew_ms = story.job.deliver_by, 1000 * skew_s + 1
        for start in story.starts:
            assert (story.job.start_at or 0) - skew_ms <= start.at < by + skew_ms
        if story.job.promised:  # EventBridge may be late by a minute: with the sweep's, two
            assert story.ends[0].at <= after(by, EACH_S + late_s) + skew_ms
        else:  # its message is looked at again when its wait, or its dead worker's time, is over
            assert story.ends[0].at <= after(by, 900 + VISIBILITY_S + 5) + 2 * skew_ms


@some
@given(CHANCES, ASKED, st.sampled_from([0, 0.9]), LATE_S, TROUBLES)
def test_what_a_reader_was_told_of_an_end_stays_true(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float
) -> None:
    """A deadline shows two seconds late: two clocks may differ by as much."""
    for story in happened(chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles):
        told = {(j.status, j.ended) for j in story.told if j.is_ended}

        assert told <= {(story.job.status, story.job.ended)}


@some
@given(CHANCES, st.floats(1, 20 * HOUR_S), st.floats(0, 60), st.floats(0, 400))
def test_a_start_is_precise_to_about_a_second_and_the_clocks_also_hours_ahead(
    chance: Random, start_s: float, skew_s: float, late_s: float
) -> None:
    """Sweeps that are late by less than the ten minutes that they are ahead cost nothing."""
    (story,) = happened(chance, [(0, start_s, 3600, False)], skew_s=skew_s, late_s=late_s)

    assert story.job.start_at is not None
    late_by_s = seconds_until(story.starts[0].at, story.job.start_at)
    assert -skew_s - 0.001 <= late_by_s <= 1 + skew_s + 0.001


@some
@given(CHANCES, st.floats(1000, 20 * HOUR_S), st.floats(0, 3600))
def test_a_sweep_that_is_later_than_that_delays_a_start_by_no_more_than_itself(
    chance: Random, start_s: float, late_s: float
) -> None:
    (story,) = happened(chance, [(0, start_s, 3 * 3600, False)], late_s=late_s)

    assert story.job.start_at is not None
    late_by_s = seconds_until(story.starts[0].at, story.job.start_at)
    assert 0 <= late_by_s <= 1.001 + max(0, EACH_S + late_s - SWEEP_AHEAD_S)


def test_whatever_can_happen_to_a_job_happens_here() -> None:
    """Else the properties above would hold of nothing."""
    seen = set[str]()
    for seed in range(60):
        chance = Random(seed)
        asked = [(9, chance.choice([None, 60, 3000]), chance.choice([None, 30, 3000]), seed % 2)]
        for story in happened(chance, asked * 3, skew_s=5, late_s=60, troubles=0.4):
            seen |= {change.write for change in story.changes}
            seen |= {(story.job.error or {"name": story.job.status})["name"]}
            seen |= {"another attempt"} if len(story.starts) > 1 else set()

    assert seen >= {*WRITES} - {"erase"}
    assert seen >= {"succeeded", "canceled", "refused", "timed-out", "deadline-exceeded"}
    assert seen >= {"operation-failed", "attempts-exhausted", "another attempt"}
