"""What `make up` shows and keeps: output by job, gaps, webhooks' signatures, and the journal."""

import contextlib
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from standardwebhooks import Webhook

from local import emulator, follow, gaps, layers, output, up, webhook_signature
from local.failure import Failure
from local.gaps import Gaps
from local.terminal import Terminal, printable
from nowlater.notifications import signing
from tests import stack

SECRET = signing.secret(b"master", "acme", "localhost", 0)
LAYER = "/home/ada/.local/tmp/layer-x_y1/python"
TRACEBACK = f'''Traceback (most recent call last):
  File "{LAYER}/nowlater/worker/attempt.py", line 86, in _run_and_settle
    result = _run(services)
             ^^^^
  File "{LAYER}/operations/talk.py", line 22, in talk
    raise ValueError("wrong")
  File "/usr/lib/python3.13/json/decoder.py", line 1, in decode
    raise JSONDecodeError
ValueError: wrong
'''


# ── output ────────────────────────────────────────────────────────────────────────────────────


def test_a_traceback_shows_the_operation_and_not_the_framework_that_called_it() -> None:
    shown = [output._in_sources(line) for line in output._own_part(TRACEBACK)]

    assert shown == [
        "Traceback (most recent call last):",
        '  File "operations/talk.py", line 22, in talk',
        '    raise ValueError("wrong")',
        '  File "/usr/lib/python3.13/json/decoder.py", line 1, in decode',
        "    raise JSONDecodeError",
        "ValueError: wrong",
    ]


def test_a_group_of_exceptions_is_shown_without_the_framework_too() -> None:
    first, *lines = TRACEBACK.splitlines()
    group = [f"  + Exception Group {first}", *(f"  | {line}" for line in lines)]
    shown = output._own_part("\n".join(group))

    assert shown[0] == "  + Exception Group Traceback (most recent call last):"
    assert [line for line in shown if "nowlater/" in line or "_run" in line] == []
    assert shown[-1] == "  | ValueError: wrong"


@pytest.mark.parametrize(
    "line", ['  File "{}/operations/talk.py", line 1', "{}/operations/talk.py:19: UserWarning: old"]
)
def test_a_folder_may_have_spaces_in_its_name(line: str) -> None:
    layer = "/home/Ada Lovelace/Über uns & Co/.local/tmp/layer-x_y1/python"

    assert output._in_sources(line.format(layer)) == line.format("").replace(
        "/operations", "operations"
    )


def test_what_a_terminal_would_obey_is_spelled_out_but_for_colors() -> None:
    assert printable("\x1b[31mred\x1b[0m\ttab ä") == "\x1b[31mred\x1b[0m\ttab ä"
    assert printable("\x00\x1b[2J\x1b]0;title\x07") == r"\x00\x1b[2J\x1b]0;title\x07"


def test_a_fault_of_the_framework_is_shown_whole() -> None:
    whole = TRACEBACK.replace("/operations/talk.py", "/nowlater/talk.py")

    assert output._own_part(whole) == whole.splitlines()


def test_what_python_prints_as_it_crashes_is_shown_without_the_framework() -> None:
    of_framework = f'  File "{LAYER}/nowlater/worker/batch.py", line 30 in handle'
    own = f'  File "{LAYER}/operations/talk.py", line 24 in talk'

    assert output._is_ours(of_framework)
    assert not output._is_ours(own)
    assert output._in_sources(f"{LAYER}/operations/talk.py:19: UserWarning: old") == (
        "operations/talk.py:19: UserWarning: old"
    )


LOGGED = '{"level":"%s","location":"x:1","message":"%s","service":"nowlater","exception":"%s","seconds":2}'


def test_a_log_line_after_output_without_a_line_break_is_one_of_its_own() -> None:
    logged = LOGGED % ("ERROR", "operation_failed", r"Traceback\nValueError: wrong")

    assert lines(f"half{logged}") == ["half", "Traceback", "ValueError: wrong"]
    assert lines(f"half{logged[:-1]}") == ["half", logged[:-1]]
    assert lines(logged) == ["Traceback", "ValueError: wrong"]


def test_a_wrong_result_is_one_line_with_the_operations_place() -> None:
    place = "/home/Ada Lovelace/.local/tmp/layer-x_y1/python/operations/talk.py:4"
    fault = f"nowlater.runtime.exceptions.WrongResult: {place}: talk returned what it may not"
    trace = TRACEBACK.replace("operations/talk.py", "nowlater/runtime/executor.py")
    logged = LOGGED % ("ERROR", "operation_failed", f"{trace}{fault}".replace('"', "'"))

    assert lines(logged.replace("\n", "\\n")) == [
        "operations/talk.py:4: talk returned what it may not"
    ]


def test_a_run_that_timed_out_at_the_sync_door_is_said() -> None:
    assert lines(LOGGED % ("INFO", "run_timed_out", "")) == ["timed out after 2.0 s"]


