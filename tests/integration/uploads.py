"""Uploads, as their owner makes them."""

from typing import Any
from urllib.parse import urlsplit

from tests.integration.world import World


def upload(
    world: World, owner: str = "acme", headers: dict[str, str] | None = None, **said: Any
) -> Any:
    body = {"size": 7, "media_type": "text/csv"} | said
    return world.call("upload", owner=owner, body=body, headers=headers or {})


def put(world: World, begun: Any, body: bytes = b"a,b\n1,2") -> None:
    """Put the content to where the upload's URL points."""
    key = urlsplit(begun.json["url"]).path.removeprefix("/")
    kind = begun.json["headers"]["Content-Type"]
    world.s3.put_object(Bucket=world.ids["Bucket"], Key=key, Body=body, ContentType=kind)
