"""What a shell completes: profiles, operations, members of an input, and ids of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from nowlater_client import Client, NowlaterError
from nowlater_client.cli import profiles, show
from nowlater_client.cli.schema import member

Named = Iterable[tuple[str, str]]
Complete = Callable[[click.Context, Any, str], list[CompletionItem]]


def _completing(names: Callable[[Client, click.Context], Named]) -> Complete:
    """Return a completion by names, each with a help. It completes nothing if the API cannot be asked."""

    def complete(ctx: click.Context, param: Any, incomplete: str) -> list[CompletionItem]:
        try:
            target = profiles.find(ctx.find_root().params.get("profile"))
            with Client(
                target.url, target.key, timeout=2, max_retries=0
            ) as client:  # a shell waits
                return _items(names(client, ctx), incomplete)
        except (click.ClickException, NowlaterError, OSError, ValueError, ImportError):
            return []

    return complete


def _items(names: Named, incomplete: str) -> list[CompletionItem]:
    begun = [(name, text) for name, text in names if name.startswith(incomplete)]
    return [CompletionItem(name, help=show.plain(show.shortened(text, 60))) for name, text in begun]


def _members(client: Client, ctx: click.Context) -> Named:
    schema = client.operation(ctx.params["operation"]).input or {}
    found = schema.get("properties", {}).items()
    return [(member(name, part), "") for name, part in found]  # zsh cannot describe a `:=`


complete_operation = _completing(
    lambda client, _: [(one.name, one.description) for one in client.operations()]
)
complete_job = _completing(
    lambda client, _: [(one.id, f"{one.operation} {one.status}") for one in client.jobs(limit=50)]
)
complete_member = _completing(_members)


def complete_profile(ctx: click.Context, param: Any, incomplete: str) -> list[CompletionItem]:
    """Return the profiles whose names begin so."""
    try:
        known = {name: one["url"] for name, one in profiles.load()["profiles"].items()}
    except (click.ClickException, OSError):
        known = {}
    return _items({"local": "served by make up", **known}.items(), incomplete)
