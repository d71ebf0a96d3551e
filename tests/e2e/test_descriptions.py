"""The descriptions of the API, as the tools of others read them: linters, a fuzzer, a generator."""

import compileall
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest

from tests.e2e import nodejs
from tests.e2e.client import ENDED, Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import ROOT, Served

#: These fail, or wait, as they are asked to: 5xx is then the right answer, and a slow one. So does the
#: README's operation, which is as short as can be: a list of any length, also beyond all memory.
_ASKING_FOR_IT = "/(fail|flaky|sleep|greet)$"
_CHECKS = (
    "no_fault_of_the_server",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
#: What is tried for how many seconds; and for so many where none was enough to begin.
_PHASES = {"examples,coverage,fuzzing": (30, 120), "stateful": (15, 60, 240)}


@pytest.fixture(scope="module")
def anybody(api: Client) -> Client:
    """A caller without a key: the descriptions are open to all."""
    return Client(api.url, None)


def saved(anybody: Client, name: str, folder: Path) -> Path:
    answer = anybody.get(f"/{name}")
    assert answer.status_code == 200, answer.text
    path = folder / name
    path.write_bytes(answer.content)
    return path


@pytest.fixture(scope="module")
def openapi(anybody: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(anybody, "openapi.json", tmp_path_factory.mktemp("openapi"))


def test_the_openapi_document_is_valid(openapi: Path) -> None:
    openapi_spec_validator.validate(json.loads(openapi.read_text()))


def linted(document: Path) -> set[tuple[str, str]]:
    """Return what Redocly finds to improve in a document."""
    printed = nodejs.run(
        "node_modules/@redocly/cli/bin/cli.js",
        *("lint", document, "--config", "redocly.yaml", "--format", "json"),
        may_fail=True,  # and then its list is easier to read
        REDOCLY_TELEMETRY="off",
        REDOCLY_SUPPRESS_UPDATE_NOTICE="true",
    )
    found = json.loads(printed[printed.index("{") :])
    return {(p["ruleId"], p["message"]) for p in found["problems"]}


def test_redocly_finds_nothing_to_improve_in_it(openapi: Path) -> None:
    assert linted(openapi) == set()


def test_redocly_finds_nothing_to_improve_in_the_asyncapi_document(
    anybody: Client, tmp_path: Path
) -> None:
    assert linted(saved(anybody, "asyncapi.json", tmp_path)) == set()


def test_the_asyncapi_document_is_understood(anybody: Client, tmp_path: Path) -> None:
    parsed = json.loads(nodejs.run("parse.js", saved(anybody, "asyncapi.json", tmp_path)))

    assert parsed["diagnostics"] == []
    ends = ["nowlater.job.succeeded", "nowlater.job.failed", "nowlater.job.canceled"]
    assert parsed["messages"] == {"topic": ends, "webhook": ends}


@pytest.mark.nightly
@pytest.mark.parametrize("phases", _PHASES)
def test_every_response_is_as_described(served: Served, tmp_path: Path, phases: str) -> None:
    last = phases.rpartition(",")[2].title()
    for seconds in _PHASES[phases]:
        said = fuzzed(served, tmp_path, phases, seconds)
        assert last in said
        if f"⏭  {last}" not in said:
            return
    pytest.fail(f"it was skipped:\n{said}")


def fuzzed(served: Served, folder: Path, phases: str, seconds: int) -> str:
    """Have Schemathesis ask the API; return what it says, which must not be a finding."""
    connection = served.connection()
    options = {
        "header": f"Authorization: Bearer {connection['key']}",
        "checks": ",".join(_CHECKS),
        "exclude-path-regex": _ASKING_FOR_IT,
        "phases": phases,
        "max-time": str(seconds),
        "request-timeout": str(PATIENCE_S),
        "seed": "1",  # a run that fails can be run again
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    program = Path(sys.executable).parent / "schemathesis"
    done = subprocess.run(
        [program, "run", f"{connection['url']}/openapi.json", *arguments, "--continue-on-failure"],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.fuzz", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 2 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def generated(openapi: Path) -> Any:
    """A client that is made from the document."""
    folder = openapi.parent / "generated_client"
    config = openapi.parent / "config.json"
    config.write_text('{"post_hooks": []}')
    program = Path(sys.executable).parent / "openapi-python-client"
    command = [program, "generate", "--path", openapi, "--output-path", folder, "--meta", "none"]
    subprocess.run(
        [*command, "--config", config, "--fail-on-warning"],
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(openapi.parent)
        yield folder


def test_a_generated_client_compiles(generated: Path) -> None:
    assert compileall.compile_dir(generated, quiet=1)


def test_a_generated_client_runs_a_job(generated: Path, api: Client) -> None:
    package = import_module(generated.name)
    doors, jobs = f"{generated.name}.api.doors", f"{generated.name}.api.jobs"
    submit, read = import_module(f"{doors}.async_text_stats"), import_module(f"{jobs}.get_job")
    models = import_module(f"{generated.name}.models")
    token = str(api.get("/health").request.headers["Authorization"]).removeprefix("Bearer ")
    given, soon = models.TextStatsInput("To be, or not to be."), models.DeadlineWithin(within=600)
    body = models.AsyncTextStatsBody(input_=given, deadline=soon)
    with package.AuthenticatedClient(base_url=api.url, token=token) as client:
        job = submit.sync(client=client, body=body)
        job = eventually(
            lambda: read.sync(job.id, client=client), lambda seen: seen.status in ENDED
        )

    assert (job.status, job.result["words"]) == ("succeeded", 6)
