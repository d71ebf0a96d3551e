"""Stages: the account, region and settings of each stack, stored in `stages.toml`, which git ignores."""

import dataclasses
import difflib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.failure import Failure

FILE = Path("stages.toml")
_SAM_SETTINGS = Path("samconfig.toml")
_HEAD = """\
# The stages of this checkout, one table each. `make deploy` writes region, profile and account; you may
# add settings: docs/deploying.md#stages. A stack's parameters are stored by the stack itself.
"""
#: CloudFormation's rule for the name of a stack.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
#: AWS's rule for the characters of a tag.
_TAG = re.compile(r"[\w .:/=+@-]+")
_RULES = {
    "stack": (_NAME, "a stack's name: letters, digits and hyphens, a letter first"),
    "region": (re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+"), "a region, such as eu-central-1"),
    "profile": (re.compile(r".+"), "a profile of your AWS configuration"),
    "account": (re.compile(r"[0-9]{12}"), "an account's twelve digits, in quotes"),
}


@dataclass(frozen=True)
class Stage:
    """A stage and its settings; its stack has the same name unless another is set."""

    name: str
    stack: str
    region: str | None = None
    profile: str | None = None
    #: The account that it was deployed to; any other is refused.
    account: str | None = None
    #: All tags of the stack; None keeps the stack's tags.
    tags: dict[str, str] | None = None


def read(name: str, file: Path = FILE) -> Stage:
    """Return a stage with its settings; raises Failure where a name or a value is wrong."""
    if not _NAME.fullmatch(name):
        raise Failure(f"{name!r} cannot be a stage: it must be {_RULES['stack'][1]}.")
    settings = _load(file).get(name, {})
    if not isinstance(settings, dict):
        raise Failure(f"{file}: {name} must be a table, [{name}].")
    for setting, value in settings.items():
        validate(setting, value, f"{file}, [{name}]")
    fields: dict[str, Any] = {"name": name, "stack": name, **settings}
    return Stage(**fields)


def default_name() -> str:
    """Return the stage that is meant if none is named: the stack of samconfig.toml."""
    try:
        settings = tomllib.loads(_SAM_SETTINGS.read_text())
        name = settings["default"]["global"]["parameters"]["stack_name"]
    except (OSError, ValueError, LookupError, TypeError):
        return "nowlater"
    return str(name)


def names(file: Path = FILE) -> list[str]:
    """Return the names of the stages in the file."""
    return list(_load(file))


def validate(setting: str, value: Any, place: str) -> None:
    """Raise Failure where there is no such setting, or its value is wrong."""
    if setting == "tags":
        texts = [*value, *value.values()] if isinstance(value, dict) else [None]
        if not all(isinstance(text, str) and _TAG.fullmatch(text) for text in texts):
            raise Failure(
                f'{place}: tags must be a table of texts, such as {{team = "billing"}}; AWS accepts '
                "letters, digits, spaces and _.:/=+-@ in them."
            )
        return
    if setting not in _RULES:
        nearest = difflib.get_close_matches(setting, [*_RULES, "tags"], 1)
        hint = (
            f"Did you mean {nearest[0]}?"
            if nearest
            else f"The settings are {', '.join(_RULES)} and tags."
        )
        raise Failure(f"{place}: there is no setting {setting}. {hint}")
    pattern, description = _RULES[setting]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Failure(f"{place}: {setting} = {value!r} is wrong; it must be {description}.")


def save(stage: Stage, file: Path = FILE) -> bool:
    """Add the settings of a stage that the file does not have yet; return whether there were any.

    The rest of the file stays unchanged, comments included.
    """
    saved = read(stage.name, file)
    missing = [
        f"{field.name} = {json.dumps(value)}\n"
        for field in dataclasses.fields(stage)
        if (value := getattr(stage, field.name)) != getattr(saved, field.name)
    ]
    if not missing:
        return False
    text = file.read_text() if file.exists() else _HEAD
    text += "" if text.endswith("\n") else "\n"
    head = re.search(rf"^\[{stage.name}\][^\n]*\n", text, re.MULTILINE)
    before, after = (text[: head.end()], text[head.end() :]) if head else (text, "")
    title = "" if head else f"\n[{stage.name}]\n"
    half = file.with_suffix(".half")
    try:
        half.write_text(before + title + "".join(missing) + after)
        if not _has(half, stage):
            half.unlink()
            raise Failure(
                f"{file} has {stage.name} in a form that this command cannot change. Add these lines to "
                f"its table by hand, then repeat the command:\n  {'  '.join(missing)}".rstrip()
            )
        half.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error}.") from error
    return True


def _has(file: Path, stage: Stage) -> bool:
    """Return whether a file has exactly this stage."""
    try:
        return read(stage.name, file) == stage
    except Failure:
        return False


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text()) if file.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"{file} is not TOML: {error}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}.") from error
