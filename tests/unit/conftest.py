"""Unit tests are pure: none of them opens a socket."""

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_socket


@pytest.fixture(scope="package", autouse=True)
def no_network() -> Iterator[None]:
    pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources, as SAM makes them."""
    from tests.unit.aws_rules.transformed import transformed  # it imports SAM

    found: dict[str, Any] = transformed()["Resources"]
    return found
