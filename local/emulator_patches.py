"""Patches the AWS emulator where it differs from AWS or is slow. Runs in the emulator's environment."""

import io
import json
import re
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, lambda_runtime
from ministack.core.lambda_runtime import Worker
from ministack.services import lambda_svc
from ministack.services.cloudformation import changesets, engine, handlers, provisioners
from samtranslator.translator import transform

from local import emulator_output

_invoke_worker = Worker.invoke
_end_workers, _release_worker = lambda_runtime.invalidate_worker, lambda_svc.release_worker
_layer_content = lambda_svc._resolve_layer_zip
_make_alarm = provisioners._cw_metric_alarm_record
_table_context = iam_actions.dynamodb_service_context
_apply_transforms, _transform = engine._apply_transforms, transform.transform


def apply() -> None:
    """Apply all patches."""
    # After each invocation the emulator waits 50 ms for a first log line, on the thread that polls
    # every queue.
    Worker._drain_stderr_bounded.__defaults__ = (0.002, 0.002, 0.25)
    Worker.invoke = invoke
    lambda_svc.invalidate_worker, lambda_svc.release_worker = retire_workers, release_worker
    lambda_svc._resolve_layer_zip = layer_or_pointer
    # The size of a layer is that of its content, not of the pointer to it.
    lambda_svc._layer_unzipped_size = lambda attachment: lambda_svc._unzipped_size(
        _layer_content(attachment)
    )
    provisioners._cw_metric_alarm_record = make_alarm_of_first_metric
    iam_actions.dynamodb_service_context = context_with_leading_keys
    for module in engine, handlers, changesets:
        module._apply_transforms = apply_transforms
    transform.transform = transform_with_parameters


# ── processes of Lambdas ──────────────────────────────────────────────────────────────────────

#: Processes of Lambdas that were changed since; they still finish what they have begun.
_retired: list[Worker] = []


def invoke(worker: Worker, *arguments: Any, **options: Any) -> dict[str, Any]:
    """Invoke a Lambda's process; if that fails, end only this process.

    The emulator itself would end all processes of the Lambda. Those that are just starting would
    then fail too, and each failure would end more of them.
    """
    emulator_output.begin(worker, arguments[0])
    try:
        result: dict[str, Any] = _invoke_worker(worker, *arguments, **options)
    except Exception as fault:
        worker.kill()
        result = {"status": "error", "error": str(fault), "log": "", "cold_start": True}
    emulator_output.end(worker, result)
    return result


def retire_workers(name: str, *arguments: Any, **options: Any) -> None:
    """End the processes of a changed Lambda; busy ones end after their work, as on AWS.

    The emulator would end them at once: a job would wait until its message is received again, and
    lose an attempt.
    """
    with lambda_runtime._lock:
        for key, pool in lambda_runtime._workers.items():
            if key.split(":")[2] == name:
                _retired.extend(worker for worker in pool if worker.in_use)
                pool[:] = [worker for worker in pool if not worker.in_use]
    _end_workers(name, *arguments, **options)


def release_worker(worker: Worker | None) -> None:
    """Release a process for the next invocation, or end it if it is retired."""
    _release_worker(worker)
    if worker is not None and worker in _retired:
        _retired.remove(worker)
        worker.kill()


def count_retired() -> Counter[str]:
    """Return the number of busy retired processes of each Lambda."""
    return Counter(worker.func_name for worker in _retired if worker.in_use)


# ── layers ────────────────────────────────────────────────────────────────────────────────────

_pointers: dict[str, bytes | None] = {}
_unpacking = threading.Lock()


def layer_or_pointer(attachment: Any) -> bytes | None:
    """Return a layer that only points to a folder, which all processes share.

    The emulator would unpack the layer for each process: large packages take seconds.
    """
    arn = attachment if isinstance(attachment, str) else attachment.get("Arn", "")
    with _unpacking:
        if arn not in _pointers:
            content = _layer_content(attachment)
            _pointers[arn] = None if content is None else _make_pointer(content)
        return _pointers[arn]


def _make_pointer(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as layer:
        if any(not re.match("python/(?!lib/)", name) for name in layer.namelist()):
            return content  # it has more than modules
        folder = tempfile.mkdtemp(prefix="layer-")
        layer.extractall(folder)
    pointer = io.BytesIO()
    with zipfile.ZipFile(pointer, "w") as archive:  # Python executes a line of a .pth that imports
        line = f"import sys; sys.path.insert(0, {folder + '/python'!r})"
        archive.writestr("python/lib/python3/site-packages/layer.pth", line)
    return pointer.getvalue()


# ── alarms and policies ───────────────────────────────────────────────────────────────────────


def make_alarm_of_first_metric(name: str, alarm: dict[str, Any]) -> Any:
    """Make an alarm on several metrics an alarm on the first: the emulator refuses several."""
    first = next((m["MetricStat"] for m in alarm.get("Metrics", ()) if "MetricStat" in m), None)
    if first is not None:
        others = {k: v for k, v in alarm.items() if k != "Metrics"}
        alarm = others | first["Metric"] | {"Period": first["Period"], "Statistic": first["Stat"]}
    return _make_alarm(name, alarm)


def context_with_leading_keys(body: bytes) -> dict[str, Any]:
    """Return IAM's context with the partitions of a request, as on AWS: policies refer to them."""
    context: dict[str, Any] = _table_context(body)
    if context:  # otherwise it is not a valid request, and the table reports that
        request = json.loads(body or b"{}")
        if keys := [*item_partitions(request), *query_partitions(request)]:
            context["dynamodb:LeadingKeys"] = keys
    return context


def item_partitions(part: Any) -> Iterator[str]:
    """Yield the partitions of all keys and items in a request, a batch or a transaction."""
    if isinstance(part, dict) and isinstance(part.get("PK"), dict):
        yield from part["PK"].values()
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from item_partitions(inner)


def query_partitions(request: dict[str, Any]) -> Iterator[str]:
    """Yield the partition of a query."""
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    condition = request.get("KeyConditionExpression", "")
    for name, value in re.findall(r"(#?\b\w++)\s*+=\s*+(:\w++)", condition):
        if names.get(name, name) == "PK":
            yield from values[value].values()


# ── SAM's transform ───────────────────────────────────────────────────────────────────────────

_parameters: ContextVar[dict[str, Any]] = ContextVar("parameters")


def apply_transforms(template: Any, provided: Any = None, previous: Any = None) -> Any:
    """Transform a template with its stack's parameters: the emulator would use their defaults."""
    _parameters.set(engine._transform_parameters(template, provided, previous))
    return _apply_transforms(template, provided, previous)


def transform_with_parameters(template: Any, _none: Any, *policies: Any) -> Any:
    return _transform(template, _parameters.get(), *policies)
