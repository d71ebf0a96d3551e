"""What the build of the catalogue finds and writes."""

import importlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

import discovery
from nowlater.problems import Problem
from nowlater.runtime.catalogue import Catalogue
from tests import stack
from tests.unit.builds import build


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that the build writes for the operations of this repository."""
    folder = tmp_path_factory.mktemp("layer")
    assert build.main(folder) == 0
    return folder / "nowlater_catalogue"


def test_every_operation_is_described_in_the_index(written: Path) -> None:
    index = json.loads((written / "index.json").read_text())
    names = [entry["name"] for entry in index]

    assert names == sorted(names)
    assert {"text-stats", "csv-profile", "thumbnail", "echo", "sleep", "fail", "flaky"} <= set(
        names
    )
    for entry in index:
        assert entry["description"].endswith(".")
        assert entry["timeout"] > 0
        assert set(entry["doors"]) <= {"sync", "async", "hybrid"}


def test_every_schema_is_json_schema_of_2020_12(written: Path) -> None:
    for entry in json.loads((written / "index.json").read_text()):
        for side in (entry["input"], entry["result"]):
            jsonschema.Draft202012Validator.check_schema(side)
        assert entry["input"]["type"] == "object"
        assert entry["input"]["additionalProperties"] is False


def test_an_entry_imports_neither_the_operation_nor_the_generator(written: Path) -> None:
    for path in written.glob("*.py"):
        code = path.read_text()

        assert "import operations" not in code
        assert "fastjsonschema" not in code


def test_documents_are_written_again_where_the_operations_are_described_otherwise(
    tmp_path: Path,
) -> None:
    assert build.main(tmp_path) == 0
    package = tmp_path / "nowlater_catalogue"
    document = package / "manual" / "openapi.json"
    whole = document.read_text()
    document.write_text("from before")
    (package / "gone.py").write_text("")
    build.main(tmp_path)

    assert document.read_text() == "from before"
    assert not (package / "gone.py").exists()
    (package / "index.json").write_text("[]")
    build.main(tmp_path)
    assert document.read_text() == whole


@pytest.fixture
def catalogue(written: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.syspath_prepend(written.parent)
    for name in [n for n in sys.modules if n.startswith("nowlater_catalogue")]:
        monkeypatch.delitem(sys.modules, name)
    return Catalogue(with_diagnostics=False)


def test_an_operation_is_found_by_its_name(catalogue: Catalogue) -> None:
    entry = catalogue.get_served("sync", "text-stats")

    assert entry.name == "text-stats"
    assert entry.module.startswith("operations.")
    assert not entry.takes_documents
    assert catalogue.get_served("async", "csv-profile").takes_documents


@pytest.mark.parametrize(
    "name",
    ["nothing", "", "echo", "__init__", "text_stats", "TEXT-STATS", "os.path", "index", "../x"],
)
def test_what_is_not_served_is_unknown(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(Problem) as raised:
        catalogue.get_served("sync", name)

    assert raised.value.name == "unknown-operation"


def test_diagnostics_are_served_where_they_are_asked_for(catalogue: Catalogue) -> None:
    assert Catalogue(with_diagnostics=True).get_served("sync", "echo").diagnostic


def test_the_samples_fit_their_operations(catalogue: Catalogue) -> None:
    for name in ("sync", "submit", "hybrid"):
        sent = stack.event(name)
        entry = Catalogue(with_diagnostics=True).get_served(
            "async", sent["pathParameters"]["operation"]
        )

        entry.validate(json.loads(sent["body"])["input"])


def test_a_checkout_can_lie_in_a_folder_with_a_space_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "now later"
    uv = folder / ".local/tools/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.write_text("#!/bin/sh\nmkdir -p .venv\n")
    uv.chmod(0o755)
    (folder / "operations").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "uv.lock", "operations/requirements.txt"):
        (folder / name).write_bytes((stack.ROOT / name).read_bytes())
    subprocess.run(["make", ".venv/.made-from-lock"], cwd=folder, check=True)

    assert (folder / ".venv/.made-from-lock").exists()


def test_without_broken_operations_the_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "partly_broken"
    package.mkdir()
    head = "from nowlater import operation\n\n"
    (package / "__init__.py").write_text("")
    (package / "fine.py").write_text(f"{head}@operation()\ndef fine() -> int:\n    return 1\n")
    (package / "syntax.py").write_text("def broken(:\n")
    (package / "signature.py").write_text(
        f"{head}@operation()\ndef unfit(n) -> None: ...\n\n@operation()\ndef fit() -> None: ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = discovery.discover(importlib.import_module("partly_broken"))
    monkeypatch.setattr(build, "discover", lambda *, framework: found)

    assert build.main(tmp_path / "refused") == 1
    refused = capsys.readouterr().err.splitlines()
    assert not (tmp_path / "refused").exists()
    assert build.main(tmp_path / "out", without_broken=True) == 0
    written = {path.stem for path in (tmp_path / "out/nowlater_catalogue").glob("*.py")}
    assert written == {"__init__", "fine", "fit"}
    left_out = capsys.readouterr().err.splitlines()
    assert [line.removeprefix("left out: ") for line in left_out] == refused
    assert len(refused) == 2
    assert "syntax.py:1: SyntaxError: invalid syntax" in refused[0]
    assert "signature.py:3: unfit: the parameter n needs an annotation" in refused[1]


@pytest.mark.parametrize("layer", ["nowlater", "operations"])
def test_sources_are_copied_while_others_write_beside_them(tmp_path: Path, layer: str) -> None:
    for name in (f"layers/{layer}/Makefile", "layers/layer.mk"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stack.ROOT / name, tmp_path / name)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(shutil.which("true") or "")  # of `local.compose`
    sources = tmp_path / {"nowlater": "layers/nowlater/nowlater", "operations": "operations"}[layer]
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "kept.py").write_text("KEPT = 1\n")
    (sources / ".#kept.py").symlink_to("nowhere")  # as Emacs marks what is edited
    (sources / ".kept.py.swp").touch()  # as Vim does
    (tmp_path / "out/python").mkdir(parents=True)
    with _written(sources / "__pycache__"):
        done = subprocess.run(
            [
                *("make", f"build-{layer.title()}Layer", f"ARTIFACTS_DIR={tmp_path}/out"),
                *("UV=true", f"PYTHON={sys.executable}", "ARCHITECTURE=host"),
            ],
            cwd=tmp_path / "layers" / layer,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    built = tmp_path / "out/python" / sources.name
    assert {path.name for path in built.iterdir()} == {"kept.py", "__pycache__"}
    assert [path.name[:5] for path in (built / "__pycache__").iterdir()] == ["kept."]


@pytest.mark.parametrize(
    ("architecture", "asks"),
    [("host", [True]), ("host", [True, False]), ("arm64", [False])],
)
def test_a_local_stack_takes_packages_from_the_cache_and_asks_an_index_only_for_others(
    tmp_path: Path, architecture: str, asks: list[bool]
) -> None:
    """`asks`: for each call of uv, whether it is without the index; only the last one succeeds."""
    for name in ("layers/tokens/Makefile", "layers/layer.mk"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stack.ROOT / name, tmp_path / name)
    calls, uv = tmp_path / "calls", tmp_path / "uv"
    uv.write_text(
        f'#!/bin/sh\necho "$*" >> {calls}; echo failed >&2; test $(wc -l < {calls}) = {len(asks)}'
    )
    uv.chmod(0o755)
    done = subprocess.run(
        [
            *("make", "--silent", "build-TokensLayer", f"ARTIFACTS_DIR={tmp_path}/out"),
            *(f"UV={uv}", "PYTHON=true", f"ARCHITECTURE={architecture}"),
        ],
        cwd=tmp_path / "layers/tokens",
        capture_output=True,
        text=True,
        check=False,
    )

    assert ["--offline" in call for call in calls.read_text().splitlines()] == asks
    assert done.stderr.count("failed") == asks.count(False)


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    """Meanwhile files appear in a folder and go, as where Python writes bytecode."""
    folder.mkdir()
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            names = [folder / f"module{n}.pyc.1" for n in range(300)]
            for name in names:
                name.touch()
            for name in names:
                name.unlink()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()
