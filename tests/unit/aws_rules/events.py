"""Rules of EventBridge."""

import re
from collections.abc import Iterator

from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import append, at_most, put, rule

API = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
RULE = "AWS::Events::Rule"
_TARGET = {"Arn": {"Fn::GetAtt": ["Sweep", "Arn"]}, "Id": "SweepMinuteLambdaTarget"}

at_most(RULE, "Description", 512, f"{API}API_PutRule.html", "SweepMinute", "x")
at_most(RULE, "ScheduleExpression", 256, f"{API}API_PutRule.html", "SweepMinute", " ")


@rule(
    f"{GUIDE}eb-scheduled-rule-pattern.html",
    put("rate(1 minutes)", "SweepMinute", "ScheduleExpression"),
    put("rate(30 seconds)", "SweepMinute", "ScheduleExpression"),
)
def a_schedule_is_written_as_eventbridge_reads_it(given: Resolved) -> Iterator[str]:
    one, many = r"rate\(1 (minute|hour|day)\)", r"rate\(([2-9]|\d{2,}) (minute|hour|day)s\)"
    for name, made in given.of_type(RULE).items():
        said = made.get("ScheduleExpression", "").strip()
        if said and not re.fullmatch(rf"{one}|{many}|cron\(\S+( \S+){{5}}\)", said):
            yield f"{name}: {said}"


@rule(
    f"{GUIDE}eb-quota.html",
    put([_TARGET | {"Id": f"t{n}"} for n in range(6)], "SweepMinute", "Targets"),
)
def a_rule_has_at_most_5_targets(given: Resolved) -> Iterator[str]:
    for name, made in given.of_type(RULE).items():
        if (number := len(made.get("Targets", []))) > 5:
            yield f"{name}: {number}"


@rule(f"{API}API_Target.html", append(_TARGET, "SweepMinute", "Targets"))
def each_target_has_an_id_of_its_own(given: Resolved) -> Iterator[str]:
    for name, made in given.of_type(RULE).items():
        ids = [target["Id"] for target in made.get("Targets", [])]
        if len(ids) > len(set(ids)):
            yield f"{name}: {ids}"


@rule(f"{API}API_Target.html", put("of the sweep", "SweepMinute", "Targets", 0, "Id"))
def a_targets_id_has_at_most_64_characters_of_those_allowed(given: Resolved) -> Iterator[str]:
    for name, made in given.of_type(RULE).items():
        for target in made.get("Targets", []):
            if not re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", target["Id"]):
                yield f"{name}: {target['Id']}"
