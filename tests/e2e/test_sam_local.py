"""`sam local invoke` and `sam local start-api`, with every Lambda in a container of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from local import emulator
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import ROOT, Served, environment

pytestmark = pytest.mark.nightly

IMAGE = os.environ.get("SAM_LOCAL_IMAGE")
TEXT = {"text": "To be, or not to be."}
QUESTION = "To be, or not to be: that is the question."
#: Each Lambda, the sample event that it is given, and what its answer has to be.
SAMPLES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Sync": ("sync", lambda got: status(got) == 200 and body(got) == QUESTION),
    "Submit": ("submit", lambda got: status(got) == 202 and "Location" in got["headers"]),
    "Hybrid": ("hybrid", lambda got: status(got) == 200 and body(got) == QUESTION),
    "Status": ("status", lambda got: body(got)["type"].endswith("/problems/unknown-job")),
    "Describe": ("operations", lambda got: status(got) == 200 and body(got)["operations"]),
    "Authorize": ("authorize", lambda got: got == {"isAuthorized": False}),
    "Work": ("work", lambda got: got == {"batchItemFailures": []}),
    "Notify": ("notify", lambda got: got == {"published": 1}),
    # It is looked at again: nobody has the name of the sample's host.
    "SendWebhooks": ("send-webhooks", lambda got: len(got["batchItemFailures"]) == 1),
    "Webhooks": ("secret", lambda got: body(got)["secret"].startswith("whsec_")),
    "Sweep": ("sweep", lambda got: got is None),
    "HandleDeadLetters": ("handle-dead-letters", lambda got: got == {"batchItemFailures": []}),
}


def status(answer: Any) -> Any:
    return answer["statusCode"]


def body(answer: Any) -> Any:
    return json.loads(answer["body"])


@dataclass
class SamLocal:
    """The SAM CLI in front of a Docker engine and the local stack."""

    served: Served
    folder: Path
    #: What the last container of each Lambda has logged.
    logs: dict[str, str] = field(default_factory=dict)

    @property
    def template(self) -> Path:
        return self.served.folder / ".local" / "sam-local" / "template.yaml"

    def command(self, *arguments: str) -> list[str]:
        image = ["--skip-pull-image", "--invoke-image", IMAGE] if IMAGE else []
        return ["sam", "local", *arguments, "--template", str(self.template), *image]

    def environment(self) -> dict[str, str]:
        """Return an environment in which the CLI, which takes 3 s to compile, does so only once.

        It hands its own LD_PRELOAD on to containers, in which there is no such library.
        """
        not_its = ("PYTHONDONTWRITEBYTECODE", "LD_PRELOAD")
        kept = {k: v for k, v in environment().items() if k not in not_its}
        cache = {"PYTHONPYCACHEPREFIX": str(self.folder / "bytecode")}
        # Its lock on an image lies in the folder for temporary files, and outlives it.
        cache |= {"TMPDIR": str(self.folder)}
        cache |= {"SAM_CLI_CONTAINER_CONNECTION_TIMEOUT": str(round(PATIENCE_S))}
        return kept | cache | {"SAM_CLI_TELEMETRY": "0"}

    def invoke(self, name: str, event: Path) -> Any:
        """Have a Lambda handle an event in a new container; return its answer."""
        done = subprocess.run(
            self.command("invoke", name, "--event", str(event)),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        self.logs[name] = done.stderr
        assert done.returncode == 0, done.stderr
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


def move_clocks(template: Path, folder: Path) -> None:
    """Where faketime moves the clock of this process, have it move those of the containers."""
    if "FAKETIME" not in os.environ:
        return
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    (library,) = (Path(path) for path in loaded if "faketime" in path and Path(path).exists())
    layer = folder / "clock"
    layer.mkdir()
    shutil.copy(library, layer)
    written = yaml.safe_load(template.read_text())
    moved = {name: v for name, v in os.environ.items() if name.startswith("FAKETIME")}
    moved |= {"LD_PRELOAD": f"/opt/{library.name}"}
    for resource in written["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].setdefault("Layers", []).append({"Ref": "Clock"})
            resource["Properties"]["Environment"]["Variables"] |= moved
    properties = {"ContentUri": str(layer), "LayerName": "clock"}
    written["Resources"]["Clock"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": properties,
    }
    template.write_text(yaml.safe_dump(written, sort_keys=False))


@contextmanager
def running(command: list[str], output: Path, env: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Run a program; give what reads its output, which fails once the program has ended."""
    with output.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)

    def said() -> str:
        assert process.poll() is None, output.read_text()
        return output.read_text()

    try:
        yield said
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_open(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def engine() -> None:
    """A Docker engine; SAM_LOCAL_IMAGE says that there must be one."""
    # In a process of its own: where no engine answers, the client leaves its socket open.
    ask = [sys.executable, "-c", "import docker; docker.from_env(timeout=60).ping()"]
    asked = subprocess.run(ask, capture_output=True, text=True, check=False)
    if asked.returncode:
        fault = asked.stderr.splitlines()[-1]
        why = f"`sam local` needs a Docker engine: install Docker or Podman, and start it ({fault})"
        assert IMAGE is None, why
        pytest.skip(why)


def test_without_an_engine_the_tool_says_in_two_lines_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text('{"endpoint": "http://127.0.0.1:9"}')
    done = subprocess.run(
        [sys.executable, "-m", "local.sam_local", "--home", tmp_path],
        cwd=ROOT,
        env=environment() | {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("No Docker engine answers (")
    assert "\nInstall Docker or Podman, start it" in done.stderr
    assert done.stderr.count("\n") == 2


@pytest.fixture(scope="module")
def sam(
    engine: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SamLocal]:
    """The local stack, opened to containers."""
    served: Served = request.getfixturevalue("served")  # not before there is an engine
    folder = tmp_path_factory.mktemp("sam-local")
    command = [sys.executable, "-m", "local.sam_local", "--home", served.folder / ".local"]
    output = folder / "opened"
    with running([str(c) for c in command], output, environment()) as said:
        eventually(said, lambda text: "template.yaml" in text)
        opened = SamLocal(served, folder)
        move_clocks(opened.template, folder)
        yield opened


@pytest.fixture(scope="module")
def url(sam: SamLocal) -> Iterator[str]:
    """Where `sam local start-api` serves the template's routes."""
    port = emulator.free_port()
    command = sam.command("start-api", "--port", str(port), "--warm-containers", "LAZY")
    with running(command, sam.folder / "api", sam.environment()) as said:
        eventually(lambda: said() and is_open(port))
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def answers(sam: SamLocal, url: str) -> dict[str, Any]:
    """What each Lambda answers to its sample event: two at a time, for each takes seconds."""
    # The engine takes its network down with the last container, under one that starts meanwhile:
    # a warm one holds it.
    eventually(lambda: requests.get(f"{url}/health", timeout=PATIENCE_S))
    events = [ROOT / "events" / f"{event}.json" for event, _ in SAMPLES.values()]
    with ThreadPoolExecutor(2) as two:
        return dict(zip(SAMPLES, two.map(sam.invoke, SAMPLES, events), strict=True))


@pytest.fixture
def api(url: str, served: Served) -> Iterator[Client]:
    with closing(Client(url, served.connection()["key"])) as client:
        yield client


@pytest.fixture
def anybody(url: str) -> Iterator[Client]:
    with closing(Client(url, None)) as client:
        yield client


@pytest.fixture
def no_worker(served: Served) -> Iterator[None]:
    """The local stack with its lanes not worked on."""
    lambdas = served.client("lambda")
    name = served.stack().ids["Work"]
    sources = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert len(sources) == 2
    for source in sources:
        lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    yield
    for source in sources:
        lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=True)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_lambda_answers_its_sample_event(
    answers: dict[str, Any], sam: SamLocal, name: str
) -> None:
    _, is_right = SAMPLES[name]

    assert is_right(answers[name]), f"{answers[name]}\n\n{sam.logs[name]}"


def test_every_lambda_has_a_sample_event(served: Served) -> None:
    lambdas = {name for name, _ in served.stack().of_type("AWS::Lambda::Function")}

    assert lambdas == set(SAMPLES)


def test_routes_that_are_open_answer_without_a_key(anybody: Client) -> None:
    health, nowhere = anybody.get("/health"), anybody.get("/nowhere")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert nowhere.status_code == 404
    assert nowhere.json()["type"] == f"{anybody.url}/problems/unknown-route"


def test_the_authorizer_lets_in_who_has_a_key(api: Client, anybody: Client) -> None:
    stranger = {"Authorization": "Bearer nl_0123456789ab_" + "x" * 43}

    assert anybody.get("/operations").status_code == 401
    assert anybody.get("/operations", headers=stranger).status_code == 403
    assert api.get("/operations").status_code == 200


def test_the_sync_door_answers_with_the_result(api: Client) -> None:
    answer = api.ask("sync", "text-stats", TEXT)

    assert (answer.status_code, answer.json()["words"]) == (200, 6), answer.text


def test_the_hybrid_door_answers_with_the_result(api: Client) -> None:
    answer = api.ask("hybrid", "text-stats", TEXT, headers={"Prefer": "wait=10"})

    assert (answer.status_code, answer.json()["words"]) == (200, 6), answer.text
    assert answer.headers["Preference-Applied"] == "wait=10"


@pytest.mark.skipif(
    "FAKETIME" in os.environ,
    reason="Work asks what is left of its time, and its container's runtime has a clock of its own",
)
@pytest.mark.usefixtures("no_worker")
def test_a_job_runs_when_work_is_given_its_message(
    api: Client, sam: SamLocal, tmp_path: Path
) -> None:
    job = api.submit("text-stats", TEXT)
    before = api.get(f"/jobs/{job['id']}").json()
    event = json.loads((ROOT / "events" / "work.json").read_text())
    event["Records"][0]["body"] = json.dumps({"owner": "acme", "id": job["id"]})
    given = tmp_path / "work.json"
    given.write_text(json.dumps(event))
    answer = sam.invoke("Work", given)
    after = api.get(job["links"]["self"]).json()

    assert job["links"]["self"] == f"{api.url}/jobs/{job['id']}"
    assert before["status"] == "queued"
    assert answer == {"batchItemFailures": []}
    assert (after["status"], after["result"]["words"]) == ("succeeded", 6), after