def lines(line: str) -> list[str]:
    return object.__new__(output.Output)._lines({"line": line})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (PermissionError(13, "Permission denied"), "Port 80 is for root only. Choose another: "),
        (OSError(98, "Address already in use"), "Port 80 is in use: Address already in use. "),
    ],
)
def test_a_port_that_cannot_be_bound_is_said_with_why(
    monkeypatch: pytest.MonkeyPatch, fault: OSError, said: str
) -> None:
    class Socket(contextlib.nullcontext[Any]):
        def setsockopt(self, *_: int) -> None: ...

        def bind(self, _: object) -> None:
            raise fault

        def __enter__(self) -> Any:
            return self

    monkeypatch.setattr(emulator.socket, "socket", Socket)
    monkeypatch.setattr(emulator.listening, "find_listener", lambda _port: "")
    with pytest.raises(Failure, match=re.escape(said)):
        emulator.refuse_busy(80)


@pytest.mark.parametrize(
    ("port", "said"),
    [("abc", "PORT=abc is no number."), ("", "is no number"), ("8080.5", "is no number")],
)
def test_a_port_is_a_number(port: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        up._port(port)


def test_the_port_0_is_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "free_port", lambda: 20_001)

    assert up._port("0") == 20_001


def test_a_death_is_explained_with_when_the_job_runs_again() -> None:
    of_job = output._explain_death({"died": "it was killed by SIGSEGV", "job": "1"}, 300)
    of_request = output._explain_death({"died": "it exited with status 3", "door": "sync"}, 300)

    assert of_job[0] == "its process has died: it was killed by SIGSEGV."
    assert of_job[2] == "expired, at most 5 min 30 s later. For less: make up SET=WorkTimeout=60"
    assert of_request == ["its process has died: it exited with status 3."]


def test_what_cannot_be_read_does_not_end_the_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = object.__new__(output.Output)
    shown._terminal = Terminal(tmp_path / "output.log")
    shown._stack = SimpleNamespace(name_of={"own": "Own"}.get)  # type: ignore[assignment]
    shown._records = ["no JSON\n", "[]\n", '{"function": "own", "line": "{\\"a\\": 1"}\n']
    shown.run()

    said = capsys.readouterr().out
    assert said.count("could not be shown: ") == 2
    assert said.endswith('Own\n  {"a": 1\n')


def test_an_event_is_a_line_and_its_error_another() -> None:
    job = {"operation": "greet", "id": "1", "status": "failed", "error": {"detail": "No."}}

    assert follow.describe({"data": job}) == "greet 1 failed\n  No."
    assert follow.describe({"data": job | {"error": None}}) == "greet 1 failed"
    assert follow.describe("no event") == "no event"


def test_lines_are_under_one_heading_and_in_a_file_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "output.log").write_text("of the run before")
    terminal = Terminal(tmp_path / "output.log")
    terminal.quote("greet 1", ["one", "two"])
    terminal.quote("greet 1", ["three"])
    terminal.say("updated: template.yaml")
    terminal.quote("greet 1", ["four"])

    assert capsys.readouterr().out == (
        "greet 1\n  one\n  two\n  three\nupdated: template.yaml\ngreet 1\n  four\n"
    )
    written = [line.split(" ", 1)[1] for line in (tmp_path / "output.log").read_text().splitlines()]
    assert written == [
        *(f"greet 1 | {line}" for line in ("one", "two", "three")),
        "updated: template.yaml",
        "greet 1 | four",
    ]
    assert (tmp_path / "output.1.log").read_text() == "of the run before"


# ── gaps ──────────────────────────────────────────────────────────────────────────────────────


def test_a_timeout_that_the_stack_does_not_allow_is_named_with_what_does() -> None:
    class Stack:
        parameters = {"WorkTimeout": "300"}  # noqa: RUF012

    index: list[dict[str, Any]] = [
        {"name": "fits", "timeout": 280, "diagnostic": False},
        {"name": "longer", "timeout": 281, "diagnostic": False},
        {"name": "longest", "timeout": 1800, "diagnostic": False},
        {"name": "sleep", "timeout": 1800, "diagnostic": True},
    ]
    cut = gaps._cut(index, Stack())  # type: ignore[arg-type]
    explained = gaps._explain_cut(cut, Stack()).splitlines()  # type: ignore[arg-type]

    assert cut == {"longer": 281, "longest": 1800}
    assert explained == [
        "Runs end after 280 s here, as on AWS with WorkTimeout=300. A longer timeout have:",
        "  longer (281), longest (1800)",
        "  For all of it: make up SET=WorkTimeout=1800",
    ]


def test_the_worker_timeouts_are_those_of_the_template() -> None:
    allowed = stack.template()["Parameters"]["WorkTimeout"]["AllowedValues"]

    assert [str(gaps._sufficient(int(value) - 20)) for value in allowed] == allowed


