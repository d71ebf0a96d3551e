"""The command line against a served stack, on a terminal of 80 columns and on pipes."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import ROOT, Served

pytestmark = pytest.mark.usefixtures("diagnostics")
COMMAND = [sys.executable, "-c", "from nowlater_client.cli import main; main()"]
COLUMNS = 80


def environment(folder: Path) -> dict[str, str]:
    """Return an environment that names no API: the stack is found from its folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NOWLATER_")}
    ours = {"PYTHONPATH": str(ROOT / "clients/python"), "NOWLATER_CONFIG": f"{folder}/none.json"}
    return kept | ours | {"TERM": "xterm", "COLUMNS": f"{COLUMNS}"}


def nowlater(served: Served, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with pipes, in a folder of the stack."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=served.folder / "functions",
        env=environment(served.folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def _hear_ctrl_c() -> None:
    """Let Ctrl-C interrupt the command also where the tests themselves ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command on a terminal."""

    def __init__(self, served: Served, *arguments: str) -> None:
        self.text, (self._ours, theirs) = "", pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=served.folder,
            env=environment(served.folder),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_hear_ctrl_c,
        )
        os.close(theirs)

    def read(self, until: str = "") -> str:
        """Read until a text, or to the end of the process; return all that was shown."""
        limit = time.monotonic() + PATIENCE_S
        while not (until and until in self.text) and time.monotonic() < limit:
            if not select.select([self._ours], [], [], 1)[0]:
                continue
            try:
                shown = os.read(self._ours, 65536).decode()
            except OSError:  # the process has ended
                break
            self.text += shown
        return self.text

    def end(self) -> int:
        self.read()
        os.close(self._ours)
        return self.process.wait(PATIENCE_S)


def lines(shown: str) -> list[str]:
    """Return the lines as they stand on the screen, each state of a live line on its own."""
    plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", shown)
    return [line for line in re.split(r"[\r\n]+", plain) if line]


def test_a_job_is_watched_on_a_terminal(served: Served) -> None:
    nowlater(served, "call", "sleep", "seconds:=3", "--wait", "10")  # for an estimate
    job = json.loads(nowlater(served, "submit", "sleep", "seconds:=4", "--deadline", "1h").stdout)
    terminal = Terminal(served, "watch", job["id"])

    code, shown = terminal.end(), lines(terminal.text)

    assert code == 0
    assert max(map(len, shown)) <= COLUMNS
    assert any("ETA" in line and "slack 59m" in line and "[#" in line for line in shown)
    assert any(line.startswith("succeeded") for line in shown)


def test_ctrl_c_leaves_the_job_alone(served: Served, api: Client) -> None:
    job = json.loads(nowlater(served, "submit", "sleep", "seconds:=30").stdout)
    terminal = Terminal(served, "watch", job["id"])
    terminal.read(until="slack")
    terminal.process.send_signal(signal.SIGINT)

    code = terminal.end()

    assert code == 130
    assert f"nowlater watch {job['id']}" in terminal.text
    assert "Traceback" not in terminal.text
    assert api.see(job)["status"] != "canceled"
    assert nowlater(served, "cancel", job["id"]).returncode == 0


def test_sigterm_ends_the_line(served: Served) -> None:
    job = json.loads(nowlater(served, "submit", "sleep", "seconds:=30").stdout)
    terminal = Terminal(served, "watch", job["id"])
    terminal.read(until="slack")
    terminal.process.terminate()

    assert terminal.end() == 143
    assert terminal.text.endswith("\r\n")
    assert nowlater(served, "cancel", job["id"]).returncode == 0


def test_ctrl_c_in_a_call_knows_the_job(served: Served) -> None:
    terminal = Terminal(served, "call", "sleep", "seconds:=30", "--deadline", "1h")
    terminal.read(until="slack")
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.end() == 130
    (job,) = re.findall(r"nowlater cancel (\S+)", terminal.text)
    assert nowlater(served, "cancel", job).returncode == 0


@pytest.mark.parametrize("command", [("jobs",), ("ops",), ("op", "thumbnail"), ("op", "flaky")])
def test_tables_fit_a_terminal(served: Served, command: tuple[str, ...]) -> None:
    nowlater(served, "submit", "echo", "value=x", "--tag", f"long:{'x' * 200}")
    terminal = Terminal(served, *command)

    assert terminal.end() == 0
    assert max(map(len, lines(terminal.text))) <= COLUMNS


@pytest.mark.nightly
def test_a_batch_that_is_killed_continues_with_the_same_jobs(
    served: Served, tmp_path: Path, key: str
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"value": number}) + "\n" for number in range(40)))
    files = ["--from", str(source), "--out", str(out), "--concurrency", "10"]
    command = ["submit", "echo", *files, "--tag", f"b:{key}"]
    part = tmp_path / "out.jsonl.part"
    first = subprocess.Popen(
        [*COMMAND, *command],
        cwd=served.folder,
        env=environment(tmp_path),
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: part.exists() and len(part.read_text().splitlines()) > 3, pause_s=0.01)
    first.kill()
    first.wait()

    second = nowlater(served, *command)

    results = [json.loads(line) for line in out.read_text().splitlines()]
    listed = nowlater(served, "jobs", "--tag", f"b:{key}", "-n", "0").stdout.splitlines()
    assert second.returncode == 0, second.stderr
    assert "Continuing" in second.stderr
    assert [result["result"] for result in results] == list(range(40))
    assert len(listed) == 40


def test_why_reads_the_log_of_the_local_stack(served: Served) -> None:
    failed = nowlater(served, "call", "fail", "kind=error", "message=Because.", "--tag", "a:b")
    assert failed.returncode == 3
    (job,) = nowlater(served, "jobs", "-n", "1", "--operation", "fail").stdout.splitlines()

    said = json.loads(nowlater(served, "why", json.loads(job)["id"]).stdout)

    assert said["why"].startswith("It failed: The operation failed after 3 attempts")
    assert "diagnostics.py" in said["traceback"]
    assert "RuntimeError" in said["traceback"].splitlines()[-1]
