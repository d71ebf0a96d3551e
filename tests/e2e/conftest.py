"""Black-box tests of a deployed stack: the local one, or any by NOWLATER_URL and NOWLATER_KEY."""

import os
import secrets
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.client import Client
from tests.e2e.logs import leaks, logged, story
from tests.e2e.served import Served, Subscriber
from tests.issuer import AUDIENCE, Issuer

#: The pages that may call the local stack from a browser.
WEB_ORIGINS = ("https://app.example.com", "https://admin.example.com:8443")

TRESPASS = Path(__file__).with_name("trespass.py")

_BEGAN = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note when the first test of each module began: what they share is made there."""
    module = item.getparent(pytest.Module) or item
    module.stash.setdefault(_BEGAN, time.time())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the stacks have logged since its module began, and where it is."""
    report = yield
    if report.failed:
        began = (item.getparent(pytest.Module) or item).stash[_BEGAN]
        for stack in Served.running:
            title = f"Logged by the stack in {stack.folder}"
            report.sections.append((title, story(stack, since=began)))
    return report


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """The issuer whose JWTs the local stack takes."""
    with Issuer() as made:
        yield made


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Served]:
    """The local stack, logging as a deployed one does; who asks for it reaches behind the API."""
    if "NOWLATER_URL" in os.environ:
        pytest.skip("this test needs the local stack, and NOWLATER_URL names another")
    parameters = ("LogLevel=INFO", f"JwtIssuer={issuer.url}", f"JwtAudience={AUDIENCE}")
    origins = f"WebOrigins={','.join(WEB_ORIGINS)}"
    with Served(tmp_path_factory.mktemp("served"), *parameters, origins) as it:
        yield it
        assert leaks(logged(it)) == {}, "the tests had this logged"


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stack with the parameters of `make up` itself, which also serves the operation that means harm."""
    with Served(tmp_path_factory.mktemp("plain"), operations=[TRESPASS]) as it:
        yield it


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A caller with a key for everything."""
    if "NOWLATER_URL" in os.environ:
        client = Client(os.environ["NOWLATER_URL"], os.environ["NOWLATER_KEY"])
    else:
        connection = request.getfixturevalue("served").connection()
        client = Client(connection["url"], connection["key"])
    yield client
    client.close()


@pytest.fixture(scope="session")
def diagnostics(api: Client) -> None:
    """Asked for by tests of operations that are served where the stack's Diagnostics is true."""
    names = {o["name"] for o in api.get("/operations").json()["operations"]}
    if "sleep" not in names:
        pytest.skip("this test needs a stack with Diagnostics=true")


@pytest.fixture(scope="session")
def subscriber(served: Served) -> Subscriber:
    """A subscriber of the topic."""
    return Subscriber(served.stack())


@pytest.fixture
def key() -> str:
    """An idempotency key that no other test uses."""
    return secrets.token_hex(8)
