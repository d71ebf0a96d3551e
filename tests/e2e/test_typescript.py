"""docs/typescript.md: its files are type-checked against the served API, and run."""

import json
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests import snippets
from tests.e2e import nodejs
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S

PAGE = "typescript.md"
OPTIONS = ("--default-non-nullable", "false")


@pytest.fixture(scope="module")
def project(api: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files, the packages that they need, and the generated types."""
    folder = tmp_path_factory.mktemp("typescript")
    snippets.write(PAGE, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(nodejs.folder() / "node_modules")
    (folder / "openapi.json").write_text(api.get("/openapi.json").text)
    program = nodejs.folder() / "node_modules/openapi-typescript/bin/cli.js"
    _node(folder, program, "openapi.json", *OPTIONS, "-o", "nowlater.d.ts")
    return folder


def _node(folder: Path, *command: str | Path, may_fail: bool = False, **environment: str) -> str:
    done = subprocess.run(
        [nodejs.NODE, *command],
        cwd=folder,
        env={"PATH": f"{nodejs.NODE.parent}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert may_fail or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(project: Path, *, may_fail: bool = False) -> str:
    compiler = nodejs.folder() / "node_modules/typescript/bin/tsc"
    return _node(project, compiler, "-p", ".", may_fail=may_fail)


def test_the_page_has_the_options_that_are_tested() -> None:
    assert " ".join(OPTIONS) in (snippets.DOCS / PAGE).read_text()


def test_its_code_has_the_right_types(project: Path) -> None:
    assert check(project) == ""


def test_a_wrong_input_is_a_type_error(project: Path) -> None:
    example = project / "example.ts"
    right = example.read_text()
    example.write_text(right.replace('{ text: "To be." }', "{ text: 1 }"))
    errors = check(project, may_fail=True)
    example.write_text(right)

    assert "Type 'number' is not assignable to type 'string'" in errors


def test_its_code_runs(api: Client, project: Path) -> None:
    token = api.get("/health").request.headers["Authorization"].removeprefix("Bearer ")

    said = _node(project, "example.ts", NOWLATER_URL=api.url, NOWLATER_KEY=token)

    assert said.startswith("6\n")
    assert "words: 2," in said


# ── answers that a served stack seldom gives ──────────────────────────────────────────────────

Answer = tuple[int, dict[str, str], bytes]
JSON, PROBLEM = {"Content-Type": "application/json"}, {"Content-Type": "application/problem+json"}
DATE = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
JOB = {"id": "01a20eff-13a8-723c-a1e0-0187f181401b", "status": "succeeded"}
LISTS = """
import { connect } from "./client.ts";
const signal = AbortSignal.timeout(4000);
const { data } = await connect(process.env.NOWLATER_URL!, "k").GET("/jobs", { signal });
console.log(JSON.stringify(data));
"""
GETS = f"""
import {{ connect, result }} from "./client.ts";
const job = {json.dumps(JOB)} as Parameters<typeof result>[1];
const found = await result(connect(process.env.NOWLATER_URL!, "k"), job);
console.log(found instanceof Blob ? [found.type, found.size].join() : JSON.stringify(found));
"""


class Asked(ThreadingHTTPServer):
    """A server that answers its nth request by `answer(n)`, and counts them."""

    count: int
    answer: Callable[[int], Answer]


class _Handler(BaseHTTPRequestHandler):
    server: Asked

    def do_GET(self) -> None:
        self.server.count += 1
        status, headers, body = self.server.answer(self.server.count)
        self.send_response(status)
        for name, value in ({"Content-Length": f"{len(body)}"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def asked() -> Iterator[Asked]:
    with Asked(("127.0.0.1", 0), _Handler) as server:
        server.count = 0
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run(project: Path, server: Asked, program: str, *, may_fail: bool = False) -> str:
    (project / "program.ts").write_text(program)
    url = f"http://127.0.0.1:{server.server_port}"
    return _node(project, "program.ts", may_fail=may_fail, NOWLATER_URL=url).strip()


def test_a_date_in_retry_after_is_no_busy_loop(project: Path, asked: Asked) -> None:
    asked.answer = lambda _: (503, DATE, b"")

    run(project, asked, LISTS, may_fail=True)

    assert 1 < asked.count < 50


@pytest.mark.parametrize("cut", [(503, PROBLEM, b'{"code"'), (200, JSON, b'{"jobs": [')])
def test_a_cut_answer_is_asked_for_again(project: Path, asked: Asked, cut: Answer) -> None:
    asked.answer = lambda number: cut if number == 1 else (200, JSON, b'{"jobs": []}')

    assert run(project, asked, LISTS) == '{"jobs":[]}'
    assert asked.count == 2


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({"Content-Type": "image/png"}, b"\x89PNG", "image/png,4"),
        (JSON | {"Content-Security-Policy": "sandbox"}, b"{}", "application/json,2"),
        (JSON, b"null", "null"),
    ],
)
def test_a_result_is_json_or_a_file(
    project: Path, asked: Asked, headers: dict[str, str], body: bytes, said: str
) -> None:
    asked.answer = lambda _: (200, headers, body)

    assert run(project, asked, GETS) == said
