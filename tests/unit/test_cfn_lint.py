"""What cfn-lint says of the transformed template, its advice included: nothing unexplained."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import stack
from tests.unit.aws_rules import transformed

pytestmark = pytest.mark.nightly

FULLEST = "everything on"
CFN_LINT = Path(sys.executable).parent / "cfn-lint"
#: What cfn-lint says that stays so: its rule, where (a logical id or a type), and why.
EXPLAINED = {
    (
        "I3042",
        "Api",
    ): "SAM writes the partition of the region that it runs for into an authorizer's URI.",
    ("W2001", "Release"): "SAM writes its value into the ids and descriptions of versions.",
    ("W2001", "Rollout"): "SAM writes its value into the deployment groups.",
    ("W7001", "Rollouts"): "SAM reads it, to know whether there are deployment groups.",
}


def said(template: dict[str, Any], folder: Path) -> list[tuple[str, str, str]]:
    """Return what cfn-lint says of a template: rule, logical id, sentence."""
    path = folder / "template.json"
    path.write_text(json.dumps(template))
    done = subprocess.run(
        [str(CFN_LINT), "--include-checks", "I", "--format", "json", "--template", str(path)],
        cwd=stack.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found = [
        (m["Rule"]["Id"], m["Location"]["Path"], m["Message"]) for m in json.loads(done.stdout)
    ]
    return [(rule, str((path or ["", ""])[1]), message) for rule, path, message in found]


def unexplained(template: dict[str, Any], folder: Path) -> list[tuple[str, str, str]]:
    kinds = {name: resource["Type"] for name, resource in template["Resources"].items()}
    return [
        (rule, name, message)
        for rule, name, message in said(template, folder)
        if not {(rule, name), (rule, kinds.get(name, ""))} & EXPLAINED.keys()
    ]


def test_cfn_lint_says_nothing_unexplained_of_the_transformed_template(tmp_path: Path) -> None:
    assert unexplained(transformed.given(FULLEST), tmp_path) == []


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("E3002", ("Resources", "Topic", "Properties", "Nothing"), "x"),
        ("I3011", ("Resources", "Second"), {"Type": "AWS::DynamoDB::Table", "Properties": {}}),
    ],
)
def test_cfn_lint_is_heard(tmp_path: Path, rule: str, path: tuple[str, ...], value: Any) -> None:
    template = transformed.given(FULLEST)
    *way, last = path
    where = template
    for step in way:
        where = where[step]
    where[last] = value
    found = {(heard, name) for heard, name, _ in unexplained(template, tmp_path)}

    assert (rule, path[1]) in found


def in_the_docs() -> dict[str, str]:
    """Return each template that a page has for its readers, by the page and its number in it."""
    found = {}
    for page in sorted((stack.ROOT / "docs").glob("*.md")):
        blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        whole = [block for block in blocks if "AWSTemplateFormatVersion" in block]
        found |= {f"{page.stem}-{number}": block for number, block in enumerate(whole, 1)}
    return found


def test_cfn_lint_finds_nothing_in_the_templates_of_the_docs(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.yaml" for name in in_the_docs()]
    for path, template in zip(paths, in_the_docs().values(), strict=True):
        path.write_text(template)
    done = subprocess.run(
        [str(CFN_LINT), "--regions", "us-east-1", "--template", *map(str, paths)],
        cwd=stack.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(paths) >= 4
    assert (done.returncode, done.stdout) == (0, "")
