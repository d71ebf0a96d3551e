"""template.yaml, composed: both parts as they were written, and mistakes in one line each."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import compose, fragment, template
from local.failure import Failure
from tests import stack
from tests.snippets import DOCS

FRAMEWORK = (stack.ROOT / "framework.yaml").read_text()
#: What an author of operations may write, of each kind.
OWN = """\
# of the whole
Parameters:
  Region2: {Type: String, Default: ""} # where copies go
Conditions:
  Replicates: !Not [!Equals [!Ref Region2, ""]]
Rules:
  TwoRegions: {Assertions: [{Assert: !Equals [!Ref Region2, ""]}]}
Mappings:
  Prices:
    eu: {Currency: EUR}
Resources:
# not indented
  # of the table
  Articles:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST

      AttributeDefinitions: [{AttributeName: article, AttributeType: S}]
      KeySchema: [{AttributeName: article, KeyType: HASH}]
  Script:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: |
        first

          indented
        last
Policy:
- Effect: Allow # a list needs no indentation
  Action: dynamodb:GetItem
  Resource: !GetAtt Articles.Arn
Environment:
  ARTICLES: !Ref Articles
  ARN: !GetAtt Articles.Arn
  LINK: !Sub "https://${AWS::Region}.example.com/${Articles}"
  QUOTED: 'a "b" \\ ${c}'
Outputs:
  ArticlesName: {Value: !Ref Articles}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "operations").mkdir()
    (tmp_path / "framework.yaml").write_text(FRAMEWORK)
    return tmp_path


def own(root: Path, text: str) -> None:
    (root / "operations/resources.yaml").write_text(text)


def said(root: Path, text: str) -> str:
    """Return what is said of a resources.yaml with a mistake."""
    own(root, text)
    with pytest.raises(Failure) as raised:
        compose.read(root)
    return str(raised.value)


def loaded(text: str, folder: Path) -> dict[str, Any]:
    path = folder / "loaded.yaml"
    path.write_text(text)
    return template.load(path)


# ── both parts ────────────────────────────────────────────────────────────────────────────────


def test_the_template_of_this_repository_is_up_to_date() -> None:
    compose.check(stack.ROOT)


@pytest.mark.parametrize(
    "text", [None, "", "# nothing\n", "Resources:\nPolicy: []\nEnvironment: {}\n"]
)
def test_without_own_resources_the_template_is_that_of_the_framework(
    root: Path, text: str | None
) -> None:
    if text is not None:
        own(root, text)

    assert loaded(compose.read(root), root) == stack.template()


def test_own_resources_are_added_and_all_else_is_the_frameworks(root: Path) -> None:
    own(root, OWN)
    made, ours, theirs = loaded(compose.read(root), root), stack.template(), yaml_of(OWN)
    policy = made["Resources"]["OperationsPolicy"]["Properties"]["PolicyDocument"]
    assert policy["Statement"].pop() == theirs["Policy"][0]
    value = made["Resources"]["OperationsEnvironment"]["Properties"].pop("Value")
    ours["Resources"]["OperationsEnvironment"]["Properties"].pop("Value")

    for section in ("Parameters", "Conditions", "Rules", "Mappings", "Resources", "Outputs"):
        assert made.pop(section) == ours.pop(section) | theirs[section]
    assert made == ours
    assert yaml.safe_load(value["Fn::Sub"]) == {
        "NOWLATER_STACK": "${AWS::StackName}",
        "ARTICLES": "${Articles}",
        "ARN": "${Articles.Arn}",
        "LINK": "https://${AWS::Region}.example.com/${Articles}",
        "QUOTED": 'a "b" \\ ${!c}',
    }


def yaml_of(text: str) -> Any:
    return yaml.load(text, template._Loader)


@pytest.mark.parametrize("end", ["\n", "", "\n\n", "\n# the end\n"])
def test_comments_and_short_forms_stay_and_the_end_of_the_file_does_not_matter(
    root: Path, end: str
) -> None:
    own(root, OWN.rstrip() + end)
    text = compose.read(root)

    assert '{Type: String, Default: ""} # where copies go' in text
    assert "  # of the table\n  Articles:\n" in text
    assert "  ArticlesName: {Value: !Ref Articles}\n" in text
    assert set(FRAMEWORK.splitlines()) - set(text.splitlines()) == {
        *(line for line in FRAMEWORK.splitlines() if re.match(r" *# \+ ", line)),
        '        {"NOWLATER_STACK": "${AWS::StackName}"}',
    }


