"""Stages: where the stack of each is, and for whom. `stages.toml` has them, and git ignores it."""

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
_HEAD = """\
# The stages of this checkout, one table each; `make deploy` writes what it was told once, and you may
# add to it: docs/operating.md#deploy-and-stages. The parameters of a stack are kept by the stack.
"""
#: CloudFormation's rule for the name of a stack.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
#: What a tag may consist of, by AWS's rule.
_TAG = re.compile(r"[\w .:/=+@-]+")
_RULES = {
    "stack": (_NAME, "a stack's name: letters, digits and hyphens, a letter first"),
    "region": (re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+"), "a region, such as eu-central-1"),
    "profile": (re.compile(r".+"), "a profile of your AWS configuration"),
    "account": (re.compile(r"[0-9]{12}"), "an account's twelve digits, in quotes"),
}


@dataclass(frozen=True)
class Stage:
    """A stage, and what is set for it; its stack has its name unless another is set."""

    name: str
    stack: str
    region: str | None = None
    profile: str | None = None
    #: The account that it was deployed into; any other is refused.
    account: str | None = None
    #: All tags of the stack; None leaves those that it has.
    tags: dict[str, str] | None = None


def read(name: str, file: Path = FILE) -> Stage:
    """Return a stage, with what is set for it; raises Failure for what cannot be meant."""
    if not _NAME.fullmatch(name):
        raise Failure(f"{name!r} cannot be a stage: it is {_RULES['stack'][1]}.")
    settings = _load(file).get(name, {})
    if not isinstance(settings, dict):
        raise Failure(f"{file}: {name} is to be a table, [{name}].")
    for setting, value in settings.items():
        check(setting, value, f"{file}, [{name}]")
    given: dict[str, Any] = {"name": name, "stack": name, **settings}
    return Stage(**given)


def names(file: Path = FILE) -> list[str]:
    """Return the stages that are in the file."""
    return list(_load(file))


def check(setting: str, value: Any, where: str) -> None:
    """Raise Failure where a setting is none, or its value does not fit."""
    if setting == "tags":
        texts = [*value, *value.values()] if isinstance(value, dict) else [None]
        if not all(isinstance(text, str) and _TAG.fullmatch(text) for text in texts):
            raise Failure(
                f'{where}: tags are a table of texts, such as {{team = "billing"}}; AWS takes '
                "letters, digits, spaces and _.:/=+-@ in them."
            )
        return
    if setting not in _RULES:
        nearest = difflib.get_close_matches(setting, [*_RULES, "tags"], 1)
        hint = f"Is {nearest[0]} meant?" if nearest else f"There are {', '.join(_RULES)} and tags."
        raise Failure(f"{where}: there is no setting {setting}. {hint}")
    pattern, words = _RULES[setting]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Failure(f"{where}: {setting} = {value!r} does not fit; it is {words}.")


def save(stage: Stage, file: Path = FILE) -> bool:
    """Add to the file what it does not say of a stage yet; return whether that was anything.

    What is there stays as it is, comments included.
    """
    there = read(stage.name, file)
    missing = [
        f"{field.name} = {json.dumps(value)}\n"
        for field in dataclasses.fields(stage)
        if (value := getattr(stage, field.name)) != getattr(there, field.name)
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
                f"{file} writes {stage.name} in a way that nothing can be added to. Add to its table by "
                f"hand, and begin again:\n  {'  '.join(missing)}".rstrip()
            )
        half.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error}.") from error
    return True


def _has(file: Path, stage: Stage) -> bool:
    """Tell whether a file says of a stage what is to be known."""
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
