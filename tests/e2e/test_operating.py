"""What an operator finds in the deployed stack: alarms, dashboards, and the whole life of one job in the log."""

import json
import time

from tests import stack
from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Served
from tests.filters import matches

RESOURCES = stack.template()["Resources"]


def test_every_alarm_is_there_and_says_where_to_read_on(served: Served) -> None:
    ids = served.stack().ids
    described = served.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
    found = {alarm["AlarmName"]: alarm["AlarmDescription"] for alarm in described}

    for name, alarm in stack.of_type(RESOURCES, "AWS::CloudWatch::Alarm").items():
        assert found[ids[name]] == alarm["AlarmDescription"]
        assert "docs/operating.md#" in found[ids[name]]


def test_the_dashboards_show_the_resources_of_this_stack(served: Served) -> None:
    deployed = served.stack()
    shown = [
        deployed.client("cloudwatch").get_dashboard(DashboardName=deployed.ids[name])[
            "DashboardBody"
        ]
        for name in stack.of_type(RESOURCES, "AWS::CloudWatch::Dashboard")
    ]

    assert len(shown) == 2
    assert [json.loads(body)["widgets"] != [] for body in shown] == [True, True]
    assert "${" not in "".join(shown)
    assert deployed.outputs["DashboardName"] == deployed.ids["Dashboard"]
    for name in [*stack.of_type(RESOURCES, "AWS::Serverless::Function"), "Table"]:
        assert f'"{deployed.ids[name]}"' in "".join(shown)


def test_the_log_tells_a_jobs_life_by_its_id(api: Client, served: Served) -> None:
    since = int(time.time() * 1000) - 1000  # the emulator gives the oldest 10,000 events from there
    job = api.ended(api.submit("text-stats", {"text": "looked for"}))["id"]
    group = served.stack().outputs["LogGroupName"]

    def said() -> list[str]:
        got = served.client("logs").filter_log_events(logGroupName=group, startTime=since)
        written = [line for event in got["events"] for line in event["message"].splitlines()]
        lines = [json.loads(line) for line in written if line.startswith("{")]
        return [line["message"] for line in lines if matches(f'{{ $.job_id = "{job}" }}', line)]

    eventually(said, lambda found: {"job_ended", "attempt_ended"} <= {*found}, pause_s=0.5)
