"""`make up` itself: what it shows, what it serves again, and what it says when it cannot."""

import os
import socket
import subprocess
from pathlib import Path

from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Served, copy, tool

SHOUT = '''
from nowlater import operation


@operation(timeout=5)
def shout(text: str) -> str:
    """Shouts."""
    return text.upper()
'''


def up(folder: Path, *arguments: str, closed: bool = False) -> "subprocess.CompletedProcess[str]":
    return tool(folder, "up", *arguments, closed=closed)


def test_it_prints_a_call_for_each_door_and_each_notification(api: Client, served: Served) -> None:
    job = api.ended(api.submit("text-stats", {"text": "shown"}))
    shown = eventually(served.output.read_text, lambda text: job["id"] in text)

    for path in ("/sync/", "/async/", "/hybrid/", "/jobs?limit=1"):
        assert f"curl -s {api.url}{path}" in shown.replace("-si", "-s").replace('"http', "http")
    assert f"text-stats {job['id']} succeeded" in shown


def test_an_operation_that_is_saved_is_served_within_seconds(api: Client, served: Served) -> None:
    path = served.folder / "operations/shouting.py"
    path.write_text(SHOUT)
    answer = eventually(lambda: api.ask("sync", "shout", {"text": "hi"}))

    assert answer.json() == "HI"
    path.write_text(SHOUT.replace("upper", "title"))
    eventually(lambda: api.ask("sync", "shout", {"text": "hi"}).json(), lambda said: said == "Hi")


def test_a_lambda_that_the_template_lacks_is_told_and_what_is_saved_next_is_served(
    api: Client, served: Served
) -> None:
    folder = served.folder / "functions/nobody"
    folder.mkdir()
    (folder / "app.py").write_text("")
    line = "functions/nobody is not in template.yaml"
    eventually(served.output.read_text, lambda text: line in text)
    (folder / "app.py").unlink()
    folder.rmdir()
    path = served.folder / "operations/later.py"
    path.write_text(SHOUT.replace("def shout", "def later"))
    answer = eventually(lambda: api.ask("sync", "later", {"text": "hi"}))

    assert answer.json() == "HI"


def test_a_port_that_there_is_not_is_told_in_a_sentence(served: Served) -> None:
    done = up(served.folder, "--port", "99999", "--home", ".local/other")

    assert (done.returncode, done.stderr) == (
        1,
        "\nThere is no port 99999: ports go up to 65535.\n",
    )


def test_with_a_parent_that_has_ended_it_ends(served: Served) -> None:
    home = ("--port", "0", "--home", ".local/other")
    done = up(served.folder, *home, "--with-parent", closed=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert "stopped" in done.stdout


def test_a_busy_port_is_told_in_a_sentence(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = up(served.folder, "--port", str(port), "--home", ".local/other")

    assert done.returncode == 1
    assert f"Port {port} is in use: " in done.stderr
    assert f", process {os.getpid()}. Choose" in done.stderr
    assert f"make up PORT={port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_one_in_the_same_folder_is_told_in_a_sentence(served: Served) -> None:
    done = up(served.folder, "--port", str(served.port))  # which is busy, too

    assert done.returncode == 1
    assert f"already runs in this folder, as process {served.process.pid}. " in done.stderr
    assert done.stderr.count("\n") == 2


def test_a_template_that_sam_refuses_is_told_with_what_sam_said(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    copy(folder)
    template = folder / "framework.yaml"
    template.write_text(template.read_text().replace("Runtime: python3.13", "Runtime: cobol"))
    done = up(folder, "--port", "0")

    assert done.returncode == 1
    assert "sam build failed" in done.stderr
    assert "Traceback" not in done.stderr
