"""The command line, against the stand-in: what it prints where, its exit codes, and its files."""

import io
import json
import os
import shlex
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from nowlater_client import File
from nowlater_client.cli import batch, calls, jobs, main, operations, profiles, program, setup, show
from nowlater_client.cli.arguments import Since, When
from nowlater_client.cli.completion import (
    complete_job,
    complete_member,
    complete_operation,
    complete_profile,
)
from nowlater_client.testing import Refused, Server

#: They add their commands.
ADDED = (calls, jobs, operations, setup)


def greet(name: str, times: int = 1) -> list[str]:
    """Greet a person."""
    if name == "nobody":
        raise Refused("Nobody is greeted.")
    return [f"Hello, {name}!"] * times


OPERATIONS: dict[str, Callable[..., Any]] = {
    "greet": greet,
    "length": lambda file: len(file),
    "picture": lambda: File(b"\x89PNG", "image/png"),
}


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    made = Server(OPERATIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOWLATER_URL", "https://nowlater.test")
    monkeypatch.setenv("NOWLATER_KEY", "nl_test")
    monkeypatch.setenv("NOWLATER_CONFIG", f"{tmp_path}/config/profiles.json")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NOWLATER_PROFILE", raising=False)
    monkeypatch.setattr(program, "Client", lambda url, key: made.client())
    monkeypatch.setattr("nowlater_client.gather._LEAST_PAUSE_S", 0.001)
    monkeypatch.setattr("nowlater_client.core.CLOSELY_S", 0.01)
    return made


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "is_terminal", lambda: True)