def test_the_example_of_the_docs_is_composed(root: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "operations.md").read_text(), re.M | re.S)
    (example,) = (block for block in blocks if "\nPolicy:" in block)
    own(root, example)
    made = loaded(compose.read(root), root)

    assert made["Resources"]["Prices"]["Type"] == "AWS::DynamoDB::Table"
    value = made["Resources"]["OperationsEnvironment"]["Properties"]["Value"]["Fn::Sub"]
    assert '"CURRENCY": "EUR"' in value


def test_each_section_has_its_place_in_the_framework() -> None:
    places = re.findall(r"^ *# \+ (\w+)$", FRAMEWORK, re.MULTILINE)

    assert sorted([*places, "Environment"]) == sorted(fragment.SECTIONS)


# ── mistakes ──────────────────────────────────────────────────────────────────────────────────

QUEUE = "{Type: AWS::SQS::Queue}"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("Resources:\n  A: [\n", 3, "this is not YAML: "),
        ("Resources:\n  A: b: c\n", 2, "this is not YAML: "),
        ("Resources:\n\tA: {}\n", 2, "this is not YAML: "),
        ("# ü\nResources:\n  A: '\x1b[2J'\n", 3, r"it has the control character '\x1b'"),
        ("Resources:\n  A: {Type: '\0'}\n", 2, r"it has the control character '\x00'"),
        ('Resources:\n  "A\\e[1m\\a": {}\n', 2, r"A\x1b[1m\x07 cannot be a name: "),
        ("- a\n", 1, "this must be sections: Policy, Environment, "),
        ("\nResorces:\n", 2, "there is no section Resorces. Did you mean Resources?"),
        ("Globals: {}\n", 1, "there is no section Globals. There are Policy, "),
        ("Resources:\nResources:\n", 2, "the section Resources is there twice"),
        ("Resources: []\n", 1, "Resources must have names, each with a colon after it"),
        ("Policy:\n  Effect: Allow\n", 1, "Policy must be a list of statements"),
        (f"Resources: {{A: {QUEUE}}}\n", 1, "write Resources without brackets"),
        (f"Resources:\n  Table: {QUEUE}\n", 2, "the framework has a Table already"),
        (f"Resources:\n  Shards: {QUEUE}\n", 2, "the framework has a Shards already"),
        ("Outputs:\n  ApiUrl: {Value: x}\n", 2, "the framework has a ApiUrl already"),
        (f"Resources:\n  A: {QUEUE}\n  A: {QUEUE}\n", 3, "A is there twice"),
        (f"Resources:\n  a_b: {QUEUE}\n", 2, "a_b cannot be a name: use letters and digits only"),
        ("Resources:\n  A: {Properties: {}}\n", 2, "A needs a Type, such as AWS::DynamoDB::Table"),
        ("Environment:\n  A: 1\n", 2, "A must be a text, !Ref, !GetAtt or !Sub. Put numbers, "),
        ("Environment:\n  A: !If [a, b, c]\n", 2, "A must be a text, !Ref, !GetAtt or !Sub"),
        ("Environment:\n  A-B: x\n", 2, "A-B cannot be a variable"),
        ("Environment:\n  AWS_REGION: x\n", 2, "AWS_REGION cannot be a variable"),
        ("Environment:\n  A: x\n  A: y\n", 3, "A is there twice. Remove one of them."),
        (f"Resources:\n  A: &no-key {QUEUE}\n", 1, "the framework has the anchor &no-key already"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(
    root: Path, text: str, line: int, sentence: str
) -> None:
    found = said(root, text)

    assert found.startswith(f"operations/resources.yaml:{line}: {sentence}")
    assert "\n" not in found


TABLE = (
    "Resources:\n  Own: {Type: AWS::DynamoDB::Table}\n  Feed: {Type: AWS::Serverless::Function}\n"
)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("!Ref Owm", "there is no Owm. Did you mean Own?"),
        ("{Ref: Owm}", "there is no Owm. Did you mean Own?"),
        ("!GetAtt Owm.Arn", "there is no Owm. Did you mean Own?"),
        ("!GetAtt [Owm, Arn]", "there is no Owm. Did you mean Own?"),
        ("!GetAtt Shards.Arn", "there is no Shards. "),
        ('!Sub "a-${Owm}-${AWS::Region}"', "there is no Owm. Did you mean Own?"),
        ('!Sub ["${Owm.Arn} ${Here}", {Here: x}]', "there is no Owm. Did you mean Own?"),
        ("!Ref AWS::Regoin", "there is no AWS::Regoin. Did you mean AWS::Region?"),
        ("!If [Some, !Ref Owm, x]", "there is no Owm. Did you mean Own?"),
        ("!GetAtt Own.Arnn", "Own (AWS::DynamoDB::Table) has no attribute Arnn. Did you mean Arn?"),
        ("{Fn::GetAtt: [Topic, ARN]}", "Topic (AWS::SNS::Topic) has no attribute ARN."),
    ],
)
def test_a_reference_to_what_there_is_not_is_one_line(root: Path, value: str, fault: str) -> None:
    found = said(root, f"{TABLE}Outputs:\n  Name:\n    Value: {value}\n")

    assert found.startswith(f"operations/resources.yaml:6: {fault}")
    assert "\n" not in found


