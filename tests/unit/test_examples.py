"""The calls that `make up` prints: of an operation that is served."""

import json
import shlex
from pathlib import Path

import pytest

from local import examples


def manual(home: Path, **bodies: object) -> Path:
    """Write a description of operations with these example bodies, as a build does."""
    paths: dict[str, object] = {"/health": {"get": {}}}
    for name, body in bodies.items():
        content = {"application/json": {} if body is None else {"example": body}}
        call = {"post": {"requestBody": {"content": content}}}
        paths |= {f"/{door}/{name.replace('_', '-')}": call for door in ("sync", "async", "hybrid")}
    folder = home / "build/CatalogueLayer/python/nowlater_catalogue/manual"
    folder.mkdir(parents=True)
    (folder / "openapi.json").write_text(json.dumps({"paths": paths}))
    return home


@pytest.mark.parametrize(
    ("bodies", "name", "body"),
    [
        ({"a": {"input": {}}, "text_stats": {"input": {"text": "x"}}}, "text-stats", {"input": {"text": "x"}}),
        ({"greet": {"input": {"name": "it's"}}}, "greet", {"input": {"name": "it's"}}),
        ({"a": {"input": "x" * 300}, "b": {"input": {}}}, "b", {"input": {}}),
        ({"a": None}, "echo", {"input": {"value": "To be, or not to be."}}),
        ({}, "echo", {"input": {"value": "To be, or not to be."}}),
    ],
)  # fmt: skip
def test_the_examples_are_of_an_operation_that_is_served(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    bodies: dict[str, object],
    name: str,
    body: dict[str, object],
) -> None:
    examples.show(
        "http://localhost:8080", "nl_key", "http://localhost:8081/hook", manual(tmp_path, **bodies)
    )
    printed = capsys.readouterr().out

    for door in ("sync", "async"):
        start = printed.index(f"http://localhost:8080/{door}/{name} ")
        words = shlex.split(printed[start:].split("\n\n")[0])
        assert json.loads(words[-1]) == body
    with_callback = printed[printed.index("Have a webhook") :].split("\n\n")[1]
    callback = {"url": "http://localhost:8081/hook"}
    assert json.loads(shlex.split(with_callback)[-1]) == {**body, "callback": callback}
