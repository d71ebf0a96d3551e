"""Which API the command line talks to: a profile, the environment, or this machine's stack."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

#: What `make up` writes while it serves.
_LOCAL = Path(".local") / "api.json"


@dataclass(frozen=True)
class Target:
    """An API and how it was found; `more` has what else is known of it."""

    name: str
    url: str
    key: str = field(repr=False)
    more: dict[str, Any] = field(repr=False)


def config_path() -> Path:
    """Return the file with the profiles: NOWLATER_CONFIG, or below XDG_CONFIG_HOME."""
    if "NOWLATER_CONFIG" in os.environ:
        return Path(os.environ["NOWLATER_CONFIG"])
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "nowlater" / "profiles.json"


def find(profile: str | None) -> Target:
    """Return the API to talk to: the profile that was named, NOWLATER_URL and NOWLATER_KEY, the stack
    that `make up` serves in this folder or one above, or the default profile."""
    name = profile or os.environ.get("NOWLATER_PROFILE")
    if name and name != "local":
        return _named(name)
    url, key = os.environ.get("NOWLATER_URL"), os.environ.get("NOWLATER_KEY")
    if url and key and not name:
        return Target("environment", url, key, {})
    if (url or key) and not name:
        is_set, is_not = ("URL", "KEY") if url else ("KEY", "URL")
        raise click.ClickException(f"NOWLATER_{is_set} is set, NOWLATER_{is_not} is not. Set both.")
    local = find_local(Path.cwd())
    if local is not None:
        return local
    if name:
        raise click.ClickException("No local stack is served here. Start one: make up")
    if load().get("default"):
        return _named(load()["default"])
    raise click.ClickException(
        "No API is known. Start a local stack (make up), set NOWLATER_URL and NOWLATER_KEY, or add a "
        "profile:\n  nowlater profile add production https://api.example.com"
    )


def find_local(folder: Path) -> Target | None:
    """Return the stack that `make up` serves in a folder or one above."""
    for parent in (folder, *folder.parents):
        try:
            served = json.loads((parent / _LOCAL).read_text())
            return Target("local", served["url"], served["key"], served)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # none, or one that is written now
    return None


def load() -> dict[str, Any]:
    """Return the stored profiles; refuses a file that others can read, since it has keys."""
    path = config_path()
    if not path.exists():
        return {"profiles": {}}
    if path.stat().st_mode & 0o077:
        raise click.ClickException(f"Others can read {path}, which has keys: chmod 600 {path}")
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        if all(one["url"] and one["key"] for one in found["profiles"].values()):
            return found
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # the same as a profile without URL or key
    raise click.ClickException(f"{path} is not a file of profiles. Correct it, or delete it.")


def save(config: dict[str, Any]) -> None:
    """Store the profiles in a file that only its owner can read."""
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(config, file, indent=1)
    half.replace(path)


def _named(name: str) -> Target:
    found = load()["profiles"].get(name)
    if found is None:
        known = ", ".join(load()["profiles"]) or "none"
        raise click.ClickException(f"There is no profile {name!r}. Known: {known}.")
    return Target(name, found["url"], found["key"], found)