def test_a_resource_that_comes_after_none_is_a_mistake_too(root: Path) -> None:
    queue = "{Type: AWS::SQS::Queue, DependsOn: [Bucket, Buckt]}"

    assert said(root, f"Resources:\n  A: {queue}\n") == (
        "operations/resources.yaml:2: there is no Buckt. Did you mean Bucket?"
    )


@pytest.mark.parametrize(
    "value",
    [
        "!Ref Shards",
        "!Sub '${!Owm} ${Own} ${Own.StreamArn}'",
        "!GetAtt FeedRole.Arn",
        "!GetAtt Table.Arn",
        "!GetAtt Stack.Outputs.Anything",
        "!GetAtt Unknown.Anything",
    ],
)
def test_a_reference_to_what_there_is_or_may_be_is_none(root: Path, value: str) -> None:
    text = f"{TABLE}  Stack: {{Type: AWS::CloudFormation::Stack}}\n  Unknown: {{Type: Acme::New::Type}}\n"
    (root / "operations/resources.yaml").write_text(f"{text}Environment:\n  A: {value}\n")

    assert compose.read(root)


def test_all_mistakes_are_said_in_the_order_of_the_file(root: Path) -> None:
    found = said(root, f"Outputs:\n  ApiUrl: {{Value: x}}\nResources:\n  Table: {QUEUE}\nNo: 1\n")

    assert [line.split(":")[1] for line in found.splitlines()] == ["2", "4", "5"]


def test_a_file_that_is_not_utf_8_is_said_to_be(root: Path) -> None:
    (root / "operations/resources.yaml").write_bytes(b"# caf\xe9\n")

    with pytest.raises(Failure, match="it is not UTF-8"):
        compose.read(root)


# ── written, stale, changed by hand ───────────────────────────────────────────────────────────


def test_the_template_is_written_only_if_something_has_changed(root: Path) -> None:
    assert compose.write(root)
    assert not compose.write(root)
    own(root, OWN)
    assert compose.write(root)
    assert "Articles" in (root / "template.yaml").read_text()
    compose.check(root)


def test_a_template_that_lacks_a_change_is_refused(root: Path) -> None:
    with pytest.raises(Failure, match="Run make template"):
        compose.check(root)
    compose.write(root)
    own(root, OWN)
    with pytest.raises(Failure, match="Run make template"):
        compose.check(root)


def test_a_build_of_a_template_that_lacks_a_change_fails_before_anything_else(root: Path) -> None:
    for name in ("layers/operations/Makefile", "layers/layer.mk", *_programs()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stack.ROOT / name, root / name)
    (root / ".venv").symlink_to(stack.ROOT / ".venv")
    compose.write(root)
    own(root, OWN)
    done = subprocess.run(
        ["make", "build-OperationsLayer", f"ARTIFACTS_DIR={root / 'out'}"],
        cwd=root / "layers/operations",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode
    assert "Run make template, then build again." in done.stderr
    assert not (root / "out").exists()


def _programs() -> list[str]:
    return [f"local/{path.name}" for path in (stack.ROOT / "local").glob("*.py")]


@pytest.mark.parametrize("change", ["added", "its own", "without a head"])
def test_a_template_that_was_edited_by_hand_is_not_overwritten(root: Path, change: str) -> None:
    compose.write(root)
    path = root / "template.yaml"
    text = path.read_text()
    changed = {
        "added": text.replace("\nOutputs:\n", f"\n  Mine: {QUEUE}\nOutputs:\n"),
        "its own": "Resources:\n  A: {}\n",
        "without a head": FRAMEWORK,
    }[change]
    path.write_text(changed)
    own(root, OWN)

    with pytest.raises(Failure, match=r"Move your changes to operations/resources\.yaml"):
        compose.write(root)
    assert path.read_text() == changed
