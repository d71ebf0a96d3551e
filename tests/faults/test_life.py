"""Jobs whose callers, AWS and operator do whatever they like, in any order: a state machine of all of it.

Claims, progress, ends, failures and expiries come of the operations that are asked for, as time passes.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.faults.auditor import Auditor
from tests.faults.caller import Caller
from tests.faults.cloud import LANES
from tests.faults.kinds import OF_CALLS, OF_INVOCATIONS
from tests.faults.operations import ACTS
from tests.faults.plan import Plan
from tests.faults.runs import prepare
from tests.faults.standins import StandIns

#: Which of the jobs so far; how long from now, in seconds.
WHICH, SOON = st.integers(0, 5), st.sampled_from([0, 0.01, 0.5, 5, 14, 31, 100, 400])


class Life(RuleBasedStateMachine):
    """One owner's jobs; a step is an act that begins, and the time until the next one."""

    stand_ins: StandIns

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        self.cloud = self.stand_ins.begin(Plan({}, {}), seed)
        self.caller = Caller(self.cloud)
        prepare(self.cloud, self.caller)

    @rule(
        does=st.lists(st.sampled_from(sorted(ACTS)), min_size=1, max_size=3),
        door=st.sampled_from(["submit", "hybrid"]),
        key=st.sampled_from([None, "a", "b"]),
        start_s=st.sampled_from([None, None, 20, 1500]),
        within_s=st.sampled_from([None, 10, 60, 5000]),
        callback=st.booleans(),
        then_s=SOON,
    )
    def submit(self, then_s: float, within_s: float | None, **asked: Any) -> None:
        if within_s is not None:
            within_s += asked["start_s"] or 0
        body = {k: v for k, v in asked.items() if k not in ("does", "key")}
        key = asked["key"] and f"{asked['key']} of {body} {asked['does']} {within_s}"
        self._do(
            then_s,
            lambda: self.caller.submit(asked["does"], key=key, within_s=within_s, **body),
        )

    @rule(which=WHICH, then_s=SOON)
    def cancel(self, which: int, then_s: float) -> None:
        self._do(then_s, lambda: self.caller.cancel(self._job(which)))

    @rule(which=WHICH, then_s=SOON)
    def erase(self, which: int, then_s: float) -> None:
        self._do(then_s, lambda: self.caller.erase(self._job(which)))

    @rule(which=WHICH, key=st.sampled_from([None, "r"]), then_s=SOON)
    def retry(self, which: int, key: str | None, then_s: float) -> None:
        job = self._job(which)
        if job is not None:
            self._do(then_s, lambda: self.caller.retry(job, key=key and f"{key} of {job}"))

    @rule(which=WHICH, then_s=SOON)
    def read(self, which: int, then_s: float) -> None:
        self._do(then_s, lambda: self.caller.read(self._job(which)))

    @rule(which=WHICH, then_s=SOON)
    def have_a_webhook_sent_again(self, which: int, then_s: float) -> None:
        self._do(then_s, lambda: self.caller.replay(self._job(which)))

    @rule(act=st.sampled_from(["receive", "sweep", "cancel", "ask"]), then_s=SOON)
    def something_else_happens(self, act: str, then_s: float) -> None:
        """Redeliver everything, sweep once more, cancel everything, ask for everything again."""
        self.cloud.others(act)
        self._pass(then_s)

    @rule(back=st.booleans(), then_s=SOON)
    def move_letters(self, back: bool, then_s: float) -> None:
        """Move messages to the dead-letter queue, or dead letters back to their queues."""
        self.cloud.has_dead_letters = True
        for message in self.cloud.memory.messages:
            if back and message.queue == "DeadLetterQueue":
                message.queue = "WebhookQueue" if "url" in message.body else "OnTimeQueue"
            elif not back and message.queue in LANES:
                message.queue, message.visible_at = "DeadLetterQueue", self.cloud.now
        self.cloud.react()
        self._pass(then_s)

    @rule(kind=st.sampled_from(sorted(OF_CALLS)), ahead=st.integers(1, 8))
    def a_call_goes_wrong(self, kind: str, ahead: int) -> None:
        self.cloud.plan.calls[len(self.cloud.calls) + ahead] = kind

    @rule(kind=st.sampled_from(sorted(OF_INVOCATIONS)), ahead=st.integers(1, 3))
    def an_invocation_goes_wrong(self, kind: str, ahead: int) -> None:
        self.cloud.plan.invocations[len(self.cloud.invocations) + ahead] = kind

    @rule(answers=st.lists(st.sampled_from([200, 500, 410, 0]), min_size=1, max_size=4))
    def callbacks_answer(self, answers: list[int]) -> None:
        self.cloud.answers[:] = [*answers, 200]

    @rule(seconds=SOON | st.sampled_from([1000, 4000]))
    def time_passes(self, seconds: float) -> None:
        self._pass(seconds)

    @invariant()
    def nothing_is_wrong_so_far(self) -> None:
        assert self._auditor().violations(while_it_runs=True) == []

    def teardown(self) -> None:
        if hasattr(self, "cloud"):
            self.cloud.run()
            found = self._auditor().violations()
            self.cloud.kill_all()
            assert found == [], f"{found} after {self.cloud.plan}"

    def _auditor(self) -> Auditor:
        return Auditor(self.cloud, self.caller, len(self.cloud.plan.kinds))

    def _do(self, then_s: float, act: Any) -> None:
        self.cloud.start("caller", act)
        self._pass(then_s)

    def _pass(self, seconds: float) -> None:
        self.cloud.run(self.cloud.now + round(1000 * seconds))

    def _job(self, which: int) -> str | None:
        jobs = [key[1] for key in self.cloud.memory.items if key[0].startswith("JOB#")]
        return jobs[which % len(jobs)] if jobs else None


def test_whatever_happens_in_whatever_order_every_guarantee_holds(stand_ins: StandIns) -> None:
    Life.stand_ins = stand_ins
    how = settings(
        max_examples=150,
        stateful_step_count=25,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Life, settings=how)


def test_a_result_that_is_just_being_erased_is_not_lost(stand_ins: StandIns) -> None:
    """Found by the machine above: looked at between the object's end and the record's."""
    Life.stand_ins, life = stand_ins, Life()
    life.begin(seed=0)
    asked = {"door": "submit", "key": None, "start_s": None, "callback": False}
    life.submit(then_s=5, within_s=None, does=["fail", "return-much"], **asked)
    life.nothing_is_wrong_so_far()
    life.erase(which=0, then_s=0.01)
    life.nothing_is_wrong_so_far()
    life.teardown()
