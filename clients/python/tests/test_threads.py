"""What runs in the client's thread is ended with it: by Ctrl-C, timeouts, early closing, and fork."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from nowlater_client import AsyncClient, Client, Unreachable
from nowlater_client.errors import ClientClosed
from nowlater_client.testing import Server

#: A connection that anyio makes just when it is canceled, or that an event loop leaves, ends as garbage.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SOURCES = Path(__file__).parents[1]
PATIENCE_S = 5.0
#: Calls that a slow server keeps waiting.
CALLS: dict[str, Callable[[Any], Any]] = {
    "call": lambda client: client.call("greet"),
    "wait": lambda client: client.call("greet", wait=5),
    "submit": lambda client: client.submit("greet"),
    "job": lambda client: client.job("j"),
    "operations": lambda client: client.operations(),
    "upload": lambda client: client.upload(b"x" * 10),
    "request": lambda client: client.request("GET", "/jobs"),
}
ITERATIONS: dict[str, Callable[[Any], Any]] = {
    "map": lambda client: client.map("greet", [{}] * 20),
    "as_completed": lambda client: client.as_completed("greet", [{}] * 20),
    "jobs": lambda client: client.jobs(),
}


class Slow:
    """A server that accepts requests, answers none, and counts the connections that are open."""

    def __init__(self) -> None:
        slow, self.open, self.asked, self.stopped = self, 0, 0, threading.Event()
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                with lock:
                    slow.open += 1
                try:
                    self.connection.settimeout(0.05)
                    while not slow.stopped.is_set():
                        try:
                            if not self.connection.recv(65536):
                                return
                            slow.asked += 1
                        except TimeoutError:
                            pass
                except OSError:
                    pass  # reset
                finally:
                    with lock:
                        slow.open -= 1

        class Listening(ThreadingHTTPServer):
            request_queue_size = 200  # a connection beyond it would come a second later

        self.server = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(PATIENCE_S)


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def slow() -> Iterator[Slow]:
    server = Slow()
    yield server
    server.close()


@pytest.mark.parametrize("name", [*CALLS, *ITERATIONS])
def test_a_canceled_task_leaves_no_connection_and_no_thread(slow: Slow, name: str) -> None:
    async def main() -> None:
        async with AsyncClient(slow.url, "nl_key") as client:
            before = threading.active_count()

            async def run() -> None:
                if name in CALLS:
                    await CALLS[name](client)
                else:
                    async for _ in ITERATIONS[name](client):
                        pass

            task = asyncio.create_task(run())
            while slow.asked == 0:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while slow.open and slow.stopped.wait(0.01) is False:
                await asyncio.sleep(0.01)
            assert len(asyncio.all_tasks()) == 1
            while (
                threading.active_count() > before
            ):  # the server's threads end after their connections
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), PATIENCE_S))
    assert slow.open == 0


@pytest.mark.parametrize("name", [*CALLS, *ITERATIONS])
def test_ctrl_c_in_a_blocking_call_closes_its_connection_at_once(slow: Slow, name: str) -> None:
    def interrupt() -> None:
        assert eventually(lambda: slow.asked > 0)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    client = Client(slow.url, "nl_key")
    try:
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            list(ITERATIONS[name](client)) if name in ITERATIONS else CALLS[name](client)
        if (
            name in ITERATIONS
        ):  # one of its connections may be made just now: the loop's end ends it
            client.close()
        assert eventually(lambda: slow.open == 0 or gc.collect() < 0)
    finally:
        signal.signal(signal.SIGINT, previous)
        interrupting.join()
        client.close()

    assert not client._portal._thread.is_alive()


def test_a_timeout_closes_the_connection_at_once(slow: Slow) -> None:
    client = Client(slow.url, "nl_key")

    with pytest.raises(Unreachable):
        client.call("greet", timeout=0.3)

    assert eventually(lambda: slow.open == 0)
    client.close()


def test_closing_a_client_ends_its_thread() -> None:
    server, before = Server({"greet": lambda: 1}), threading.active_count()
    with server.client() as client:
        assert client.call("greet") == 1
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        client.call("greet")


def test_a_client_that_is_forgotten_ends_its_thread() -> None:
    server, before = Server({"greet": lambda: 1}), threading.active_count()
    server.client().call("greet")
    gc.collect()

    assert eventually(lambda: threading.active_count() == before)


def test_a_callback_may_use_the_client_in_the_calling_thread() -> None:
    threads = list[threading.Thread]()

    def on_progress(job: Any) -> None:
        threads.append(threading.current_thread())
        client.job(job.id)

    with Server({"greet": lambda: 1}).client() as client:
        assert client.submit("greet").result(on_progress=on_progress) == 1
        with pytest.raises(ZeroDivisionError):
            client.submit("greet").wait(on_progress=lambda job: 1 // 0)

    assert set(threads) == {threading.current_thread()}


def test_a_client_works_in_a_running_event_loop_and_in_threads() -> None:
    async def main(client: Client) -> Any:
        return client.call("greet")

    with Server({"greet": lambda: 1}).client() as client:
        assert asyncio.run(main(client)) == 1
        found = list[Any]()
        threads = [threading.Thread(target=lambda: found.append(client.call("greet")))] * 1
        threads += [threading.Thread(target=lambda: found.append(client.call("greet")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)

    assert found == [1, 1]


def test_an_asynchronous_client_works_in_several_event_loops() -> None:
    server = Server({"greet": lambda: 1})
    httpd = serve(server)
    try:
        client = AsyncClient(httpd.url, "nl_test")
        assert [asyncio.run(client.call("greet")) for _ in range(3)] == [1, 1, 1]
    finally:
        httpd.close()


class Served:
    """The stand-in behind a real socket."""

    def __init__(self, server: Server) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"] or 0))
                url, headers = f"http://x{self.path}", dict(self.headers)
                request = httpx.Request(self.command, url, headers=headers, content=content)
                answer = server.handle(request)
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(PATIENCE_S)


def serve(server: Server) -> Served:
    return Served(server)


FORK = """
import os, sys
from nowlater_client import Client

