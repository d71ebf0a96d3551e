"""The world that each test gets: fresh, on moto, with the operations of the real catalogue."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws  # before any client is made, or it escapes to the network

from nowlater import aws
from tests import stack
from tests.integration.world import World

_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture(scope="session", autouse=True)
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The catalogue layer, built as `sam build` builds it, where a Lambda would find it."""
    folder = tmp_path_factory.mktemp("catalogue")
    paths = os.pathsep.join(
        str(stack.ROOT / "layers" / name) for name in ("nowlater", "operations")
    )
    subprocess.run(
        [sys.executable, stack.ROOT / "layers/catalogue/build.py", folder],
        env=os.environ | {"PYTHONPATH": paths},
        check=True,
    )
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in _AWS.items():
        monkeypatch.setenv(name, value)
    calls: list[str] = []
    with mock_aws():
        moto = stack.Stack()
        for name, value in moto.environment(NOWLATER_DIAGNOSTICS="true").items():
            monkeypatch.setenv(name, value)
        emitter = aws.session().get_component("event_emitter")

        def count(model: object, **_: object) -> None:
            calls.append(f"{model.service_model.service_name}.{model.name}")  # type: ignore[attr-defined]

        emitter.register("before-call", count)
        yield World(dict(os.environ), moto, calls)
        emitter.unregister("before-call", count)
