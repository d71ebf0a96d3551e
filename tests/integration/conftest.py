"""The world that each test gets: emptied, on one stack of moto, with the real catalogue."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nowlater.log import logger
from tests.integration.world import World
from tests.integration.worlds import a_world, built_catalogue
from tests.receiver import Receiver


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The catalogue layer, built as `sam build` builds it, where a Lambda would find it."""
    with built_catalogue(tmp_path_factory.mktemp("catalogue")) as folder:
        yield folder


@pytest.fixture(scope="package")
def whole_world(catalogue: Path) -> Iterator[World]:
    """The stack and the loaded Lambdas, shared by all tests: making them takes seconds."""
    with a_world() as made:
        yield made


@pytest.fixture
def world(whole_world: World) -> Iterator[World]:
    whole_world.empty()
    yield whole_world
    assert not whole_world.denied


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that jobs call back."""
    with Receiver() as made:
        yield made


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """The lines of the log, as they are written."""
    written: list[Any] = []
    handler = logging.Handler()
    handler.emit = lambda said: written.append(json.loads(logger.registered_formatter.format(said)))  # type: ignore[method-assign]
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)
