"""What holds for all tests: none of them fails because a machine is slow."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from tests import snippets
from tests.progress import Progress
from tests.schedule import Schedule

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say in the terminal which test runs when it takes long."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(terminal))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Schedule:
    """Share the modules of tests between the processes."""
    return Schedule(config, log)


@pytest.fixture(scope="module")
def load(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a snippet of the module's `PAGE` by its name."""
    with snippets.modules(request.module.PAGE, tmp_path_factory.mktemp("snippets")) as load:
        yield load
