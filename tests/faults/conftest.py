"""The Lambdas, loaded once among their stand-ins."""

from collections.abc import Iterator

import pytest

from tests.faults.standins import StandIns, stand_ins


@pytest.fixture(scope="module")
def here() -> Iterator[StandIns]:
    with stand_ins() as made:
        yield made
