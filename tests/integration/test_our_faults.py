"""Faults of the service itself: a job waits for them to be mended, and never ends as if its input were wrong."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nowlater.instants import DAY_S
from nowlater.runtime import catalogue
from nowlater.runtime.catalogue import Entry
from tests.integration.faults import answered
from tests.integration.runs import ended_as, wait_s
from tests.integration.uploads import put, upload
from tests.integration.world import World

type Mend = Callable[[], object]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that packages can be imported from, and are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    catalogue._index.cache_clear()
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("broken_", "imported_")):
            del sys.modules[name]
    catalogue._index.cache_clear()


def is_waiting(world: World, job: str, attempts_left: int) -> bool:
    item = world.job(job)
    return (item["status"], item["attempts_left"]) == ("queued", attempts_left)


def mended(world: World, job: str) -> Any:
    """Return the job after another attempt, once its wait is over."""
    world.pass_time(wait_s(world, job))
    world.work()
    return world.see(job)


# ── the catalogue ─────────────────────────────────────────────────────────────────────────────

LISTED = '[{"name": "text-stats"}]'
CATALOGUES: dict[str, dict[str, str] | None] = {
    "missing": None,
    "empty": {"__init__.py": ""},
    "without the operation that its index has": {"__init__.py": "", "index.json": LISTED},
    "without an index": {"__init__.py": "", "other.py": ""},
    "with an index that is cut off": {"__init__.py": "", "index.json": "[{"},
    "that imports a missing module": {"text_stats.py": "import no_such_module_of_ours"},
    "that is cut off": {"text_stats.py": "ENTRY = {"},
    "of another version": {"text_stats.py": "ENTRY = {'name': 'text-stats'}\nvalidate = None"},
    "without an entry": {"text_stats.py": ""},
    "that the disk does not give": {"text_stats.py": "raise OSError(5, 'Input/output error')"},
    "that there is no memory for": {"text_stats.py": "raise MemoryError"},
}


@pytest.mark.parametrize("files", CATALOGUES.values(), ids=list(CATALOGUES))
def test_a_catalogue_that_cannot_be_read_has_a_job_wait_and_uses_up_no_try(
    world: World,
    lines: list[Any],
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str] | None,
) -> None:
    job = world.submit().json["id"]
    attempts_left = world.job(job)["attempts_left"]
    name = f"broken_{packages.name.replace('-', '_')}"
    for file, text in (files or {}).items():
        (packages / name).mkdir(exist_ok=True)
        (packages / name / file).write_text(text)
    importlib.invalidate_caches()
    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "_PACKAGE", name)
        world.pass_time(7200)
        world.work()
        waits = is_waiting(world, job, attempts_left)
        door = world.submit()
    faults = [line for line in lines if line["level"] == "ERROR"]

    assert waits
    assert faults[0]["message"] == "catalogue_unreadable"
    assert "exception_name" in faults[0]  # FaultsAlarm counts it
    assert (door.status, door.problem) == (500, "internal-error")
    catalogue._index.cache_clear()
    assert mended(world, job)["status"] == "succeeded"


def test_an_operation_that_a_worker_may_not_have_yet_is_waited_for(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.job(job, operation="to-be-deployed")
    world.pass_time(3599)
    world.work()
    first = is_waiting(world, job, 3)
    world.pass_time(30)
    world.work()

    assert first
    assert ended_as(world, job) == "refused"
    assert "no longer served" in world.see(job)["error"]["detail"]


# ── the operation's module ────────────────────────────────────────────────────────────────────

MODULES = {
    "missing": None,
    "layer missing": "import no_such_package",
    "cut off": "def broken(",
    "settings missing": "import os\nos.environ['NO_SUCH_SETTING']",
    "no memory": "raise MemoryError",
    "no disk": "raise OSError(28, 'No space left on device')",
    "built for another processor": "raise ImportError('wrong ELF class')",
    "refuses": "from nowlater import Refused\nraise Refused('not here')",
    "without the operation": "",
}


def served_from(world: World, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Have the operation `broken` be served from a module."""
    entry = Entry(
        name="broken",
        module=module,
        function="broken",
        timeout=5,
        attempts=1,
        doors=("sync", "async"),
        diagnostic=False,
        takes_documents=False,
        validate=lambda given: given,
    )
    for name in ("sync", "submit", "work"):
        catalogue = world.app(name).services.catalogue
        monkeypatch.setattr(catalogue, "find", lambda asked: entry)


