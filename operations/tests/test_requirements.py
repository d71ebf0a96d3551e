"""The operations are tested with the packages that their layer ships."""

from importlib.metadata import version
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def test_the_packages_in_the_layer_are_those_of_the_tests() -> None:
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]

    assert pins
    assert {pin: pin.partition("==")[2] for pin in pins} == {
        pin: version(pin.partition("==")[0]) for pin in pins
    }
