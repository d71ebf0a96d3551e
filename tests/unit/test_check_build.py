"""What was built is refused where AWS would refuse it, with what to do."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import build_environment, build_sizes, check_build
from local.build_sizes import MB
from local.failure import Failure
from tests import stack
from tests.unit.aws_rules import transformed


def lay(folder: Path, files: dict[str, int]) -> None:
    """Make files of so many bytes, of which none takes room on the disk."""
    for name, size in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, size)


def package(folder: Path, name: str, version: str, files: dict[str, int]) -> None:
    """Install a package into a layer, as uv does: files, and a record of them."""
    lay(folder / "python", files)
    record = folder / "python" / f"{name}-{version}.dist-info" / "RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("".join(f"{file},sha256=x,{size}\n" for file, size in files.items()))


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build of the current template, in which each Lambda and layer is one small file."""
    template = stack.template()
    for name, resource in template["Resources"].items():
        for where in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            resource["Properties"][where] = name
            lay(tmp_path / name, {"python/a.py" if where == "ContentUri" else "app.py": 100})
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(template))
    return tmp_path


def template(built: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((built / "template.yaml").read_text())
    return found


def with_operations(value: Any) -> dict[str, Any]:
    """Return the template with this environment of the operations."""
    given = stack.template()
    given["Resources"]["OperationsEnvironment"]["Properties"]["Value"] = value
    return given


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────


def test_a_lambda_is_as_large_as_its_code_and_all_its_layers(built: Path) -> None:
    lay(built, {"Sync/app.py": 5 * MB, "OperationsLayer/python/a.py": 7 * MB})
    lay(built, {"NowlaterLayer/python/a.py": 11 * MB, "CatalogueLayer/python/a.py": 13 * MB})

    assert build_sizes.check_sizes(built, template(built), "arm64") == 36 * MB


def test_a_layer_counts_whichever_condition_it_has(built: Path) -> None:
    lay(built, {"TokensLayer/python/a.py": 200 * MB})

    assert build_sizes.check_sizes(built, template(built), "arm64") == 200 * MB + 200


def test_a_lambda_of_exactly_250_mb_is_taken(built: Path) -> None:
    lay(built, {"OperationsLayer/python/a.py": 262_144_000 - 300})

    assert build_sizes.check_sizes(built, template(built), "arm64") == 262_144_000


def test_a_byte_more_is_refused_and_the_five_largest_packages_are_named(built: Path) -> None:
    layer = built / "OperationsLayer"
    package(layer, "scipy", "1.17.0", {"scipy/a.so": 90 * MB, "scipy.libs/b.so": 20 * MB})
    package(layer, "numpy", "2.4.0", {"numpy/a.so": 60 * MB})
    package(layer, "scikit_learn", "1.8.0", {"sklearn/a.so": 40 * MB})
    package(layer, "pandas", "3.0.0", {"pandas/a.py": 30 * MB})
    package(layer, "pillow", "13.0.0", {"PIL/a.so": 9 * MB})
    package(layer, "tiny", "1.0", {"tiny.py": 1})
    lay(layer, {"python/pandas/__pycache__/a.cpython-313.pyc": 5 * MB})

    with pytest.raises(Failure) as raised:
        build_sizes.check_sizes(built, template(built), "arm64")

    said = str(raised.value)
    assert said.startswith("Sync, Work: code and layers are 254.0 MB unpacked")
    assert [line.split() for line in said.splitlines() if line.startswith("  ")] == [
        ["110.0", "MB", "scipy", "1.17.0"],
        ["60.0", "MB", "numpy", "2.4.0"],
        ["40.0", "MB", "scikit_learn", "1.8.0"],
        ["35.0", "MB", "pandas", "3.0.0"],
        ["9.0", "MB", "pillow", "13.0.0"],
    ]
    assert "make build ARCHITECTURE=x86_64" in said


def test_what_no_package_brought_is_named_by_its_folder(tmp_path: Path) -> None:
    lay(tmp_path, {"python/operations/model.bin": 300, "python/operations/a/b.py": 20})

    assert build_sizes.size_by_package(tmp_path) == {"operations": 320}


ELSEWHERE = "arn:aws:lambda:eu-central-1:580247275435:layer:LambdaInsightsExtension:53"


def test_a_layer_that_was_not_built_here_is_said_and_not_counted(built: Path) -> None:
    given = template(built)
    given["Parameters"]["Insights"] = {"Type": "String"}
    layers = [ELSEWHERE, {"Ref": "Insights"}, {"Fn::ImportValue": "shared"}]
    either = {"Fn::If": ["TakesTokens", {"Ref": "Insights"}, {"Ref": "AWS::NoValue"}]}
    before = build_sizes.check_sizes(built, given, "arm64")
    given["Resources"]["Sync"]["Properties"]["Layers"] = [*layers, either]

    assert build_sizes.check_sizes(built, given, "arm64") <= before
    assert build_sizes.layers_elsewhere(given) == [
        "Insights",
        ELSEWHERE,
        '{"Fn::ImportValue": "shared"}',
    ]
    assert build_sizes.layers_elsewhere(template(built)) == []


def test_a_lambda_whose_code_is_not_built_here_is_taken(built: Path) -> None:
    given = template(built)
    inline = {"Type": build_sizes.FUNCTION, "Properties": {"InlineCode": "pass"}}
    given["Resources"] |= {"Inline": inline, "Fn::ForEach::Topic": ["Name", ["A", "B"], {}]}

    assert build_sizes.check_sizes(built, given, "arm64") > 0


# ── environment ───────────────────────────────────────────────────────────────────────────────


def test_the_current_environment_of_the_operations_fits() -> None:
    assert build_environment.check_environment(stack.template()) < 200


def test_quotation_marks_count_twice_as_lambda_counts_them() -> None:
    value = json.dumps({"A": "x" * 2385})

    assert len(value) == 2394
    assert build_environment.check_environment(with_operations(value)) == 2398


def test_a_byte_more_than_2400_is_refused() -> None:
    most, too_much = (json.dumps({"A": "x" * length}) for length in (2387, 2388))

    assert build_environment.check_environment(with_operations(most)) == 2400
    with pytest.raises(Failure, match=r"takes 2,401 bytes.* and 2,400 are the operations'"):
        build_environment.check_environment(with_operations(too_much))


def test_the_names_of_resources_count_as_long_as_they_may_be() -> None:
    short, long = (
        build_environment.check_environment(with_operations({"Fn::Sub": f'{{"A": "{said}"}}'}))
        for said in ("x", "${AWS::StackName}")
    )

    assert long - short == 63


@pytest.mark.parametrize(
    "value", ['{"A": "b"', {"A": "b"}, 5, "[]", '"A"', '{"A": 1}', '{"A": null}']
)
def test_what_is_no_json_object_of_texts_is_refused(value: Any) -> None:
    with pytest.raises(Failure, match=r"OperationsEnvironment in framework\.yaml"):
        build_environment.check_environment(with_operations(value))


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::ImportValue": "shared"},
        {"Fn::ToJsonString": {"A": "b"}},
        {"Ref": "Nothing"},
        {"Fn::Sub": '{"A": "${Nothing.Arn}"}'},
        {"Fn::Sub": '{"A": "${Text}", "B": "${Number}", "C": "${Ami}"}'},
        {"Fn::Join": ["", ['{"A": "', {"Fn::Select": [9, {"Fn::GetAZs": ""}]}, '"}']]},
        {"Fn::Join": ["", ['{"A": "', {"Fn::Select": [0, {"Ref": "List"}]}, '"}']]},
    ],
)
def test_what_only_an_account_could_resolve_is_taken(value: Any) -> None:
    given = with_operations(value)
    given["Parameters"] |= {
        "Text": {"Type": "String", "AllowedPattern": r"\p{L}+"},
        "Number": {"Type": "Number", "MinValue": 5},
        "List": {"Type": "List<AWS::EC2::Subnet::Id>"},
        "Ami": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a"},
    }
    given["Resources"]["Mine"] = {
        "Type": "AWS::EC2::Instance",
        "Properties": {
            "UserData": {"Fn::Base64": {"Ref": "Text"}},
            "Tags": [{"Key": "a", "Value": {"Ref": {"Fn::Sub": "Text"}}}],
            "Zone": {"Fn::Select": [0, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]},
            "Ami": {"Fn::FindInMap": ["No", "such", "map", {"DefaultValue": "a"}]},
        },
    }
    given["Resources"]["Sync"]["Properties"]["Environment"] = {"Fn::ImportValue": "shared"}

    assert 0 < build_environment.check_environment(given) < 400