client = Client(sys.argv[1], "nl_test")
assert client.call("greet") == 1
child = os.fork()
assert client.call("greet") == 1
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


FORK_WHILE_LOCKED = """
import os, sys, threading
from nowlater_client import Client

client = Client(sys.argv[1], "nl_test")
is_held, may_end = threading.Event(), threading.Event()

def hold() -> None:
    with client._portal._beginning:
        is_held.set()
        may_end.wait()

holding = threading.Thread(target=hold)
holding.start()
is_held.wait()
child = os.fork()
if not child:
    assert client.call("greet") == 1
    os._exit(0)
may_end.set()
holding.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

FORK_WITH_ITS_HTTP_CLIENT = """
import os, sys
import httpx
from nowlater_client import Client
from nowlater_client.errors import Misconfigured

client = Client(sys.argv[1], "nl_test", http_client=httpx.Client())
if "used" in sys.argv:
    assert client.call("greet") == 1
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    print(client.call("greet"))
except Misconfigured as error:
    print(error)
"""

NO_FILES = """
import resource, sys
from nowlater_client import Client

with Client(sys.argv[1], "nl_test") as client:
    client.call("greet")  # what is imported later is imported
client = Client(sys.argv[1], "nl_test")
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
try:
    client.call("greet")
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
print(client.call("greet"))
"""

EXIT = """
import atexit, sys, threading
from nowlater_client import Client

sys.stderr = sys.stdout
client, accepted = Client(sys.argv[1], "nl_test"), threading.Event()

def wait() -> None:
    client.submit("greet", start=60).wait(on_progress=lambda job: accepted.set())

