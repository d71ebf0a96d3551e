"""Commands that set up the command line: profile, completion."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nowlater_client import Client
from nowlater_client.cli import profiles, show
from nowlater_client.cli.program import cli

#: Of bash and zsh: no space after `name=`, for its value follows.
_NO_SPACE = (
    ("COMPREPLY+=($value)", "COMPREPLY+=($value); [[ $value == *[=@] ]] && compopt -o nospace"),
    ("compadd -U", "compadd -S '' -U"),
)


@cli.group()
def profile() -> None:
    """Manage profiles: the APIs that you use, and your keys.

    \b
    Example:
      nowlater profile add production https://api.example.com --default
    """


@profile.command()
@click.argument("name")
@click.argument("url")
@click.option("--key", help="Your API key; else it is asked for, or read from a pipe.")
@click.option("--default", is_flag=True, help="Use this profile if nothing else is given.")
def add(name: str, url: str, key: str | None, default: bool) -> None:
    """Store a URL and a key under a name.

    The file can be read by you alone.

    \b
    Example:
      nowlater profile add production https://api.example.com --default
    """
    if name == "local":
        raise click.UsageError("local is the stack that make up serves. Choose another name.")
    if key is None:
        key = click.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    Client(url, key)  # refuses what cannot be a URL or a key
    config = profiles.load()
    config["profiles"][name] = {"url": url, "key": key.strip()}
    if default or len(config["profiles"]) == 1:
        config["default"] = name
    profiles.save(config)
    show.note(f"Stored in {profiles.config_path()}.")
    if config.get("default") == name:
        show.note("It is the default: it is used if no other API is given.")


@profile.command("list")
def list_() -> None:
    """List the profiles.

    \b
    Example:
      nowlater profile list
    """
    config = profiles.load()
    names = config["profiles"]
    rows = [
        (n, p["url"], "default" if n == config.get("default") else "") for n, p in names.items()
    ]
    local = profiles.find_local(Path.cwd())
    rows += [("local", local.url, "served by make up")] if local else []
    if not show.is_terminal():
        show.value({name: url for name, url, _ in rows})
    elif rows:
        show.table(rows, ("PROFILE", "URL", ""))
    else:
        show.note("There are no profiles. Add one:  nowlater profile add NAME URL")


@profile.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget a profile and its key.

    \b
    Example:
      nowlater profile remove production
    """
    config = profiles.load()
    if config["profiles"].pop(name, None) is None:
        raise click.ClickException(f"There is no profile {name!r}.")
    config["default"] = None if config.get("default") == name else config.get("default")
    profiles.save(config)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion for a shell.

    It completes commands, options, profiles, operations, members of inputs, and job ids.

    \b
    Examples:
      nowlater completion bash >> ~/.bashrc
      nowlater completion zsh >> ~/.zshrc
      nowlater completion fish > ~/.config/fish/completions/nowlater.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        source = kind(cli, {}, "nowlater", "_NOWLATER_COMPLETE").source()
        for clicks, ours in _NO_SPACE:
            source = source.replace(clicks, ours)
        click.echo(source)
