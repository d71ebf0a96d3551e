"""Runs the AWS emulator, and serves its one HTTP API at the root of a port of its own.

Runs in the emulator's own environment. Ends when its standard input does: with whoever started it.
"""

import asyncio
import io
import json
import os
import re
import signal
import sys
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.core import iam_actions, lambda_runtime
from ministack.core.lambda_runtime import Worker
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

GATEWAY, FRONT = int(os.environ["GATEWAY_PORT"]), int(os.environ["API_PORT"])
API_ID = Path(os.environ["API_ID_FILE"])

# After each invocation it waits 50 ms for a first log line, on the thread that polls every queue.
Worker._drain_stderr_bounded.__defaults__ = (0.002, 0.002, 0.25)


def invoke(worker: Worker, *arguments: Any, **options: Any) -> dict[str, Any]:
    """Invoke a Lambda's process; if that fails, end this process alone.

    The emulator itself would end all processes of the Lambda. Those that are just starting would
    then fail too, and each failure would end more of them.
    """
    try:
        answer: dict[str, Any] = invoke_worker(worker, *arguments, **options)
    except Exception as fault:
        worker.kill()
        return {"status": "error", "error": str(fault), "log": "", "cold_start": True}
    return answer


invoke_worker = Worker.invoke
Worker.invoke = invoke


#: Processes of Lambdas that have been changed since, which still do what they have begun.
retired: list[Worker] = []


def retire(name: str, *which: Any, **also: Any) -> None:
    """End a Lambda's processes, as it has changed; those that are at work end with their work, as on AWS.

    The emulator would end them too: a job would wait until its message comes back, and lose a try.
    """
    with lambda_runtime._lock:
        for key, pool in lambda_runtime._workers.items():
            if key.split(":")[2] == name:
                retired.extend(worker for worker in pool if worker.in_use)
                pool[:] = [worker for worker in pool if not worker.in_use]
    end_workers(name, *which, **also)


def release(worker: Worker | None) -> None:
    """Give a process back for the next invocation, or end it if it is retired."""
    release_worker(worker)
    if worker is not None and worker in retired:
        retired.remove(worker)
        worker.kill()


end_workers, release_worker = lambda_runtime.invalidate_worker, lambda_svc.release_worker
lambda_svc.invalidate_worker, lambda_svc.release_worker = retire, release

_pointers: dict[str, bytes | None] = {}
_unpacking = threading.Lock()


def pointer(attachment: Any) -> bytes | None:
    """Return a layer that points at a folder which all processes share.

    The emulator would unpack the layer for each of them: large packages take seconds.
    """
    arn = attachment if isinstance(attachment, str) else attachment.get("Arn", "")
    with _unpacking:
        if arn not in _pointers:
            content = layer_content(attachment)
            _pointers[arn] = None if content is None else _pointer(content)
        return _pointers[arn]


def _pointer(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as layer:
        if any(not re.match("python/(?!lib/)", name) for name in layer.namelist()):
            return content  # it has more than modules
        folder = tempfile.mkdtemp(prefix="layer-")
        layer.extractall(folder)
    small = io.BytesIO()
    with zipfile.ZipFile(small, "w") as archive:  # a line of a .pth that imports is executed
        line = f"import sys; sys.path.insert(0, {folder + '/python'!r})"
        archive.writestr("python/lib/python3/site-packages/layer.pth", line)
    return small.getvalue()


layer_content = lambda_svc._resolve_layer_zip
lambda_svc._resolve_layer_zip = pointer
# What is measured is what is in the layer, not what points at it.
lambda_svc._layer_unzipped_size = lambda given: lambda_svc._unzipped_size(layer_content(given))


def of_first_metric(name: str, alarm: dict[str, Any]) -> Any:
    """Have an alarm that reckons with several metrics be one of the first: it refuses the others."""
    given = next((m["MetricStat"] for m in alarm.get("Metrics", ()) if "MetricStat" in m), None)
    if given is not None:
        others = {k: v for k, v in alarm.items() if k != "Metrics"}
        alarm = others | given["Metric"] | {"Period": given["Period"], "Statistic": given["Stat"]}
    return make_alarm(name, alarm)


make_alarm = provisioners._cw_metric_alarm_record
provisioners._cw_metric_alarm_record = of_first_metric


def with_leading_keys(body: bytes) -> dict[str, Any]:
    """Have IAM know the partitions that a request is about, as AWS does: policies go by them."""
    context: dict[str, Any] = table_context(body)
    if context:  # else it is no request, and the table says so
        asked = json.loads(body or b"{}")
        if found := [*partitions(asked), *queried(asked)]:
            context["dynamodb:LeadingKeys"] = found
    return context


def partitions(part: Any) -> Iterator[str]:
    """Yield the partitions of all keys and items in a request, those of a batch or a transaction too."""
    if isinstance(part, dict) and isinstance(part.get("PK"), dict):
        yield from part["PK"].values()
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from partitions(inner)


def queried(asked: dict[str, Any]) -> Iterator[str]:
    """Yield the partition of a query."""
    names = asked.get("ExpressionAttributeNames", {})
    values = asked.get("ExpressionAttributeValues", {})
    condition = asked.get("KeyConditionExpression", "")
    for name, value in re.findall(r"(#?\b\w++)\s*+=\s*+(:\w++)", condition):
        if names.get(name, name) == "PK":
            yield from values[value].values()


table_context = iam_actions.dynamodb_service_context
iam_actions.dynamodb_service_context = with_leading_keys


async def show_retired(send: Any) -> None:
    """Answer with the number of retired processes of each Lambda."""
    body = json.dumps(Counter(worker.func_name for worker in retired if worker.in_use)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def door(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"] == "/_nowlater/retired":
        await show_retired(send)
        return
    if scope["type"] == "http" and scope["server"][1] == GATEWAY:
        # Loopback is as good as TLS: policies that refuse plain HTTP are to be met here too.
        scope = scope | {"headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    if scope["type"] == "http" and scope["server"][1] == FRONT:
        # Addressed by path: Host stays the caller's, and /health is not taken for the emulator's.
        prefix = f"/_aws/execute-api/{API_ID.read_text()}/$default"
        # As AWS does: what a caller says of where it came in does not count.
        said = {"proto": "http", "port": str(FRONT), "for": scope["client"][0]}
        ours = {f"x-forwarded-{k}".encode(): v.encode() for k, v in said.items()}
        theirs = [header for header in scope["headers"] if header[0].lower() not in ours]
        scope = scope | {
            "path": prefix + scope["path"],
            "raw_path": prefix.encode() + scope["raw_path"],
            "headers": [*theirs, *ours.items()],
        }
    await app(scope, receive, send)


def end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    config = Config()
    config.bind = [f"127.0.0.1:{GATEWAY}", f"127.0.0.1:{FRONT}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ.get("LOG_LEVEL", "ERROR")
    asyncio.run(serve(door, config))
