"""One run: a scenario on a virtual AWS where a plan goes wrong, to its end, and the audit of it."""

from dataclasses import dataclass

from tests.faults.auditor import Auditor
from tests.faults.caller import Caller
from tests.faults.cloud import Cloud
from tests.faults.memory import Key
from tests.faults.plan import Plan
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.standins import StandIns
from tests.faults.turns import Process


@dataclass(frozen=True)
class Outcome:
    """What came of a run: what was not as promised, and its calls and invocations."""

    violations: list[str]
    calls: list[str]
    invocations: list[str]


def run(stand_ins: StandIns, name: str, plan: Plan | None = None, seed: int = 0) -> Outcome:
    """Run a scenario; a fault of its own is a violation as well."""
    scenario, plan = SCENARIOS[name], plan or Plan()
    cloud = stand_ins.begin(plan, seed)
    caller = Caller(cloud)
    prepare(cloud, caller)
    process = cloud.start("caller", lambda: scenario.play(caller))
    cloud.run()
    calls, invocations = list(cloud.calls), list(cloud.invocations)
    violations = Auditor(cloud, caller, len(plan.kinds)).violations()
    if process.raised is not None or process.is_dead:
        violations.append(f"the caller: {process.raised!r}")
    violations += _unexpected(cloud, caller, scenario, plan)
    violations += _afterlife(cloud, caller)
    cloud.kill_all()
    return Outcome(violations, calls, invocations)


def prepare(cloud: Cloud, caller: Caller) -> None:
    """Set what others do meanwhile: cancel each job, ask for each again."""

    def cancel() -> list[Process]:
        jobs = [key[1] for key in cloud.memory.items if key[0].startswith("JOB#")]
        return [cloud.start("canceler", lambda job=job: caller.cancel(job)) for job in jobs]  # type: ignore[misc]

    def ask() -> list[Process]:
        asked = [asked for asked in caller.asked if asked.key is not None]
        return [cloud.start("asker", lambda a=a: caller.again(a, a.send)) for a in asked]  # type: ignore[misc]

    cloud.meanwhile |= {"cancel": cancel, "ask": ask}


def _unexpected(cloud: Cloud, caller: Caller, scenario: Scenario, plan: Plan) -> list[str]:
    """Return the ends that no single fault excuses."""
    kinds = plan.kinds
    may = scenario.ends | ({"canceled"} if "meanwhile-canceled" in kinds else set())
    if len(kinds) > 1:
        return []
    items = [item for key, item in cloud.memory.items.items() if key[0].startswith("JOB#")]
    found = [f"a job {item['status']}" for item in items if item["status"] not in may]
    if not kinds and None in [status for asked in caller.asked for status in asked.refused]:
        found.append("a request got no answer")
    return found


def _lookers(cloud: Cloud, caller: Caller, jobs: list[Key]) -> list[str]:
    """Ask for each job as another owner, and list all as their owner."""
    found = list[str]()

    def strangers() -> None:
        for _, job in jobs:
            for route in ("status", "cancel", "erase", "result"):
                reply = caller.http(route, id=job, owner="stranger")
                if reply is None or reply.status != 404:
                    found.append(f"G7: a stranger got {reply} at {route}")
        reply = caller.http("list", owner="stranger", query={})
        if reply is None or reply.json["jobs"]:
            found.append(f"G7: a stranger's list is {reply}")

    def owner() -> None:
        reply = caller.http("list", query={"limit": "100"})
        listed = {j["id"]: j["status"] for j in reply.json["jobs"]} if reply else {}
        items = [cloud.memory.items[key] for key in jobs]
        kept = [i for i in items if not i.get("erased") and i["expires"] > cloud.now]
        if listed != {item["SK"]: item["status"] for item in kept}:
            found.append(f"G2: its owner's list shows {listed}")

    cloud.start("stranger", strangers)
    cloud.start("owner", owner)
    cloud.run()
    return found


def _afterlife(cloud: Cloud, caller: Caller) -> list[str]:
    """Look as others and as the owner; let the table's items expire; receive each job's message again."""
    memory, cloud.plan = cloud.memory, Plan()
    jobs = [key for key in memory.items if key[0].startswith("JOB#")]
    found = _lookers(cloud, caller, jobs)
    cloud.now = max(
        [cloud.now, *(1000 * i["ttl"] + 1 for i in memory.items.values() if "ttl" in i)]
    )
    memory.items = {k: i for k, i in memory.items.items() if "ttl" not in i}
    before, sent = dict(memory.items), (len(memory.published), len(cloud.received))
    for pk, job in jobs:
        memory.sqs_send_message(
            QueueUrl="aws/FlexibleQueue",
            MessageBody=f'{{"owner": "{pk.split("#")[1]}", "id": "{job}"}}',
        )
        memory.messages[-1].sent = 0
    cloud.react()
    cloud.run()
    if memory.items != before or memory.messages:
        found.append("G2: a message brought back a job that was forgotten")
    if sent != (len(memory.published), len(cloud.received)):
        found.append("G2: a message had the end of a forgotten job published")
    return found
