"""stages.toml: where each stage is, read with care and added to without harm."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from local import stages
from local.failure import Failure
from local.stages import Stage

PROD = Stage("prod", "prod", "eu-central-1", "company", "123456789012")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stages.toml"


def test_a_stage_that_nothing_is_set_for_has_a_stack_of_its_name(file: Path) -> None:
    assert stages.read("prod", file) == Stage("prod", "prod")


def test_what_is_saved_is_read(file: Path) -> None:
    assert stages.save(PROD, file)
    assert stages.read("prod", file) == PROD
    assert stages.names(file) == ["prod"]


def test_a_stage_may_name_its_stack_and_its_tags(file: Path) -> None:
    file.write_text('[prod]\nstack = "acme-prod"\ntags = {team = "billing", "cost center" = "7"}\n')
    read = stages.read("prod", file)

    assert read.stack == "acme-prod"
    assert read.tags == {"team": "billing", "cost center": "7"}


def test_saving_adds_what_is_missing_and_leaves_the_rest(file: Path) -> None:
    file.write_text(
        '# ours\n[other]\nregion = "us-east-1"\n\n[prod] # theirs\ntags = {team = "billing"}\n\n[last]\n'
    )
    tagged = replace(PROD, tags={"team": "billing"})

    assert stages.save(tagged, file)
    assert stages.read("prod", file) == tagged
    assert stages.read("other", file).region == "us-east-1"
    assert file.read_text().startswith('# ours\n[other]\nregion = "us-east-1"\n\n[prod] # theirs\n')
    assert not stages.save(tagged, file)


def test_stages_are_saved_side_by_side(file: Path) -> None:
    stages.save(PROD, file)
    stages.save(replace(PROD, name="test", stack="test"), file)

    assert stages.names(file) == ["prod", "test"]
    assert stages.read("prod", file) == PROD


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('regio = "eu-central-1"', r"no setting regio\. Did you mean region\?"),
        ('colour = "red"', "The settings are stack, region, profile, account and tags"),
        ('region = "Frankfurt"', "region = 'Frankfurt' is wrong"),
        ("account = 123456789012", "an account's twelve digits, in quotes"),
        ('stack = "-x"', "letters, digits and hyphens"),
        ("tags = {team = 7}", "tags must be a table of texts"),
        ('tags = {team = "a\\"b"}', "tags must be a table of texts"),
        ("region = ", "is not TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(
    file: Path, setting: str, said: str
) -> None:
    file.write_text(f"[prod]\n{setting}\n")

    with pytest.raises(Failure, match=said):
        stages.read("prod", file)


@pytest.mark.parametrize("name", ["", "a b", "../x", "9", "x" * 129, "a.b", "a'b"])
def test_a_stage_is_called_as_a_stack_can_be(file: Path, name: str) -> None:
    with pytest.raises(Failure, match="cannot be a stage"):
        stages.read(name, file)


def test_the_file_is_ignored_by_git() -> None:
    ignored = (Path(__file__).parents[2] / ".gitignore").read_text().splitlines()

    assert str(stages.FILE) in ignored


def test_a_value_with_quotes_is_toml(file: Path) -> None:
    stages.save(replace(PROD, profile='my "own"\\'), file)

    assert tomllib.loads(file.read_text())["prod"]["profile"] == 'my "own"\\'


@pytest.mark.parametrize(
    "written",
    [
        '[ prod ]\nregion = "eu-central-1"\n',
        '["prod"]\nregion = "eu-central-1"\n',
        'prod = {region = "eu-central-1"}\n',
        'prod.region = "eu-central-1"\n',
        'other = """\n[prod]\n"""\n["prod"]\nregion = "eu-central-1"\n',
    ],
)
def test_a_file_that_cannot_be_edited_stays_and_the_error_says_what_to_add(
    file: Path, written: str
) -> None:
    file.write_text(written)

    with pytest.raises(Failure, match="by hand") as raised:
        stages.save(PROD, file)
    assert 'profile = "company"\n  account = "123456789012"' in str(raised.value)
    assert file.read_text() == written
    assert list(file.parent.iterdir()) == [file]


def test_a_table_at_the_end_needs_no_last_newline(file: Path) -> None:
    file.write_text("[prod]")

    assert stages.save(PROD, file)
    assert stages.read("prod", file) == PROD


def test_a_file_that_cannot_be_read_is_an_error_of_one_sentence(file: Path) -> None:
    file.write_bytes(b"# caf\xe9\n")
    with pytest.raises(Failure, match=r"stages\.toml cannot be read"):
        stages.read("prod", file)
    file.unlink()
    file.mkdir()

    with pytest.raises(Failure, match=r"stages\.toml cannot be read"):
        stages.read("prod", file)


def test_a_file_that_cannot_be_written_is_an_error_of_one_sentence(file: Path) -> None:
    file.with_suffix(".half").mkdir()

    with pytest.raises(Failure, match=r"stages\.toml cannot be written"):
        stages.save(PROD, file)


def test_the_stage_that_is_meant_is_the_stack_of_samconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stages.default_name() == "nowlater"
    for text in ("not TOML", "[default]\n", '[default.global.parameters]\nstack_name = "acme"\n'):
        (tmp_path / "samconfig.toml").write_text(text)
        assert stages.default_name() == ("acme" if "acme" in text else "nowlater")
