"""The world that each test gets: emptied, on one stack of moto, with the real catalogue."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.world import World
from tests.integration.worlds import a_world, built_catalogue


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
