"""Shows what operations print and log, under their name and job; and how their processes die."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import layers
from local.stack import Stack
from local.terminal import Terminal
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Table
from nowlater.jobs.model import Ref
from nowlater.jobs.store import Store

#: How many jobs' operations are remembered.
_REMEMBERED = 1000
#: The files of Lambdas in tracebacks: in a layer, in the operations, in what calls these.
_SOURCES = {"operations": layers.OPERATIONS.parent, "nowlater": Path("layers/nowlater")}
#: A path in quotation marks, and one that begins a line, can have spaces.
_IN_LAYER = re.compile(
    r'(?:(?<=")[^"]*|^/[^"]*?|(?<![^"\s])[^"\s]*)'
    r'/layer-\w+/python/(?=(operations|nowlater)/)([^":\s]+)'
)
_IN_OPERATIONS = re.compile(r'^ *File "[^"]*/python/operations/')
_IN_FRAMEWORK = re.compile(
    r'^ *File "[^"]*/(python/(nowlater|aws_lambda_powertools)/|code/app\.py"|_worker\.py")'
)
#: What a traceback of a group of exceptions has before each line.
_OF_GROUP = re.compile(r"^ +\| ")
#: A result that is not as annotated: no frame is the operation's, and its text has the place.
_WRONG = "nowlater.runtime.exceptions.WrongResult: "
#: How a log line of the framework begins, also after output that has no line break.
_LOGGED = re.compile(r'(?<=.)(?=\{"level":"[A-Z]+","location":")')
_FRAME_OF_CRASH = re.compile(r'  File "[^"]+", line \d+ in ')
#: Ends of an attempt after which the job goes on or has failed, and what they are called.
_FAILED = {"failed": "failed", "timed-out": "timed out", "unavailable": "was unavailable"}


class Output:
    """Reads what `emulator_output` sends."""

    def __init__(self, records: Iterable[str], stack: Stack, terminal: Terminal) -> None:
        self._records, self._terminal = records, terminal
        self._store = Store(Table(stack.outputs["TableName"], stack.client("dynamodb")))
        self._stack = stack
        self._work_timeout_s = int(stack.parameters["WorkTimeout"])
        self._operations: dict[str, str] = {}

    def run(self) -> None:
        for text in self._records:
            try:
                self._show(json.loads(text))
            except Exception as fault:  # of any type: Lambdas wait until their output is read
                self._terminal.say(f"{text.strip()}\n  could not be shown: {fault!r}")

    def _show(self, record: dict[str, str]) -> None:
        if lines := self._lines(record):
            self._terminal.quote(self._heading(record), lines)

    def _heading(self, record: dict[str, str]) -> str:
        if "door" in record:
            return f"{record['operation']} at the {record['door']} door, {record['at']}"
        name = self._stack.name_of(record["function"])
        if name == "Work" and "job" in record:
            return f"{self._operation(record)} {record['job']}"
        return name

    def _operation(self, record: dict[str, str]) -> str:
        """Return the operation of a job; a job that is not yet stored has no name."""
        job_id = record["job"]
        if job_id not in self._operations:
            try:
                job = self._store.get(Ref(record["owner"], job_id))
            except (BotoCoreError, ClientError, Unreadable):
                job = None
            if job is None:
                return "job"
            if len(self._operations) >= _REMEMBERED:
                self._operations.clear()
            self._operations[job_id] = job.operation
        return self._operations[job_id]

    def _lines(self, record: dict[str, str]) -> list[str]:
        if "died" in record:
            return _explain_death(record, self._work_timeout_s)
        return [
            shown for line in _LOGGED.split(record["line"], maxsplit=1) for shown in _show(line)
        ]


def _show(line: str) -> list[str]:
    """Return what is shown of a line of output, or of a log line."""
    fields = _fields(line)
    if fields.get("service") != "nowlater":
        return [] if _is_ours(line) else [_in_sources(line)]
    if fields.get("level") == "ERROR":
        return _format_error(fields)
    if fields.get("message") == "run_timed_out":
        return [f"timed out after {fields['seconds']:.1f} s"]
    if (end := _FAILED.get(fields.get("outcome", ""))) is not None:
        return [f"attempt {fields['attempt']} {end} after {fields['seconds']:.1f} s"]
    return []


def _fields(line: str) -> dict[str, Any]:
    """Return the fields of a log line in JSON; {} if it is another line."""
    try:
        fields = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _format_error(fields: dict[str, Any]) -> list[str]:
    own = _own_part(str(fields.get("exception", "")))
    if own and own[-1].startswith(_WRONG):
        own = [own[-1].removeprefix(_WRONG)]
    traceback = [_in_sources(line) for line in own]
    if fields.get("message") == "operation_failed" and traceback:
        return traceback
    words = [str(fields.get("message", "error")), fields.get("job_id"), fields.get("detail")]
    return ["error: " + " ".join(str(word) for word in words if word), *traceback]


def _own_part(traceback: str) -> list[str]:
    """Return a traceback without the framework's frames that led to the operation, if one did."""
    lines = traceback.splitlines()
    bare = [_OF_GROUP.sub("", line) for line in lines]
    if not any(_IN_OPERATIONS.search(line) for line in bare):
        return lines
    kept, is_shown = list[str](), True
    for line, text in zip(lines, bare, strict=True):
        if text.startswith("  File "):
            is_shown = not _IN_FRAMEWORK.search(text)
        elif not text.startswith("    "):
            is_shown = True
        if is_shown:
            kept.append(line)
    return kept


def _is_ours(line: str) -> bool:
    """Return whether a line is a frame of the framework in what Python prints as it crashes."""
    return bool(_FRAME_OF_CRASH.match(line) and _IN_FRAMEWORK.search(line))


def _in_sources(line: str) -> str:
    """Return a line with the paths of layers as they are in this folder."""
    return _IN_LAYER.sub(lambda m: str(_SOURCES[m[1]] / m[2]), line)


def _explain_death(record: dict[str, str], work_timeout_s: int) -> list[str]:
    died = f"its process has died: {record['died']}."
    if "job" not in record:
        return [died]
    minutes, seconds = divmod(work_timeout_s + 30, 60)
    advice = "" if work_timeout_s <= 60 else " For less: make up SET=WorkTimeout=60"
    return [
        died,
        "As on AWS, the job runs again, if it has attempts left, only when its lock has",
        f"expired, at most {minutes} min {seconds} s later.{advice}",
    ]
