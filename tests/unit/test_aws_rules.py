"""What AWS would refuse, or would take and do otherwise: the template breaks no rule of AWS's.

Each rule is held against the template that CloudFormation would get, for several sets of
parameters, and against one that was made to break it: that rule, and no other, must say so.
"""

import functools

import pytest

from tests.unit.aws_rules import (
    apigateway,
    cloudformation,
    cloudwatch,
    dynamodb,
    events,
    iam,
    lambdas,
    logs,
    s3,
    secrets,
    sns,
    sources,
    sqs,
    transformed,
)
from tests.unit.aws_rules.rule import RULES, Rule, Seed

SERVICES = (
    *(apigateway, cloudformation, cloudwatch, dynamodb, events, iam, lambdas),
    *(logs, s3, secrets, sns, sources, sqs),
)
#: The set with the most resources, so that it has what a seed changes.
FULLEST = "everything on"


@functools.cache
def broken(parameters: str) -> frozenset[tuple[str, str]]:
    """Return the rules that the template breaks with a set of parameters, and how."""
    given = transformed.resolved(parameters)
    return frozenset((rule.name, how) for rule in RULES for how in rule.check(given))


@pytest.mark.parametrize("parameters", transformed.SETS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_template_keeps_a_rule_of_aws(rule: Rule, parameters: str) -> None:
    found = sorted(how for name, how in broken(parameters) if name == rule.name)

    assert not found, f"{rule.name} ({rule.source}):\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "seed"),
    [
        pytest.param(rule, seed, id=f"{rule.name}-{number}")
        for rule in RULES
        for number, seed in enumerate(rule.seeds, 1)
    ],
)
def test_a_rule_alone_sees_what_breaks_it(rule: Rule, seed: Seed) -> None:
    template = transformed.given(FULLEST)
    seed(template)
    given = transformed.resolved(FULLEST, template)
    found = {(other.name, how) for other in RULES for how in other.check(given)}

    assert {name for name, _ in found - broken(FULLEST)} == {rule.name}


def test_each_rule_has_a_name_of_its_own_a_source_and_a_seed() -> None:
    names = [rule.name for rule in RULES]

    assert len(names) == len(set(names)) > 100
    for rule in RULES:
        assert rule.source.startswith("https://"), rule.name
        assert rule.seeds, rule.name


def test_the_sets_of_parameters_differ_in_what_they_make() -> None:
    made = {
        # Each release has versions of its own.
        name: {n for n, r in found.resources.items() if r["Type"] != "AWS::Lambda::Version"}
        for name, found in ((s, transformed.resolved(s)) for s in transformed.SETS)
    }

    assert made["everything on"] > made["defaults"]
    assert transformed.resolved("most, with the longest name").stack_name == "n" * 128
