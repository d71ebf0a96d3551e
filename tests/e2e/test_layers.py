"""The layers as they are built: what is in them, how large they are, and how fast they load."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.served import Served

#: A .pyc's flags (PEP 552): hash-based, and never compared with its source.
UNCHECKED_HASH = 0b01
LAYERS = ("NowlaterLayer", "OperationsLayer", "CatalogueLayer", "TokensLayer")
ELSEWHERE = ("boto3", "botocore", "awscrt", "pydantic", "aws_xray_sdk", "s3transfer")


def python(served: Served, layer: str) -> Path:
    return served.folder / ".local" / "build" / layer / "python"


@pytest.mark.parametrize("layer", LAYERS)
def test_all_bytecode_is_there_and_is_trusted_without_a_look_at_its_source(
    served: Served, layer: str
) -> None:
    folder = python(served, layer)
    compiled = list(folder.rglob("*.pyc"))
    flags = {struct.unpack("<I", path.read_bytes()[4:8])[0] for path in compiled}

    assert flags == {UNCHECKED_HASH}
    assert len(compiled) == len(list(folder.rglob("*.py")))


def test_the_catalogue_layer_is_small(served: Served) -> None:
    folder = python(served, "CatalogueLayer")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    assert size <= 2_000_000


def test_the_framework_layer_is_small_and_has_no_aws_sdk(served: Served) -> None:
    folder = python(served, "NowlaterLayer")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    assert size <= 10_000_000
    assert not [name for name in ELSEWHERE if (folder / name).exists()]
    assert not (folder / ".lock").exists()


def test_the_tokens_layer_is_what_checks_signatures_and_nothing_else(served: Served) -> None:
    folder = python(served, "TokensLayer")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    assert size <= 25_000_000
    assert not [name for name in (*ELSEWHERE, "nowlater") if (folder / name).exists()]


def test_the_authorizer_finds_all_that_it_imports_in_its_two_layers(served: Served) -> None:
    layers = [str(python(served, layer)) for layer in ("NowlaterLayer", "TokensLayer")]
    code = (
        f"import sys; sys.path[:0] = {layers}\n"
        "from nowlater.access import authenticate, jwks, jwt\n"
        "print(sys.modules['joserfc'].__file__, sys.modules['cryptography'].__file__)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert all(path.startswith(layers[1]) for path in loaded.split()), loaded