@pytest.fixture
def nowlater(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    def run(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "argv", ["nowlater", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ran(int(exit_.value.code or 0), out, err)

    return run


def test_an_input_is_text_json_and_files(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"12345")

    assert nowlater("call", "greet", "name=Ada", "times:=2").json == ["Hello, Ada!"] * 2
    assert nowlater("call", "length", f"file@{tmp_path}/data").json == 5
    given = '{"name": "Ada", "times": 1}'
    assert nowlater("call", "greet", "-i", "-", "times:=3", stdin=given).json == ["Hello, Ada!"] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("call", "greet", "name"), "name=text, name:=json and name@file"),
        (("call", "greet", "times:=x"), "this is no JSON"),
        (("call", "greet", "name@missing"), "There is no file 'missing'"),
        (("call", "greet", "--tag", "x"), "A tag is name:value"),
        (("call", "greet", "--deadline", "soon"), "neither a duration"),
        (("cancel",), "Name jobs, or use --all"),
        (("cancel", "--all", str(uuid.UUID(int=7))), "Name jobs, or use --all"),
        (("submit", "greet", "--out", "x"), "--out needs --from"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_said_in_plain_words(
    nowlater: Callable[..., Ran], arguments: tuple[str, ...], said: str
) -> None:
    ran = nowlater(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_the_exit_code_is_the_outcome(nowlater: Callable[..., Ran], server: Server) -> None:
    assert nowlater("call", "nothing").code == 1
    assert nowlater("call", "greet", "name=nobody").code == 1
    assert nowlater("call", "greet", "name=nobody", "--tag", "a:b").code == 3
    job = nowlater("submit", "greet", "name=nobody").json["id"]
    watched = nowlater("watch", job)
    assert (watched.code, watched.json["status"]) == (3, "failed")
    assert "Nobody is greeted" in watched.err
    canceled = nowlater("submit", "greet", "name=Ada").json["id"]
    assert nowlater("cancel", canceled).json["status"] == "canceled"
    assert nowlater("result", canceled).code == 4
    server._reads = 10**9
    slow = nowlater("submit", "greet", "name=Ada").json["id"]
    late = nowlater("result", slow, "--timeout", "0.1")
    assert (late.code, slow in late.err) == (5, True)


def test_ctrl_c_says_that_the_job_goes_on(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = nowlater("submit", "greet", "name=Ada").json["id"]

    def interrupted(*_: Any) -> Iterator[Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr("nowlater_client.client.Job.events", interrupted)
    ran = nowlater("watch", job)

    assert ran.code == 130
    assert f"nowlater watch {job}" in ran.err


def test_a_file_is_written_or_piped(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    nowlater("call", "picture", "-o", "picture.png")
    job = nowlater("submit", "picture").json["id"]
    nowlater("result", job, "-o", "again.png")

    assert (tmp_path / "picture.png").read_bytes() == b"\x89PNG"
    assert (tmp_path / "again.png").read_bytes() == b"\x89PNG"


@pytest.mark.usefixtures("terminal")
def test_a_file_is_not_printed_on_a_terminal(nowlater: Callable[..., Ran]) -> None:
    ran = nowlater("call", "picture")

    assert (ran.code, ran.out) == (1, "")
    assert "use -o FILE" in ran.err


@pytest.mark.usefixtures("terminal")
def test_tables_fit_the_terminal(nowlater: Callable[..., Ran], server: Server) -> None:
    for number in range(3):
        nowlater("submit", "greet", "name=nobody", "--tag", f"order:{'x' * 60}{number}")
    nowlater("jobs")

    for command in (("jobs",), ("jobs",), ("ops",)):
        lines = nowlater(*command).out.splitlines()
        assert lines
        assert max(map(len, lines)) <= 80
    assert "Nobody is greeted." in nowlater("jobs").out


def test_a_list_is_json_lines_on_a_pipe(nowlater: Callable[..., Ran]) -> None:
    for number in range(3):
        nowlater("submit", "greet", "name=Ada", "--tag", f"n:{number}")

    assert len(nowlater("jobs").lines) == 3
    assert [job["tags"] for job in nowlater("jobs", "--tag", "n:1").lines] == [{"n": "1"}]
    assert len(nowlater("jobs", "-n", "2").lines) == 2
    assert nowlater("jobs", "--tag", "n:9").err == "No jobs match.\n"
    assert [one["name"] for one in nowlater("ops").lines] == ["greet", "length", "picture"]


def test_many_jobs_are_canceled_after_a_question(
    nowlater: Callable[..., Ran], server: Server
) -> None:
    server._reads = 10**9
    for number in range(5):
        nowlater("submit", "greet", "name=Ada", "--tag", f"odd:{number % 2}")

    asked = nowlater("cancel", "--all", "--tag", "odd:1")
    assert (asked.code, "Cancel 2 jobs of https://nowlater.test?" in asked.err) == (2, True)
    assert len(nowlater("cancel", "--all", "--tag", "odd:1", "--yes").lines) == 2
    assert len(nowlater("retry", "--all", "--status", "canceled", "-y").lines) == 2
    assert len(nowlater("erase", "--all", "-y").lines) == 2
    assert nowlater("erase", "--all", "-y").err == "No jobs match.\n"


def inputs(path: Path, count: int) -> None:
    path.write_text("".join(json.dumps({"name": f"{number}"}) + "\n\n" for number in range(count)))


def test_a_batch_continues_with_the_same_jobs(
    nowlater: Callable[..., Ran],
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs(tmp_path / "in.jsonl", 30)
    command = ("submit", "greet", "--from", "in.jsonl", "--out", "out.jsonl", "--tag", "batch:7")
    store, stored = batch.Batch.store, list[int]()

    def interrupted(self: batch.Batch, outcome: Any) -> None:
        if len(stored) == 12:
            self._file.write(b'{"line": 1, "job": "cut o')  # as a killed process leaves it
            raise KeyboardInterrupt
        stored.append(outcome.index)
        store(self, outcome)

    monkeypatch.setattr(batch.Batch, "store", interrupted)
    first = nowlater(*command)
    monkeypatch.setattr(batch.Batch, "store", store)
    second = nowlater(*command)

    assert (first.code, second.code) == (130, 0)
    assert "The same command continues" in first.err
    assert "Continuing: 12 of 30 are done." in second.err
    results = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [result["result"] for result in results] == [[f"Hello, {n}!"] for n in range(30)]
    assert [result["line"] for result in results] == list(range(1, 60, 2))
    assert len(server.jobs) == 30
    assert sorted(path.name for path in tmp_path.glob("*.jsonl*")) == ["in.jsonl", "out.jsonl"]
    assert "out.jsonl exists" in nowlater(*command).err


def test_files_among_the_results_of_a_batch_are_kept(
    nowlater: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text("{}\n{}\n")

    ran = nowlater("submit", "picture", "--from", "in.jsonl", "--out", "out.jsonl")

    assert ran.code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["result"] for line in lines] == [
        {"media_type": "image/png", "file": f"out.jsonl.files/{line['job']}.png"} for line in lines
    ]
    kept = [tmp_path / line["result"]["file"] for line in lines]
    assert [path.read_bytes() for path in kept] == [b"\x89PNG"] * 2


def test_failures_of_a_batch_are_in_its_results(
    nowlater: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"name": "nobody"}\n{"name": "Ada"}\n')

    ran = nowlater("submit", "greet", "--from", "in.jsonl", "--out", "out.jsonl")

    assert ran.code == 3
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["status"], first["error"]["code"]) == ("failed", "refused")
    assert second["result"] == ["Hello, Ada!"]


BATCH = ("submit", "greet", "--from", "in.jsonl", "--out", "out.jsonl")


def results(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_batch_with_other_options_is_refused(
    nowlater: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs(tmp_path / "in.jsonl", 3)
    with monkeypatch.context() as patch:
        patch.setattr(batch, "is_final", lambda outcome: False)
        stopped = nowlater(*BATCH)

    assert (stopped.code, "3 lines have no result yet" in stopped.err) == (1, True)
    ran = nowlater(*BATCH, "--tag", "batch:8")
    assert (ran.code, "another batch (its options differ)" in ran.err) == (1, True)
    assert nowlater(*BATCH).code == 0


def test_lines_are_checked_before_the_first_submit_and_may_be_corrected(
    nowlater: Callable[..., Ran], server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"name": "Ada"}\n{bad\n')
    assert "Line 2 is no JSON" in nowlater(*BATCH).err
    assert server.jobs == {}

    source.write_text('{"name": "Ada"}\n{"name": "Ada"}\n{"name": "nobody"}\n')
    with monkeypatch.context() as patch:
        patch.setattr(batch, "is_final", lambda outcome: outcome.error is None)
        assert nowlater(*BATCH).code == 1
    source.write_text('{"name": "Bob"}\n{"name": "Ada"}\n{"name": "Ada"}\n')

    assert "Continuing: 2 of 3 are done." in nowlater(*BATCH).err
    found = results(tmp_path / "out.jsonl")
    assert [(one["line"], one["result"][0]) for one in found] == [
        (1, "Hello, Bob!"),
        (2, "Hello, Ada!"),
        (3, "Hello, Ada!"),
    ]
    assert len(server.jobs) == 4


@pytest.mark.parametrize("torn", ["", '{"batch": "abc", "oper'])
def test_a_torn_file_of_results_is_begun_again(
    nowlater: Callable[..., Ran], tmp_path: Path, torn: str
) -> None:
    inputs(tmp_path / "in.jsonl", 2)
    (tmp_path / "out.jsonl.part").write_text(torn)

    assert nowlater(*BATCH).code == 0
    assert len(results(tmp_path / "out.jsonl")) == 2


def test_two_runs_of_a_batch_do_not_mix(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    import fcntl

    inputs(tmp_path / "in.jsonl", 2)
    with (tmp_path / "out.jsonl.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ran = nowlater(*BATCH)

    assert (ran.code, "Another run writes out.jsonl.part" in ran.err) == (1, True)


def test_an_error_of_all_lines_stops_a_batch(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    inputs(tmp_path / "in.jsonl", 30)

    ran = nowlater("submit", "great", "--from", "in.jsonl", "--out", "out.jsonl")

    assert (ran.code, "There is no operation" in ran.err) == (1, True)
    assert not (tmp_path / "out.jsonl").exists()


def test_what_says_nothing_about_an_input_is_no_result() -> None:
    from nowlater_client import Outcome, Unreachable, errors

    def ended(error: Exception) -> bool:
        return batch.is_final(Outcome(0, {}, error=error))

    assert not ended(Unreachable("No answer."))
    assert not ended(errors.TooManyJobs("Too many.", status=429))
    assert not ended(errors.TryAgain("Not now.", status=503))
    assert ended(errors.InvalidInput("Wrong.", status=422))
    assert ended(ValueError("NaN is not JSON compliant"))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("call", "greet", "name=x", "-o", "missing/x"), "no file can be written in 'missing'"),
        (("call", "greet", "name:=NaN"), "not JSON compliant"),
        (("call", "greet", "--input", "latin1.json"), "this is no JSON"),
        (("submit", "greet", "--key", ""), "idempotency key"),
        (("submit", "greet", "--key", "é"), "idempotency key"),
        (("submit", "greet", "--retention", "2030-01-01T00:00:00Z"), "is no duration"),
        (("submit", "greet", "-t", "a:b", "-t", "a:c"), "one value for each name"),
        (("profile", "add", "local", "https://x", "--key", "k"), "Choose another name"),
        (("submit", "greet", "--from", "latin1.json", "--out", "o", "--concurrency", "0"), "1"),
    ],
)
def test_wrong_usage_is_a_sentence_before_anything_is_sent(
    nowlater: Callable[..., Ran],
    server: Server,
    tmp_path: Path,
    command: tuple[str, ...],
    said: str,
) -> None:
    (tmp_path / "latin1.json").write_bytes(b'{"name": "\xff"}')

    ran = nowlater(*command)

    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert server.requests == []


def test_a_profile_needs_a_url_and_a_key(nowlater: Callable[..., Ran]) -> None:
    assert "must be like https://" in nowlater("profile", "add", "p", "x.com", "--key", "k").err
    assert "key is empty" in nowlater("profile", "add", "p", "https://x.com", stdin="").err


def test_a_deadline_of_no_time_is_sent(nowlater: Callable[..., Ran], server: Server) -> None:
    nowlater("submit", "greet", "--deadline", "0s")

    assert json.loads(server.requests[-1].content)["deadline"] == {"within": 0}


def test_a_pipe_is_no_batch(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    ran = nowlater("submit", "greet", "--from", "pipe", "--out", "out.jsonl")

    assert (ran.code, "--from must be a file" in ran.err) == (2, True)


def test_why_says_what_happened(nowlater: Callable[..., Ran]) -> None:
    job = nowlater("submit", "greet", "name=nobody").json["id"]
    assert "It runs since" in nowlater("why", job).json["why"]
    nowlater("watch", job)

    assert "It failed: Nobody is greeted." in nowlater("why", job).json["why"]


# ── profiles ──────────────────────────────────────────────────────────────────────────────────


def test_profiles_are_stored_for_their_owner_alone(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowlater("profile", "add", "production", "https://api.example.com", stdin="nl_secret\n")
    stored = tmp_path / "config" / "profiles.json"

    assert stored.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("NOWLATER_URL")
    monkeypatch.delenv("NOWLATER_KEY")
    assert profiles.find(None).key == "nl_secret"
    assert nowlater("profile", "list").json == {"production": "https://api.example.com"}
    assert "Known: production" in nowlater("-p", "staging", "ops").err
    stored.chmod(0o644)
    assert "chmod 600" in nowlater("ops").err
    stored.chmod(0o600)
    nowlater("profile", "remove", "production")
    assert "No API is known" in nowlater("ops").err


def test_the_local_stack_is_found_upwards(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".local").mkdir()
    served = {"url": "http://localhost:8080", "key": "nl_local"}
    (tmp_path / ".local" / "api.json").write_text(json.dumps(served))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert profiles.find(None).name == "environment"
    assert profiles.find("local").url == "http://localhost:8080"
    monkeypatch.delenv("NOWLATER_KEY")
    with pytest.raises(click.ClickException, match="NOWLATER_URL is set, NOWLATER_KEY is not"):
        profiles.find(None)
    monkeypatch.delenv("NOWLATER_URL")
    assert profiles.find(None).key == "nl_local"


# ── help, completion, colours ─────────────────────────────────────────────────────────────────


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


@pytest.mark.parametrize("command", [*commands(program.cli)], ids=" ".join)
def test_each_command_has_an_example(
    nowlater: Callable[..., Ran], command: tuple[str, ...]
) -> None:
    shown = nowlater(*command, "--help").out

    assert "Example" in shown
    assert f"nowlater {' '.join(command)}" in shown.partition("Example")[2]
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("group", [(), ("profile",)])
def test_no_command_is_described_in_half_a_sentence(
    nowlater: Callable[..., Ran], group: tuple[str, ...]
) -> None:
    _, _, listed = nowlater(*group, "--help").out.partition("Commands:")

    assert listed
    assert "..." not in listed


def test_operations_and_jobs_are_completed(
    nowlater: Callable[..., Ran], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "nowlater_client.cli.completion.Client", lambda url, key, **_: server.client()
    )
    job = nowlater("submit", "greet", "name=Ada").json["id"]
    context = click.Context(program.cli)

    assert [item.value for item in complete_operation(context, None, "g")] == ["greet"]
    assert [item.value for item in complete_job(context, None, job[:9])] == [job]
    for shell in ("bash", "zsh", "fish"):
        assert "_NOWLATER_COMPLETE" in nowlater("completion", shell).out


def test_completion_of_an_unreachable_api_is_empty(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOWLATER_URL", "http://127.0.0.1:9")

    assert complete_operation(click.Context(program.cli), None, "g") == []


@pytest.mark.usefixtures("terminal")
def test_no_color_is_respected(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda stream, color: color is False)
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda stream, color: color is False)
    nowlater("submit", "greet", "name=Ada")

    assert "\x1b[" in nowlater("jobs").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in nowlater("jobs").out


def test_times_are_durations_or_instants() -> None:
    when, since = When(), Since()

    assert when.convert("90s", None, None).total_seconds() == 90
    assert when.convert("1.5h", None, None).total_seconds() == 5400
    assert when.convert("2026-12-01T12:00:00Z", None, None).utcoffset().total_seconds() == 0
    assert since.convert("2d", None, None) < since.convert("1d", None, None)


def test_a_job_s_line_fits_and_shows_eta_and_slack(server: Server) -> None:
    with server.client() as client:
        job = client.submit("greet", {"name": "Ada"})
    raw = job.raw | {
        "status": "running",
        "progress": {"fraction": 0.4, "message": "{m}" * 70},
        "estimate": {"finish": "2126-11-24T19:18:49.571Z", "rests_on": {"runs": 1}},
        "deadline": "2126-11-24T19:28:49.571Z",
    }
    from nowlater_client import models

    line = show.job_line(models.JobState(raw | {"progress": None}), 79)
    long = show.job_line(models.JobState(raw), 79)

    assert "ETA" in line
    assert "slack 10m0s" in line
    assert len(long) <= 79


# ── what is said of errors, and what a terminal gets ──────────────────────────────────────────

UNKNOWN = "01a20eff-13a8-723c-a1e0-0187f181401b"


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("call", "great", "name=Ada"), 1, "Did you mean greet? nowlater ops lists all."),
        (("submit", "great", "name=Ada"), 1, "Did you mean greet?"),
        (("op", "great"), 1, "Did you mean greet?"),
        (("call", "greet", "name=Ada", "--wait", "99"), 2, "0<=x<=25"),
        (("call", "greet", "name=Ada", "--wait", "nan"), 2, "no number of seconds"),
        (("call", "greet", "name=Ada", "--timeout", "0"), 2, "x>0"),
        (("call", "greet", "name=\udcff"), 2, "is not UTF-8"),
        (("call", "greet", "--input", "missing"), 2, "There is no file"),
        (("call", "greet", "--input", "-", "name@-"), 2, "one input only"),
        (("call", "greet", "--deadline", "99999999999d"), 2, "too long"),
        (("call", "greet", "--deadline", "0001-01-01"), 2, "neither a duration"),
        (("jobs", "--since", "99999999d"), 2, "too long ago"),
        (("jobs", "-n", "-1"), 2, "x>=0"),
        (("result", "../operations"), 2, "no id of a job"),
        (("result", UNKNOWN, "-o", "missing/x"), 2, "no file can be written in 'missing'"),
        (("upload", "empty"), 2, "empty is empty"),
        (("submit", "greet", "--from", "empty", "--out", "missing/x"), 2, "no file can be written"),
        (("submit", "greet", "--from", "empty", "--out", "-"), 2, "--out FILE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_says_what_to_do(
    nowlater: Callable[..., Ran], tmp_path: Path, command: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "empty").touch()

    ran = nowlater(*command)

    assert (ran.code, ran.out, said in ran.err) == (code, "", True), ran.err
    assert "GET /operations" not in ran.err


def test_text_where_json_or_a_file_was_meant_is_explained(
    nowlater: Callable[..., Ran], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nowlater_client import testing

    def refuse(times: Any) -> None:
        raise testing._Problem(422, "invalid-input", "Wrong.", pointer="/input/times")

    monkeypatch.setattr(server, "_run", lambda operation, members: refuse(**members))

    assert "To send a number or other JSON: times:=2" in nowlater("call", "greet", "times=2").err
    assert "To send" not in nowlater("call", "greet", "times=two").err
    assert 'its text: times="$(cat' in nowlater("call", "greet", f"times@{__file__}").err


def test_a_pipe_and_stdin_are_files(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"12345")
    os.close(theirs)

    assert nowlater("call", "length", f"file@/dev/fd/{ours}").json == 5
    assert nowlater("call", "length", "file@-", stdin="1234").json == 4
    upload = nowlater("upload", "-", stdin="123").out
    assert nowlater("call", "length", f"file:={upload}").json == 3


def test_a_result_goes_to_stdout_or_a_pipe(nowlater: Callable[..., Ran], tmp_path: Path) -> None:
    job = nowlater("submit", "picture").json["id"]
    os.mkfifo(tmp_path / "pipe")  # and no device: a fault here would replace it
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    for command in (("call", "picture"), ("result", job)):
        ran = nowlater(*command, "-o", "-")
        assert (ran.out, ran.err) == ("\ufffdPNG", "")
        assert nowlater(*command, "-o", "pipe").code == 0
        assert os.read(reader, 99) == b"\x89PNG"
    assert nowlater("call", "greet", "name=Ada", "-o", "-").json == ["Hello, Ada!"]
    assert (tmp_path / "pipe").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    os.close(reader)


def test_a_reader_that_goes_away_is_no_error(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(show, "value", broken)
    monkeypatch.setattr(os, "dup2", lambda *_: None)

    assert nowlater("call", "greet", "name=Ada").code == 0


def test_a_link_stays_when_a_result_is_written(
    nowlater: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")

    nowlater("call", "picture", "-o", "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"\x89PNG"


def test_a_result_that_cannot_be_written_is_named(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", lambda *_: exec("raise OSError('No space left')"))

    ran = nowlater("call", "picture", "-o", "x", "--key", "k-1", "--deadline", "1h")

    assert ran.code == 1
    assert "No space left. The result is kept. Get it:  the same command with --key k-1" in ran.err


@pytest.mark.usefixtures("terminal")
def test_control_characters_do_not_reach_the_terminal(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda stream, color: False)
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda stream, color: False)
    evil, server_says = "\x1b]0;owned\x07\x9b31m\u202e", "Hello, "
    job = nowlater("submit", "greet", f"name={evil}", "--tag", f"a:{evil}").out.split()[4]
    failed = nowlater("call", "greet", f"{evil}=x", "--wait", "1")
    shown = [failed.err] + [
        nowlater(command, job).out for command in ("job", "why", "watch", "result", "retry")
    ]

    assert server_says in shown[4]
    for text in [*shown, nowlater("jobs").out.replace("\x1b[", "")]:
        assert not set(evil[:1] + "\x07\x9b\u202e") & set(text)
    assert "u001b]0;owned" in shown[0] + shown[4]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.usefixtures("terminal")
def test_tables_fit_any_terminal(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", f"{columns}")
    nowlater("submit", "greet", "name=Ada", "--tag", f"order:{'x' * 300}")

    for command in (("ops",), ("op", "greet"), ("counts",)):
        assert max(map(len, nowlater(*command).out.splitlines())) <= columns
    widest = max(map(len, nowlater("jobs").out.splitlines()))
    assert widest <= columns or (columns == 40 and "STATUS" in nowlater("jobs").out)
    row = ("on-time", *"0123456")
    show.table([row, row], ("LANE", "WAITING", "IN FLIGHT", *["YOUR RUNNING"] * 5))


@pytest.mark.usefixtures("terminal")
def test_an_operation_is_shown_whole(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    schema = {
        "properties": {
            "text": {"type": "string", "description": "word " * 30, "maxLength": 4096},
            "csv": {"anyOf": [{"type": "string"}, {"properties": {"upload": {}}}]},
            "format": {"anyOf": [{"enum": ["csv", "tsv"]}, {"type": "null"}], "default": None},
            "top": {"type": "integer", "minimum": 0, "default": 10, "examples": [3]},
        },
        "required": ["text", "csv", "top"],
    }
    monkeypatch.setattr(server, "_said_of", lambda name: {"name": name, "input": schema})

    shown = nowlater("op", "greet").out

    assert "characters at most 4096" in shown
    assert "  csv  file, required" in shown
    assert '  format  string\n      one of "csv", "tsv"\n' in shown
    assert "default None" not in shown
    assert "nowlater call greet text=VALUE csv@FILE top:=3" in shown


@pytest.mark.parametrize(
    ("status", "said"), [("running", "Follow it:  nowlater watch"), ("succeeded", "nowlater job")]
)
def test_ctrl_c_says_what_is_true_of_the_job(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, status: str, said: str
) -> None:
    job = nowlater("submit", "greet", "name=Ada").json["id"]

    def interrupted(self: Any, *_: Any) -> None:
        self.__dict__["status"] = status
        raise KeyboardInterrupt

    monkeypatch.setattr("nowlater_client.client.Job.result", interrupted)
    ran = nowlater("result", job)

    assert ran.code == 130
    assert f"{said} {job}" in ran.err
    assert ("cancel" in ran.err) == (status == "running")


def test_ctrl_c_before_the_id_is_known_says_the_key(
    nowlater: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nowlater_client.client.Client.call", interrupted)
    monkeypatch.setattr("nowlater_client.client.Client.submit", interrupted)

    assert "with --key k-1" in nowlater("call", "greet", "--key", "k-1").err
    assert "with --key k-1" in nowlater("submit", "greet", "--key", "k-1").err
    assert "jobs --operation greet -n 1" in nowlater("call", "greet").err


def test_a_call_with_a_job_submits_at_once_and_shows_a_bar(
    nowlater: Callable[..., Ran], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")

    ran = nowlater("call", "greet", "name=Ada", "--deadline", "1h")

    assert server.requests[0].headers["prefer"] == "respond-async"
    assert ran.err.splitlines() == ["queued", "running attempt 1", "succeeded"]
    assert ran.json == ["Hello, Ada!"]


def test_each_named_job_is_tried(nowlater: Callable[..., Ran], server: Server) -> None:
    server._reads = 10**9
    job = nowlater("submit", "greet", "name=Ada").json["id"]

    ran = nowlater("cancel", UNKNOWN, job)

    assert (ran.code, ran.json["status"], UNKNOWN in ran.err) == (1, "canceled", True)
    assert nowlater("erase", job).code == nowlater("erase", job).code == 0
    server._reads = 1
    ended = nowlater("submit", "greet", "name=Ada").json["id"]
    nowlater("watch", ended)
    assert (nowlater("cancel", ended).code, nowlater("retry", UNKNOWN).code) == (0, 1)


def test_the_examples_of_the_help_can_be_pasted() -> None:
    for path in commands(program.cli):
        command: Any = program.cli
        for name in path:
            command = command.commands[name]
        _, _, shown = str(command.help).partition("Example")
        examples = [line for line in shown.splitlines() if "nowlater " in line]
        assert examples
        for line in examples:
            assert "…" not in line
            words = shlex.split(line[line.index("nowlater ") :].partition(" >")[0])[1:]
            words = words[1:] if words[0] == "--json" else words
            resolved, group = words, program.cli
            while isinstance(group, click.Group):
                group, resolved = group.commands[resolved[0]], resolved[1:]
            placed = [__file__ if word.endswith("in.jsonl") else word for word in resolved]
            group.make_context("x", placed)


def test_members_and_profiles_are_completed(
    nowlater: Callable[..., Ran], server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "nowlater_client.cli.completion.Client", lambda url, key, **_: server.client()
    )
    schema = {"properties": {"text": {"type": "string"}, "top": {"type": "integer"}}}
    monkeypatch.setattr(server, "_said_of", lambda name: {"name": name, "input": schema})
    nowlater("profile", "add", "lab", "https://lab.example.com", "--key", "k")
    context = click.Context(calls.call, parent=click.Context(program.cli))
    context.params["operation"] = "greet"

    assert [item.value for item in complete_member(context, None, "t")] == ["text=", "top:="]
    assert [item.value for item in complete_profile(context, None, "l")] == ["local", "lab"]
    monkeypatch.setenv("NOWLATER_URL", "bogus")
    (tmp_path / "config" / "profiles.json").write_text("{bad")
    monkeypatch.undo()
    monkeypatch.setenv("NOWLATER_URL", "bogus")
    monkeypatch.setenv("NOWLATER_KEY", "k")
    monkeypatch.setenv("NOWLATER_CONFIG", f"{tmp_path}/config/profiles.json")
    assert complete_operation(context, None, "g") == complete_member(context, None, "t") == []
    assert [item.value for item in complete_profile(context, None, "l")] == ["local"]
