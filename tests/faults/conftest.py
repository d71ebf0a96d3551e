"""The Lambdas, loaded once among their stand-ins."""

from collections.abc import Iterator

import pytest

from tests.faults.standins import StandIns, installed


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[StandIns]:
    with installed() as made:
        yield made
