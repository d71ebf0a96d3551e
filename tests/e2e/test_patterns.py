"""What docs/patterns.md and docs/deploying.md show of jobs that are submitted without HTTP, on a stack that has it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests import snippets
from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Served, make_key

pytestmark = pytest.mark.nightly


def resources() -> str:
    """Return what the pages have for resources.yaml, each section of it once."""
    sections = defaultdict[str, str](str)
    for page in ("patterns.md", "deploying.md"):
        text = (snippets.DOCS / page).read_text()
        for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if "AWSTemplateFormatVersion" not in block:  # a stack of its own
                _, *parts = re.split(r"^(\w+):\n", block, flags=re.MULTILINE)
                for name, lines in zip(parts[::2], parts[1::2], strict=True):
                    sections[name] += lines
    return "".join(f"{name}:\n{lines}" for name, lines in sections.items())


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stack with the resources and the operations of the pages."""
    folder = tmp_path_factory.mktemp("snippets")
    snippets.write("patterns.md", folder)
    (folder / "operations/resources.yaml").write_text(resources())
    served = tmp_path_factory.mktemp("patterns")
    with Served(served, operations=sorted((folder / "operations").iterdir())) as it:
        yield it


def caller(served: Served, owner: str) -> Client:
    return Client(served.connection()["url"], make_key(served, "--owner", owner))


def ended(api: Client, operation: str, number: int = 1) -> list[dict[str, Any]]:
    """Return the jobs of an operation, once so many have ended."""

    def jobs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get(f"/jobs?operation={operation}").json()["jobs"]
        return found

    return eventually(jobs, lambda found: len([j for j in found if j["ended"]]) == number)


def test_children_are_submitted_once_and_their_results_added_up(patterns: Served) -> None:
    acme, pages = caller(patterns, "acme"), caller(patterns, "pages")
    parent = acme.ended(acme.submit("count-all", {"pages": ["to be", "or", "not to be"]}))
    (total,) = ended(pages, "add-pages")
    children = ended(pages, "count-page", 3)

    assert parent["status"] == total["status"] == "succeeded", total
    assert pages.get(f"/jobs/{total['id']}/result").json() == 6
    assert {j["tags"]["group"] for j in [total, *children]} == {parent["id"]}

    again = {"owner": "pages", "operation": "count-page", "input": {"page": "to be"}}
    again |= {"idempotency_key": f"{parent['id']}/0", "url": "https://api.example.com"}
    again |= {"tags": {"group": parent["id"], "of": "3"}}
    submit = patterns.stack().ids["SubmitAliaslive"]
    reply = patterns.client("lambda").invoke(FunctionName=submit, Payload=json.dumps(again))
    assert json.load(reply["Payload"])["id"] in {child["id"] for child in children}


def test_a_schedule_submits_a_job_by_the_id_of_its_execution(patterns: Served) -> None:
    """The emulator's clock is not that of cron: what the schedule would send is sent."""
    (schedule,) = patterns.client("scheduler").list_schedules()["Schedules"]
    target = patterns.client("scheduler").get_schedule(Name=schedule["Name"])["Target"]
    event = target["Input"].replace("<aws.scheduler.execution-id>", "d32c5kddcf5bb8c3")
    assert "<" not in event
    for _ in range(2):
        patterns.client("lambda").invoke(FunctionName=target["Arn"], Payload=event)
    (job,) = ended(caller(patterns, "nightly"), "text-stats")

    assert job["status"] == "succeeded"


def test_an_event_submits_a_job(patterns: Served) -> None:
    detail = json.dumps({"text": 'Two "words"'})
    entry = {"Source": "shop", "DetailType": "ordered", "Detail": detail}
    patterns.client("events").put_events(Entries=[entry])
    shop = caller(patterns, "shop")
    (job,) = ended(shop, "text-stats")

    assert shop.get(f"/jobs/{job['id']}/result").json()["words"] == 2


def test_a_workflow_waits_for_its_job(patterns: Served) -> None:
    states = patterns.client("stepfunctions")
    machine = patterns.stack().ids["Workflow"]
    run = states.start_execution(stateMachineArn=machine, input='{"text": "one two three"}')

    def look() -> dict[str, Any]:
        found: dict[str, Any] = states.describe_execution(executionArn=run["executionArn"])
        return found

    done = eventually(look, lambda found: found["status"] != "RUNNING")
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["result"]["words"] == 3
