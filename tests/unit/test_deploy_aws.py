"""`make deploy` on this machine: what it hands to SAM, and what it says instead of a traceback."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from local import deploy_aws, sam_deploy
from local.failure import Failure
from local.stages import Stage
from tests import stack

PROD = Stage("prod", "acme-prod", "eu-central-1", "company", "123456789012")
SAVED = """
[default.deploy.parameters]
profile = "guided"
region = "us-east-1"
stack_name = "guided"
tags = "guided=\\"1\\""
parameter_overrides = "Shards=\\"7\\""
s3_prefix = "ours"
"""


class Sam:
    """A `sam` that only notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._noted = folder, folder / "called"
        (folder / "bin").mkdir()
        (folder / "bin/sam").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{self._noted}'\n")
        (folder / "bin/sam").chmod(0o755)
        (folder / "samconfig.toml").write_text((stack.ROOT / "samconfig.toml").read_text())

    def after(self, option: str) -> str:
        """Return what follows an option."""
        called = self._noted.read_text().splitlines()
        return called[called.index(option) + 1]

    def settings(self) -> dict[str, Any]:
        """Return the settings of `sam deploy` that it was handed."""
        handed: dict[str, Any] = yaml.safe_load(Path(self.after("--config-file")).read_text())
        return handed["default"]["global"]["parameters"] | handed["default"]["deploy"]["parameters"]


@pytest.fixture
def sam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sam:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return Sam(tmp_path)


@pytest.mark.parametrize("given", [{}, {"JwtAudience": "it's $1 \\"}])
def test_sam_is_always_handed_the_parameters(sam: Sam, given: dict[str, str]) -> None:
    sam_deploy.sam_deploy(PROD, given, {})
    handed = sam.after("--parameter-overrides").removeprefix("file://")

    assert json.loads((sam.folder / handed).read_text()) == given


def test_what_a_guided_deployment_saved_is_not_taken(sam: Sam) -> None:
    (sam.folder / "samconfig.toml").write_text(
        "version = 0.1\n[default.global.parameters]\n" + SAVED
    )
    sam_deploy.sam_deploy(PROD, {}, {})

    assert sam.settings() == {"s3_prefix": "ours"}


def test_the_shared_settings_stay_in_effect(sam: Sam) -> None:
    sam_deploy.sam_deploy(PROD, {}, {})

    assert sam.settings() == {
        "capabilities": "CAPABILITY_IAM",
        "resolve_s3": True,
        "confirm_changeset": True,
        "fail_on_empty_changeset": False,
    }


@pytest.mark.parametrize(
    ("public", "url"), [("", "https://x.aws"), ("https://a.example.com", "https://a.example.com")]
)
def test_the_address_that_callers_use_is_to_be_verified(
    public: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account: Any = SimpleNamespace(
        outputs={"ApiUrl": "https://x.aws"}, parameters={"PublicUrl": public}
    )
    deploy_aws._print_next_steps(account, PROD)

    assert f"KEY=nl_… make verify URL={url}\n" in capsys.readouterr().out


# ── instead of tracebacks ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "template.yaml cannot be read"),
        (b"Parameters: [", "template.yaml cannot be read"),
        (b"# caf\xe9", "template.yaml cannot be read"),
        (b"", "template.yaml is not a template"),
        (b"Parameters: {}\n", "template.yaml is not a template"),
    ],
)
def test_a_missing_or_broken_template_is_an_error_of_one_sentence(
    template: bytes | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["deploy_aws"])
    if template is not None:
        (tmp_path / "template.yaml").write_bytes(template)

    assert deploy_aws.main() == 1
    assert capsys.readouterr().err.startswith(said)


def test_a_folder_that_cannot_be_written_is_an_error_of_one_sentence(
    monkeypatch: pytest.MonkeyPatch, sam: Sam, capsys: pytest.CaptureFixture[str]
) -> None:
    (sam.folder / ".aws-sam").touch()
    monkeypatch.setattr("sys.argv", ["deploy_aws"])
    monkeypatch.setattr(deploy_aws, "deploy", lambda asked: sam_deploy.sam_deploy(PROD, {}, {}))

    assert deploy_aws.main() == 1
    assert capsys.readouterr().err == ".aws-sam cannot be read or written: File exists.\n"


def test_settings_that_are_no_toml_are_an_error_of_one_sentence(sam: Sam) -> None:
    (sam.folder / "samconfig.toml").write_text("version = ")

    with pytest.raises(Failure, match=r"samconfig\.toml cannot be read"):
        sam_deploy.sam_deploy(PROD, {}, {})


def test_a_region_that_the_file_contradicts_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "template.yaml").write_text("Parameters: {}\nResources: {}\n")
    (tmp_path / "stages.toml").write_text('[prod]\nregion = "eu-central-1"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["deploy_aws", "--stack", "prod"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    assert deploy_aws.main() == 1
    assert capsys.readouterr().err.startswith("AWS_REGION is us-east-1, and stages.toml has region")
