"""Time as a contract, whatever the clocks: jobs on the virtual AWS, whose troubles come by chance.

The bounds are those of docs/http-api.md; clocks that are wrong and sweeps that are late widen them
by exactly as much.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nowlater.instants import HOUR_S, after, seconds_until
from nowlater.jobs.protocol import SWEEP_AHEAD_S
from tests.faults.auditor import Auditor, Story
from tests.faults.caller import Caller
from tests.faults.cloud import Cloud
from tests.faults.kinds import BY_SOURCE, HANGS_S, How
from tests.faults.operations import ACTS
from tests.faults.plan import Plan
from tests.faults.standins import StandIns

#: A sweep is due each minute; messages are hidden for the worker's time-out and 30 s.
EACH_S, VISIBILITY_S = 60, 330
#: A sweep's calls take milliseconds each, also on the virtual AWS.
CALLS_MS = 1000
#: A message without a record is dropped when it is older than a submit can live, which is a minute:
#: a clock that is wrong by as much takes a submit under way for a dead one.
SUBMIT_S = 60

CHANCES = st.builds(Random, st.integers(0, 2**32))
STARTS_S = st.none() | st.floats(0.5, 900) | st.floats(900, 3 * HOUR_S)
#: From the start on.
WITHIN_S = st.none() | st.floats(1, 20) | st.floats(20, 120) | st.floats(120, 3 * HOUR_S)
DOES = st.lists(st.sampled_from(sorted(ACTS)), min_size=1, max_size=3)
#: When they are asked for, what they do, their start, their deadline, and whether at the hybrid door.
ASKED = st.lists(
    st.tuples(st.floats(0, 300), DOES, STARTS_S, WITHIN_S, st.booleans()), min_size=1, max_size=4
)
#: How wrong clocks are and how late sweeps, in seconds, and how likely each trouble is.
SKEWS_S, LATE_S, TROUBLES = st.floats(0, 600), st.floats(0, 600), st.sampled_from([0, 0.1, 0.4])
some = settings(max_examples=200, suppress_health_check=list(HealthCheck), print_blob=True)


class Weather(Plan):
    """Has chance decide: each clock is up to `skew_s` wrong, each sweep up to `late_s` late.

    `troubles` is how likely each of these is: that a worker dies, that a message comes late, that one
    or a sweep comes twice, and, where AWS is `slow`, that it takes its time for a call.
    """

    def __init__(
        self,
        chance: Random,
        skew_s: float = 0,
        late_s: float = 0,
        troubles: float = 0,
        *,
        slow: bool = False,
    ) -> None:
        super().__init__({}, {})
        self.cloud: Cloud = None  # type: ignore[assignment]
        self.chance, self._skew_s, self._late_s = chance, skew_s, late_s
        self._troubles, self._slow = troubles, slow

    def of_call(self, number: int) -> str | None:
        kinds = ["slow", "slow-reply"] if self._slow else []
        if self.cloud.calls[-1].startswith("work"):
            kinds += ["crash-before", "crash-after"]
        if not kinds or not self.trouble(0.2):
            return None
        self.calls[number] = self.chance.choice(kinds)
        return self.calls[number]

    def of_invocation(self, number: int) -> How:
        line = self.cloud.invocations[number - 1]
        late_s = self._late_s if line == f"sweep{BY_SOURCE}" else 5 if self.trouble() else 0
        how = {"skew_s": self.chance.uniform(-self._skew_s, self._skew_s)}
        how |= {"late_s": self.chance.uniform(0, late_s)}
        return how | {"times": 2 if self.trouble() else 1}

    def trouble(self, part: float = 1) -> bool:
        return self.chance.random() < self._troubles * part

    @property
    def kinds(self) -> list[str]:
        return [*self.calls.values(), *(["fast-clock"] if self._skew_s else [])]

    @property
    def skew_s(self) -> float:
        return self._skew_s

    @property
    def held_s(self) -> float:
        return HANGS_S if self._slow else 0

    @property
    def late_s(self) -> float:
        return self._late_s + 2 * self._skew_s + 5


def happened(stand_ins: StandIns, weather: Weather, asked: list[Any]) -> list[Story]:
    """Return the stories of jobs, some canceled, all read at times; the guarantees hold of all."""
    chance, trouble = weather.chance, weather.trouble
    cloud = weather.cloud = stand_ins.begin(weather)
    caller = Caller(cloud)

    def tell() -> None:
        for wait_s, does, start_s, within_s, direct in asked:
            cloud.sleep(wait_s)
            door = "hybrid" if direct and start_s is None else "submit"
            by_s = None if within_s is None else within_s + (start_s or 0)
            caller.submit(does, door=door, start_s=start_s, within_s=by_s)
        for item in [i for key, i in cloud.memory.items.items() if key[0].startswith("JOB#")]:
            left_s = max(0, seconds_until(item["deadline"], cloud.now))
            for _ in range(3):
                visit(caller.read, item["SK"], chance.uniform(0, 1.2) * left_s)
                visit(caller.read, item["SK"], left_s + chance.uniform(-1, 3))
            if trouble():
                visit(caller.cancel, item["SK"], chance.uniform(0, 1) * left_s)

    def visit(look: Callable[[str], object], job: str, in_s: float) -> None:
        cloud.at(after(cloud.now, in_s), lambda: cloud.start("caller", lambda: look(job)))

    cloud.start("caller", tell)
    cloud.run()
    auditor = Auditor(cloud, caller, len(weather.kinds))
    found = auditor.violations()
    cloud.kill_all()
    assert found == []
    return auditor.stories


@pytest.mark.nightly
@some
@given(CHANCES, ASKED, SKEWS_S, LATE_S, TROUBLES)
def test_wrong_clocks_and_late_sweeps_widen_the_frame_by_themselves_alone(
    stand_ins: StandIns,
    chance: Random,
    asked: list[Any],
    skew_s: float,
    late_s: float,
    troubles: float,
) -> None:
    if any(within_s is None for *_, within_s, _ in asked):
        skew_s = min(skew_s, SUBMIT_S - 1)
    weather = Weather(chance, skew_s, late_s, troubles)
    for story in happened(stand_ins, weather, asked):
        (end,) = story.ends
        by, skew_ms = story.now["deadline"], 1000 * skew_s + CALLS_MS
        if story.now.get("has_deadline"):
            # EventBridge may be late by a minute: with the sweep's, two.
            assert end.at <= after(by, EACH_S + late_s) + skew_ms
        else:
            # Its message is looked at again when its wait, or its dead worker's time, is over.
            dead_s = max(1, len(weather.calls)) * (VISIBILITY_S + 5)
            assert end.at <= after(by, 900 + dead_s) + 2 * skew_ms


@some
@given(CHANCES, ASKED, st.floats(0, SUBMIT_S / 2), LATE_S, TROUBLES)
def test_all_guarantees_hold_also_where_aws_takes_its_time(
    stand_ins: StandIns,
    chance: Random,
    asked: list[Any],
    skew_s: float,
    late_s: float,
    troubles: float,
) -> None:
    happened(stand_ins, Weather(chance, skew_s, late_s, troubles, slow=True), asked)


@some
@given(CHANCES, st.floats(1, 20 * HOUR_S), st.floats(0, SUBMIT_S - 1), st.floats(0, 400))
def test_a_start_is_precise_to_about_a_second_and_the_clocks_also_hours_ahead(
    stand_ins: StandIns, chance: Random, start_s: float, skew_s: float, late_s: float
) -> None:
    """Sweeps that are late by less than the ten minutes that they are ahead cost nothing."""
    asked = (0, ["succeed"], start_s, 3600, False)
    (story,) = happened(stand_ins, Weather(chance, skew_s, late_s), [asked])

    late_by_s = seconds_until(story.claims[0].at, story.now["start_at"])
    assert -skew_s - 0.001 <= late_by_s <= 1 + skew_s + 0.1


@some
@given(CHANCES, st.floats(1000, 20 * HOUR_S), st.floats(0, 3600))
def test_a_sweep_that_is_later_than_that_delays_a_start_by_no_more_than_itself(
    stand_ins: StandIns, chance: Random, start_s: float, late_s: float
) -> None:
    asked = (0, ["succeed"], start_s, 3 * 3600, False)
    (story,) = happened(stand_ins, Weather(chance, late_s=late_s), [asked])

    late_by_s = seconds_until(story.claims[0].at, story.now["start_at"])
    assert 0 <= late_by_s <= 1.1 + max(0, EACH_S + late_s - SWEEP_AHEAD_S)


def test_whatever_can_happen_to_a_job_happens_here(stand_ins: StandIns) -> None:
    """Else the properties above would hold of nothing."""
    seen = set[str]()
    for seed in range(60):
        chance = Random(seed)
        start_s, within_s = chance.choice([None, 60, 3000]), chance.choice([None, 30, 3000])
        does = chance.choices(sorted(ACTS), k=2)
        asked = [(9, does, start_s, within_s, seed % 2)] * 3
        for story in happened(stand_ins, Weather(chance, 5, 60, 0.4), asked):
            seen |= {change.new["status"] for change in story.changes if change.new}
            seen |= {(story.now.get("error") or {"name": story.now["status"]})["name"]}
            seen |= {"another attempt"} if len(story.claims) > 1 else set()

    assert seen >= {"scheduled", "queued", "running"}
    assert seen >= {"succeeded", "canceled", "refused", "timed-out", "deadline-exceeded"}
    assert seen >= {"operation-failed", "attempts-exhausted", "another attempt"}