@pytest.mark.parametrize("source", MODULES.values(), ids=list(MODULES))
def test_an_operation_that_cannot_be_imported_has_its_job_wait(
    world: World,
    lines: list[Any],
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str | None,
) -> None:
    module = f"imported_{packages.name.replace('-', '_')}"
    served_from(world, monkeypatch, module)
    if source is not None:
        (packages / f"{module}.py").write_text(source)
    importlib.invalidate_caches()
    job = world.submit("broken", {}).json["id"]
    world.work()
    waits, sync = is_waiting(world, job, 1), world.sync("broken", {})
    faults = [line for line in lines if line["level"] == "ERROR"]

    assert waits
    assert {line["message"] for line in faults} == {"operation_import_failed"}
    assert all("exception_name" in line for line in faults)
    assert (sync.status, sync.problem) == (503, "unavailable")
    assert sync.headers["retry-after"] == "30"

    sys.modules.pop(module, None)
    right = "from nowlater import operation\n\n@operation()\ndef broken() -> int:\n    return 7\n"
    (packages / f"{module}.py").write_text(right + "#" * 100)  # another size: no stale bytecode
    importlib.invalidate_caches()
    assert mended(world, job)["result"] == 7


# ── the input ─────────────────────────────────────────────────────────────────────────────────


def test_an_input_that_the_bucket_does_not_give_is_waited_for(world: World) -> None:
    job = world.submit("echo", {"value": "x" * 9000}).json["id"]
    world.faults.unreachable("s3.GetObject")
    world.work()
    world.faults.clear()

    assert is_waiting(world, job, 3)
    assert mended(world, job)["status"] == "succeeded"


@pytest.mark.parametrize("text", ["{", "", "\x00"], ids=ascii)
def test_an_input_that_was_kept_broken_is_no_fault_of_its_sender(world: World, text: str) -> None:
    job = world.submit("echo", {"value": "x" * 9000}).json["id"]
    (key,) = world.objects("inputs/")
    world.s3.put_object(Bucket=world.ids["Bucket"], Key=key, Body=text)
    world.work()

    assert is_waiting(world, job, 3)


def refuse_by_role(request: Any) -> Any:
    return answered(request.url, 403, b"")


@pytest.mark.parametrize("how", ["silent", "forbidden", "breaks off"])
def test_an_upload_that_the_bucket_does_not_give_is_waited_for(world: World, how: str) -> None:
    begun = upload(world)
    put(world, begun)
    job = world.submit("read", {"file": begun.json["use"]}).json["id"]
    if how == "silent":
        world.faults.unreachable("s3.HeadObject")
    elif how == "forbidden":  # but a list shows it
        world.faults.always("s3.HeadObject", refuse_by_role)
    else:
        world.faults.unreachable("s3.GetObject")
    world.work()
    waits, sync = is_waiting(world, job, 3), world.sync("read", {"file": begun.json["use"]})
    world.faults.clear()

    assert waits
    assert (sync.status, sync.problem) == (503, "unavailable")
    assert mended(world, job)["status"] == "succeeded"


def test_a_result_that_the_bucket_does_not_take_is_made_again_and_uses_up_no_try(
    world: World,
) -> None:
    job = world.submit("echo", {"value": "x" * 20_000}).json["id"]
    world.faults.unreachable("s3.PutObject")
    world.work()
    world.faults.clear()

    assert is_waiting(world, job, 3)
    assert mended(world, job)["status"] == "succeeded"
    assert world.messages() == 0


def test_a_worker_without_time_left_has_used_up_no_try(world: World) -> None:
    job = world.submit().json["id"]
    attempts_left = world.job(job)["attempts_left"]
    world.work(remaining_s=7)

    assert is_waiting(world, job, attempts_left)
    assert mended(world, job)["status"] == "succeeded"


def test_a_fault_that_is_never_repaired_ends_the_job_as_a_fault_of_ours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "_PACKAGE", "no_such_catalogue")
    given = {"owner": "acme", "deadline": {"within": 5 * DAY_S}}
    with monkeypatch.context() as working:
        working.setattr(catalogue, "_PACKAGE", "nowlater_catalogue")
        job = world.submit(**given).json["id"]
    world.work("OnTime")
    world.pass_time(3 * DAY_S)
    world.sweep()
    for _ in range(3):
        world.work("OnTime")
        world.pass_time(900)

    assert ended_as(world, job) == "unavailable"
    assert world.see(job)["error"]["status"] == 503
    assert "fault of the service" in world.see(job)["error"]["detail"]


def test_what_a_job_is_kept_with_is_bounded(world: World) -> None:
    """A media type that no header could have is the operation's fault, and ends its job."""
    job = world.submit("document", {"text": "a", "media_type": f"a/{'b' * 500_000}"}).json["id"]
    for _ in range(3):
        world.work()
        world.pass_time(60)

    assert ended_as(world, job) == "operation-failed"
    assert len(msgspec.json.encode(world.see(job))) < 5000
