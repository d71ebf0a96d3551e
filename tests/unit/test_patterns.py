"""The code of docs/patterns.md for long jobs, large files, containers and fragile backends, on moto."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from nowlater import Context, Refused, Unavailable
from tests import snippets

type Load = Callable[[str], Any]

REGION = "eu-central-1"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Return modules of the page, in an account of their own."""
    snippets.write("patterns.md", tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    def loaded(name: str) -> Any:
        path = tmp_path / "operations" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"patterns_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    with mock_aws():
        yield loaded


def table(name: str, key: str) -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def context(*, seconds: float = 60, job: str = "a job") -> Context:
    return Context(deadline=int((time.time() + seconds) * 1000), idempotency_key=job)


# ── long jobs ─────────────────────────────────────────────────────────────────────────────────


def test_a_long_job_continues_where_its_last_attempt_stopped(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATES", "states")
    states, long = table("states", "job"), load("long")
    late = context(seconds=40)
    looks = iter([time.time()] * 7)  # after seven numbers, the run has less than half a minute left
    clock = SimpleNamespace(time=lambda: next(looks, time.time() + 15))
    monkeypatch.setattr(long, "time", clock)
    with pytest.raises(Unavailable):
        long.sum_up(10**9, late)
    saved = states.get_item(Key={"job": "a job"})["Item"]
    stop = int(saved["next"]) + 5

    assert saved["next"] == 7
    assert saved["sum"] == saved["next"] * (saved["next"] - 1) / 2
    monkeypatch.setattr(long, "time", time)
    assert long.sum_up(stop, context()) == stop * (stop - 1) // 2
    assert long.sum_up(4, context(job="another")) == 6


# ── large files ───────────────────────────────────────────────────────────────────────────────


def test_a_model_is_downloaded_once_and_only_if_it_is_whole(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODELS", "models")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="models", Key="v1/model.onnx", Body=b"12345")
    models = load("models")
    with pytest.raises(Unavailable, match="has 5 bytes, not 6"):
        models.model("v1/model.onnx", 6)
    assert list(tmp_path.glob("v1*")) == []

    path = models.model("v1/model.onnx", 5)
    s3.delete_object(Bucket="models", Key="v1/model.onnx")
    assert path.read_bytes() == b"12345"
    assert models.model("v1/model.onnx", 5) == path


# ── containers ────────────────────────────────────────────────────────────────────────────────


def render(load: Load, monkeypatch: pytest.MonkeyPatch, *tasks: dict[str, Any]) -> Any:
    """Run the operation with answers of ECS, which botocore compares with its service model."""
    for name in ("CLUSTER", "TASK", "SCENES"):
        monkeypatch.setenv(name, name.lower())
    ecs, module = boto3.client("ecs"), load("render")
    monkeypatch.setattr(module.boto3, "client", lambda _: ecs)
    command = {"name": "render", "command": ["a scene", "a job"]}
    wanted = {"cluster": "cluster", "taskDefinition": "task", "clientToken": "a job"}
    wanted |= {"overrides": {"containerOverrides": [command]}}
    with Stubber(ecs) as stub:
        started = [{"taskArn": "arn:task"}] if tasks else []
        stub.add_response("run_task", {"tasks": started, "failures": []}, wanted)
        for task in tasks:
            asked = {"cluster": "cluster", "tasks": ["arn:task"]}
            stub.add_response("describe_tasks", {"tasks": [task]}, asked)
        return module.render("a scene", context())


def test_a_container_is_started_and_looked_at(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = {"lastStatus": "STOPPED", "stoppedReason": "Essential container exited"}
    with pytest.raises(Unavailable, match="no room"):
        render(load, monkeypatch)
    with pytest.raises(Unavailable, match="runs") as raised:
        render(load, monkeypatch, {"lastStatus": "RUNNING"})
    assert raised.value.retry_after == 15
    with pytest.raises(Refused, match="ended with 3: Essential"):
        render(load, monkeypatch, stopped | {"containers": [{"exitCode": 3}]})

    done = render(load, monkeypatch, stopped | {"containers": [{"exitCode": 0}]})
    assert done == "s3://scenes/a job"


# ── fragile backends ──────────────────────────────────────────────────────────────────────────


def test_no_more_runs_than_slots_use_a_backend_at_once(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTS", "slots")
    table("slots", "slot")
    slot = load("slots").slot
    with ExitStack() as held:
        held.enter_context(slot("mainframe", 2, context()))
        with slot("mainframe", 2, context()):
            with pytest.raises(Unavailable, match="All 2 slots of mainframe"):
                held.enter_context(slot("mainframe", 2, context()))
            held.enter_context(slot("another", 1, context()))
        held.enter_context(slot("mainframe", 2, context()))  # that of the run that has ended


def test_the_slot_of_a_run_that_died_is_free_after_its_time(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTS", "slots")
    rows, slots = table("slots", "slot"), load("slots")
    with slots.slot("mainframe", 1, context(seconds=-11)):  # it should have ended a second ago
        with slots.slot("mainframe", 1, context()):
            holder = rows.scan()["Items"][0]["holder"]
        assert rows.scan()["Items"] == []
        with ExitStack() as held:
            held.enter_context(slots.slot("mainframe", 1, context()))
            (other,) = rows.scan()["Items"]
            assert other["holder"] != holder
            going_on = held.pop_all()  # while the run that was late ends
    assert rows.scan()["Items"] == [other]
    going_on.close()
    assert rows.scan()["Items"] == []
