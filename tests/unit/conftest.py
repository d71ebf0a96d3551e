"""Unit tests are pure: none of them opens a socket."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(scope="package", autouse=True)
def no_network() -> Iterator[None]:
    pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()
