"""What holds for all tests: none of them fails because a machine is slow."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from tests import snippets

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="module")
def load(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a snippet of the module's `PAGE` by its name."""
    with snippets.modules(request.module.PAGE, tmp_path_factory.mktemp("snippets")) as load:
        yield load
