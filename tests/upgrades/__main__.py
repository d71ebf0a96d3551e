"""Keeps what today's code writes as the fixtures of a version, and seals them at its release.

PYTHONPATH=layers/nowlater:. python -m tests.upgrades write 0.1.0
PYTHONPATH=layers/nowlater:. python -m tests.upgrades seal 0.1.0
"""

import argparse
import base64
import random
import secrets
import sys
import tempfile
from pathlib import Path

import pytest

from tests.integration.worlds import a_world, built_catalogue
from tests.receiver import Receiver
from tests.upgrades import fixture


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=("write", "seal"))
    parser.add_argument("version")
    asked = parser.parse_args()
    if asked.version in fixture.released():
        print(f"{asked.version} is released: its fixtures never change", file=sys.stderr)
        return 1
    return {"write": _write, "seal": _seal}[asked.what](asked.version)


def _write(version: str) -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        built_catalogue(Path(folder)),
        a_world() as world,
        Receiver() as receiver,
        pytest.MonkeyPatch.context() as patch,
    ):
        _foresee(patch, random.Random(version))
        world.empty()
        state = fixture.take(world, receiver)
        state.after = fixture.after(world, receiver, state)
        state.write(fixture.FOLDER / version)
    print(f"written: {fixture.FOLDER / version}")
    return 0


def _foresee(patch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """Have ids and keys be the same each time."""
    patch.setattr(secrets, "randbits", chance.getrandbits)
    patch.setattr(secrets, "randbelow", chance.randrange)
    patch.setattr(secrets, "token_hex", lambda n: chance.randbytes(n).hex())
    patch.setattr(secrets, "token_urlsafe", lambda n: _urlsafe(chance.randbytes(n)))


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _seal(version: str) -> int:
    with fixture.RELEASED.open("a") as file:
        file.write(f"{fixture.digest(version)}  {version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
