"""Time as a contract, whatever happens: the real use cases on a virtual AWS (`tests/clockwork.py`).

The bounds are those of docs/http-api.md; clocks that are wrong and sweeps that are late widen them
by exactly as much.
"""

from collections import defaultdict
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nowlater.job import Job, Ref
from nowlater.timing import HOUR_S, after, seconds_until
from tests.clockwork import EACH_S, Change, World

CHANCES = st.randoms(use_true_random=False)
STARTS_S = st.none() | st.floats(0.5, 900) | st.floats(900, 3 * HOUR_S)
#: From the start on.
WITHIN_S = st.none() | st.floats(1, 120) | st.floats(120, 3 * HOUR_S)
#: When they are asked for, their start, their deadline, and whether at the hybrid door.
ASKED = st.lists(
    st.tuples(st.floats(0, 300), STARTS_S, WITHIN_S, st.booleans()), min_size=1, max_size=4
)
#: How wrong clocks are and how late sweeps, in seconds, and how likely each trouble is.
SKEWS_S, LATE_S, TROUBLES = st.floats(0, 600), st.floats(0, 600), st.sampled_from([0, 0.1, 0.4])
some = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Story:
    """What became of a job: the records of the stream, and what its readers were told."""

    def __init__(self, changes: list[Change], told: list[Job]) -> None:
        self.changes, self.told = changes, told
        self.job = changes[-1].new
        self.starts = [c for c in changes if c.write == "claim"]
        self.ends = [c for c in changes if c.new.is_ended and not (c.old and c.old.is_ended)]


def happened(chance: Random, asked: list[Any], **how: Any) -> list[Story]:
    """Return the stories of jobs: some canceled, all read at times, each seen to its end."""
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
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES)
def test_a_job_ends_once_and_never_starts_after_it_whatever_the_clocks(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float
) -> None:
    for story in happened(chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles):
        assert len(story.ends) == 1
        end = story.changes.index(story.ends[0])
        assert not [c for c in story.changes[end:] if c.write == "claim"]


@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES)
def test_by_its_own_clock_no_worker_starts_before_the_time_or_after_the_deadline(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float
) -> None:
    for story in happened(chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles):
        for start in story.starts:
            assert (story.job.start_at or 0) <= start.own < story.job.deliver_by


@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES)
def test_wrong_clocks_and_late_sweeps_widen_the_frame_by_themselves_alone(
    chance: Random, asked: list[Any], skew_s: float, late_s: float, troubles: float
) -> None:
    for story in happened(chance, asked, skew_s=skew_s, late_s=late_s, troubles=troubles):
        for start in story.starts:
            assert after(story.job.start_at or 0, -skew_s) <= start.at + 1
            assert start.at <= after(story.job.deliver_by, skew_s)
        latest = after(story.job.deliver_by, 2 * EACH_S + skew_s + late_s)
        if story.job.promised:
            assert story.ends[0].at <= latest


@some
@given(CHANCES, ASKED, TROUBLES)
def test_what_a_reader_was_told_of_an_end_stays_true(
    chance: Random, asked: list[Any], troubles: float
) -> None:
    for story in happened(chance, asked, troubles=troubles):
        told = {(j.status, j.ended) for j in story.told if j.is_ended}

        assert told <= {(story.job.status, story.job.ended)}


@some
@given(CHANCES, st.floats(1, 20 * HOUR_S))
def test_a_start_is_precise_to_about_a_second_also_hours_ahead(
    chance: Random, start_s: float
) -> None:
    (story,) = happened(chance, [(0, start_s, 3600, False)])

    assert story.job.start_at is not None
    assert 0 <= seconds_until(story.starts[0].at, story.job.start_at) <= 1.1