def test_nothing_is_refused_for_a_length_that_is_not_known() -> None:
    imported = [{"Fn::ImportValue": f"shared-{n}"} for n in range(60)]
    environment = {"Fn::Join": ["", ['{"A": "', {"Fn::Join": [" ", imported]}, '"}']]}
    given = with_operations(environment)

    assert build_environment.check_environment(given) > build_environment.OPERATIONS_ENVIRONMENT
    with pytest.raises(Failure, match="OperationsEnvironment"):
        build_environment.check_environment(with_operations({"A": {"Fn::ImportValue": "shared"}}))


def test_a_parameter_that_may_not_be_as_long_as_others_are_is_taken() -> None:
    given = stack.template()
    given["Parameters"]["OwnerWaiting"]["MaxValue"] = 10_000

    assert build_environment.check_environment(given) < 200


def test_variables_elsewhere_leave_the_operations_their_share() -> None:
    given = stack.template()
    variables = given["Globals"]["Function"]["Environment"]["Variables"]
    variables["OURS"] = "x" * 1000

    with pytest.raises(Failure, match=r"(Sync|Work): with all that the operations may have"):
        build_environment.check_environment(given)


@pytest.mark.parametrize("parameters", transformed.SETS)
def test_nowlaters_own_variables_leave_the_operations_their_share(parameters: str) -> None:
    lambdas = transformed.resolved(parameters).of_type("AWS::Lambda::Function")
    for name in ("Sync", "Work"):
        variables = lambdas[name]["Environment"]["Variables"]
        own = {k: str(v) for k, v in variables.items()} | {"NOWLATER_OPERATIONS_ENVIRONMENT": ""}

        assert build_environment.measure(own) + build_environment.OPERATIONS_ENVIRONMENT <= 4096


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_the_build_says_how_much_of_each_is_used(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["check_build", "--build", str(built)])

    assert check_build.main() == 0
    assert "of 250 MB" in capsys.readouterr().out


def test_the_build_fails_with_a_sentence(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(built, {"OperationsLayer/python/a.py": 300 * MB})
    arguments = ["check_build", "--build", str(built), "--architecture", "x86_64"]
    monkeypatch.setattr("sys.argv", arguments)

    assert check_build.main() == 1
    assert "make build ARCHITECTURE=arm64" in capsys.readouterr().err


def test_without_a_build_there_is_nothing_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["check_build", "--build", str(tmp_path)])

    assert check_build.main() == 1
    assert "Run make build first" in capsys.readouterr().err


def test_make_build_asks() -> None:
    makefile = (stack.ROOT / "Makefile").read_text()
    recipe = makefile.partition("\nbuild: ")[2].partition("\n\n")[0]

    assert "-m local.check_build --architecture " in recipe.splitlines()[-1]