atexit.register(lambda: print(client.call("greet"), flush=True))
threading.Thread(target=wait, daemon=True).start()
accepted.wait()
"""


def in_process(program: str, *arguments: str) -> str:
    """Run a program beside a served stand-in, and return what it prints."""
    served = Served(Server({"greet": lambda: 1}))
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, served.url, *arguments],
            env=os.environ | {"PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        served.close()
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_calls_at_the_exit_of_python_are_answered_or_end_silently() -> None:
    assert in_process(EXIT) == "1\n"


def test_a_call_is_refused_once_threads_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server({"greet": lambda: 1}).client() as client:
        assert client.call("greet") == 1
        monkeypatch.setattr(sys, "is_finalizing", lambda: True)
        with pytest.raises(ClientClosed):
            client.call("greet")
        monkeypatch.undo()


def test_a_client_works_in_a_forked_process() -> None:
    in_process(FORK)


def test_a_process_that_is_forked_while_a_call_begins_can_call() -> None:
    in_process(FORK_WHILE_LOCKED)


def test_an_http_client_with_connections_is_refused_in_a_forked_process() -> None:
    assert "before this process was forked" in in_process(FORK_WITH_ITS_HTTP_CLIENT, "used")
    assert in_process(FORK_WITH_ITS_HTTP_CLIENT) == "1\n"


def test_a_call_without_a_file_descriptor_left_fails_at_once() -> None:
    assert in_process(NO_FILES) == "Too many open files\n1\n"


def test_a_signal_handler_may_call_while_a_call_begins() -> None:
    server = Server({"greet": lambda: 1})
    called = list[Any]()
    previous = signal.signal(signal.SIGUSR1, lambda *_: called.append(client.call("greet")))
    try:
        with server.client() as client, client._portal._beginning:
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)

    assert called == [1]


def test_what_runs_in_the_client_s_thread_cannot_wait_for_it() -> None:
    refused = list[RuntimeError]()

    def on_reply(_: Any) -> None:
        try:
            client.call("greet")
        except RuntimeError as error:
            refused.append(error)

    with Server({"greet": lambda: 1}).client(on_reply=on_reply) as client:
        assert client.call("greet") == 1

    assert "another thread" in f"{refused[0]}"


@pytest.mark.parametrize("error", [StopIteration("x"), futures.CancelledError("x")])
def test_errors_that_asyncio_takes_for_its_own_reach_the_caller(error: Exception) -> None:
    def fail(*_: Any) -> str:
        raise error

    with Server({"greet": lambda: 1}).client() as client:
        with pytest.raises(
            RuntimeError, match=r"fail raised (StopIteration|CancelledError)\('x'\)"
        ):
            client.submit("greet").wait(on_progress=fail)
        with pytest.raises(RuntimeError, match="fail raised"):
            list(client.map("greet", [{}], key=fail))
        assert client.call("greet") == 1


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_what_ends_a_program_in_a_callback_ends_the_call(error: BaseException) -> None:
    def fail(*_: Any) -> str:
        raise error

    with Server({"greet": lambda: 1}).client() as client:
        for use in (
            lambda: client.submit("greet").wait(on_progress=fail),
            lambda: list(client.map("greet", [{}] * 3, key=fail)),
        ):
            with pytest.raises(type(error)):
                use()
        assert client.call("greet") == 1


def test_a_client_that_is_closed_during_a_call_names_key_and_job(slow: Slow) -> None:
    for name, use in (
        ("key", lambda client: client.submit("greet", key="my-key")),
        ("key", lambda client: client.call("greet", key="my-key")),
        ("job_id", lambda client: client.job("my-job")),
    ):
        client, asked = Client(slow.url, "nl_key"), slow.asked
        closing = threading.Thread(
            target=lambda client=client, asked=asked: (
                eventually(lambda: slow.asked > asked),
                client.close(),
            )
        )
        closing.start()
        with pytest.raises(ClientClosed) as caught:
            use(client)
        closing.join()
        assert getattr(caught.value, name) in ("my-key", "my-job")


def test_each_thread_may_have_a_request(slow: Slow) -> None:
    client = Client(slow.url, "nl_key")

    def ask() -> None:
        with pytest.raises((ClientClosed, Unreachable)):
            client.job("j")

    threads = [threading.Thread(target=ask) for _ in range(120)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: slow.open == len(threads))
    client.close()
    for thread in threads:
        thread.join(PATIENCE_S)
