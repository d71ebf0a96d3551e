"""Describes the API from the operations' index: OpenAPI, AsyncAPI, the page that shows them, and the console."""

import json
from pathlib import Path
from typing import Any

from described import asyncapi, console, openapi, pages


def write(folder: Path, index: list[dict[str, Any]]) -> None:
    """Write all documents into a folder, from the index of the operations.

    There are two OpenAPI documents: with the diagnostic operations, and without.
    """
    folder.mkdir(exist_ok=True)
    served = [entry for entry in index if not entry["diagnostic"]]
    for name, entries in (("openapi", served), ("openapi-diagnostics", index)):
        _write(folder / f"{name}.json", openapi.document(entries))
    _write(folder / "asyncapi.json", asyncapi.document())
    pages.write(folder)
    console.write(folder)


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
