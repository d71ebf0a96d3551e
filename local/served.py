"""Serves this project for tests: a `make up` of its own, on a free port, and a caller of it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from local import emulator
from local.failure import Failure

_ROOT = Path(__file__).resolve().parents[1]
#: The variable with the folder of the API that all tests of `make test` share.
SHARED = "NOWLATER_SERVED"
_OUTPUT, _ENDED = "output", "ended"
#: For a build of all layers on a slow machine.
_START_S = 600


class ProblemResponse(Exception):
    """A response that reports a problem, or the problem of a job that failed."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True)
class Response:
    """A response of the API."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """The API: its URL, a key with all scopes, and a caller."""

    url: str
    key: str

    def call(
        self, operation: str, given: dict[str, Any], *, door: str = "sync", within_s: float = 60
    ) -> Any:
        """Call an operation at a door (sync, async, hybrid); return its result, of a file the bytes.

        A job is waited for. Raises ProblemResponse, and TimeoutError if it takes longer.
        """
        until = time.monotonic() + within_s
        response = self.request("POST", f"/{door}/{operation}", {"input": given})
        if response.status == 202:
            response = self._result(response.json(), until)
        return _value(response)

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Send a request with the key, and return the response, of whatever status."""
        url = path if path.startswith(self.url) else f"{self.url}{path}"
        known = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        response = _send(urllib.request.Request(url, data, known | (headers or {}), method=method))  # noqa: S310
        if response.status == 303:  # a large result, in the bucket: the key is not for it
            response = _send(urllib.request.Request(response.headers["Location"]))  # noqa: S310
        return response

    def _result(self, job: dict[str, Any], until: float) -> Response:
        while job["status"] not in ("succeeded", "failed", "canceled"):
            if time.monotonic() > until:
                raise TimeoutError(f"The job {job['id']} is still {job['status']}.")
            headers = {"Prefer": "wait=5"}
            job = self.request("GET", job["links"]["self"], headers=headers).json()
        if job["status"] != "succeeded":
            raise ProblemResponse(job["error"].get("status", 500), job["error"])
        return self.request("GET", job["links"]["result"])


@contextmanager
def serve(home: Path, *parameters: str) -> Iterator[Served]:
    """Serve this project, its files in a folder `home`; parameters of the template: Name=value.

    In `make test`, all that need no parameters share one. Raises Failure if it cannot be served.
    """
    if SHARED in os.environ and not parameters:
        yield wait(Path(os.environ[SHARED]))
    else:
        with start(home, *parameters):
            yield wait(home)


@contextmanager
def start(home: Path, *parameters: str) -> Iterator[None]:
    """Start to serve this project, and stop it at the end."""
    process = _begin_own(home, parameters)

    def note_end() -> None:
        process.wait()
        (home / _ENDED).touch()

    threading.Thread(target=note_end, daemon=True).start()
    try:
        yield
    finally:
        end(process, within_s=30)


def _begin_own(home: Path, parameters: Iterable[str]) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = os.environ | {"PATH": paths, "PYTHONPATH": "layers/nowlater"}
    options = ("--port", str(emulator.free_port()), "--home", str(home))
    return begin(_ROOT, home / _OUTPUT, environment, parameters, *options)


def begin(
    folder: Path,
    output: Path,
    environment: Mapping[str, str],
    parameters: Iterable[str],
    *options: str,
    python: str = sys.executable,
) -> "subprocess.Popen[bytes]":
    """Start `make up` in a folder; it ends with this process. Its output goes into a file."""
    command = [python, "-m", "local.up", "--with-parent", *options]
    command += [option for parameter in parameters for option in ("--set", parameter)]
    with output.open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        )


def end(process: "subprocess.Popen[bytes]", *, within_s: float) -> None:
    """End it as Ctrl-C does; raises TimeoutExpired if it takes longer, and kills it then."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(within_s)
    finally:
        process.kill()
        process.communicate()


def wait(home: Path) -> Served:
    """Return the API as soon as it is served; raises Failure with the output if it is not."""
    until, address = time.monotonic() + _START_S, home / "api.json"
    while not address.exists():
        if (home / _ENDED).exists() or time.monotonic() > until:
            raise Failure(f"The API could not be served:\n{(home / _OUTPUT).read_text()}")
        time.sleep(0.1)
    facts = json.loads(address.read_text())
    return Served(facts["url"], facts["key"])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _send(request: urllib.request.Request) -> Response:
    try:
        with _OPENER.open(request, timeout=60) as response:
            return Response(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.headers, error.read())


def _value(response: Response) -> Any:
    kind = response.headers.get_content_type()
    if response.status >= 400:
        is_json = kind.endswith("json")
        raise ProblemResponse(response.status, response.json() if is_json else {})
    return response.json() if kind == "application/json" else response.body