def test_only_a_file_that_was_served_until_now_holds_up_what_is_saved(tmp_path: Path) -> None:
    class Nothing:
        parameters = {"WorkTimeout": "300"}  # noqa: RUF012

        def ask(self, _command: str) -> list[str]:
            return []

    index = layers.folder_of("CatalogueLayer", tmp_path) / "python/nowlater_catalogue/index.json"
    index.parent.mkdir(parents=True)
    index.write_text("[]")
    nothing: Any = Nothing()
    of_stack = Gaps(tmp_path, nothing, Terminal(tmp_path / "output.log"))
    of_stack.report(["a.py:1: broken"], nothing)
    of_stack.refuse_new(["a.py:7: broken otherwise"])

    with pytest.raises(Failure, match=r"\Ab\.py:2: broken too\Z"):
        of_stack.refuse_new(["a.py:1: broken", "b.py:2: broken too"])
    of_stack.report([], nothing)
    with pytest.raises(Failure, match=r"\Aa\.py:1"):
        of_stack.refuse_new(["a.py:1: broken"])


def test_mistakes_are_told_from_what_imports_print() -> None:
    printed = "x.py:3: DeprecationWarning: old\nleft out: a.py:1: SyntaxError: invalid syntax\n"

    assert layers._mistakes(printed) == ["a.py:1: SyntaxError: invalid syntax"]


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        ("# a comment\npillow==13.0.0\n\nregex==1 # why\n", True),
        ("pillow==13.0.1\nregex==1\n", False),
        ("pillow==13.0.0\n", False),
    ],
)
def test_requirements_are_installed_again_only_where_they_change(
    changed: str, is_same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "requirements.txt"
    monkeypatch.setattr(layers, "REQUIREMENTS", file)
    file.write_text("pillow==13.0.0\nregex==1\n")
    before = layers.requirements_digest()
    file.write_text(changed)

    assert (layers.requirements_digest() == before) is is_same


def test_requirements_in_a_file_that_is_included_are_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, more = tmp_path / "requirements.txt", tmp_path / "more/others.txt"
    monkeypatch.setattr(layers, "REQUIREMENTS", file)
    more.parent.mkdir()
    file.write_text("-r more/others.txt # of all teams\n")
    more.write_text("-c limits.txt\nregex\n")
    digests = set()
    for limit in ("regex<2\n", "regex<3\n"):
        (more.parent / "limits.txt").write_text(limit)
        digests.add(layers.requirements_digest())

    assert len(digests) == 2
    more.unlink()
    with pytest.raises(Failure, match=r"There is no .*others\.txt"):
        layers.requirements_digest()


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────

NOW = 1_790_000_000
BODY = b'{"data": {}}'


def signed(
    body: bytes = BODY, at: int = NOW, secret: str = SECRET, event: str = "event"
) -> dict[str, str]:
    return signing.headers(event, at * 1000, body, [secret])


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        (signed(), ""),
        (signed(secret=signing.secret(b"master", "acme", "localhost", 1)), ""),
        (signed(at=NOW - 300), ""),
        ({}, "it has no header webhook-id"),
        (signed() | {"webhook-signature": ""}, "it has no header webhook-signature"),
        (signed() | {"webhook-timestamp": "today"}, "webhook-timestamp is 'today'"),
        (signed(at=NOW - 301), "signed 301 s ago"),
        (signed(at=NOW + 301), "signed 301 s in the future"),
        (signed() | {"webhook-signature": "v2,abc"}, "no signature of version v1"),
        (signed(body=BODY + b" "), "no signature fits this body with your secret for localhost"),
        (signed() | {"webhook-id": "other"}, "no signature fits"),
        (signed(secret=signing.secret(b"master", "other", "localhost", 0)), "no signature fits"),
        (signed() | {"webhook-signature": "v1,é"}, "no signature fits"),
    ],
)
def test_the_receiver_says_what_is_wrong_with_a_signature(
    headers: dict[str, str], fault: str
) -> None:
    secrets = [SECRET, signing.secret(b"master", "acme", "localhost", 1)]
    found = webhook_signature.find_fault(headers, BODY, secrets, NOW, "localhost")

    assert found.startswith(fault) if not fault else fault in found
    assert bool(found) == bool(fault)


def test_the_standards_own_library_signs_what_the_receiver_accepts() -> None:
    from datetime import UTC, datetime

    now = int(time.time())
    signature = Webhook(SECRET).sign("event", datetime.fromtimestamp(now, UTC), BODY.decode())
    headers = {
        "webhook-id": "event",
        "webhook-timestamp": str(now),
        "webhook-signature": signature,
    }

    assert webhook_signature.find_fault(headers, BODY, [SECRET], now, "localhost") == ""
