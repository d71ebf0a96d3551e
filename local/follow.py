"""Shows what happens in a local stack: each notification, and each error that a Lambda logs."""

import contextlib
import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.stack import Stack


class Notifications:
    """Subscribes a queue of its own to the topic, and shows what it receives."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.client("sqs")
        topic = stack.outputs["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName="notifications-shown")["QueueUrl"]
        wanted = ["QueueArn"]
        got = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=wanted)
        arn = got["Attributes"]["QueueArn"]
        self._sqs.set_queue_attributes(
            QueueUrl=self._queue, Attributes={"Policy": _may_send(arn, topic)}
        )
        stack.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator has ended
            while True:
                self._receive()

    def _receive(self) -> None:
        got = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=10
        )
        for message in got.get("Messages", []):
            print(_line(json.loads(message["Body"])), flush=True)
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])


class Errors:
    """Shows the traceback of each error in the Lambdas' log."""

    def __init__(self, stack: Stack) -> None:
        self._logs = stack.client("logs")
        self._group = stack.outputs["LogGroupName"]
        self._since = int(time.time() * 1000)
        self._seen: set[str] = set()

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator has ended
            while True:
                self._look()
                time.sleep(1)

    def _look(self) -> None:
        got = self._logs.filter_log_events(logGroupName=self._group, startTime=self._since)
        for event in got["events"]:
            for line in event["message"].splitlines():
                if line not in self._seen:
                    self._seen.add(line)
                    _show_error(line)


def _show_error(line: str) -> None:
    try:
        said = json.loads(line)
    except ValueError:
        return
    if isinstance(said, dict) and said.get("level") == "ERROR":
        print(f"error: {said.get('message')} {said.get('job_id', '')}", flush=True)
        print(said.get("exception", ""), flush=True)


def _line(event: dict[str, Any]) -> str:
    job = event["data"]
    error = f": {job['error']['detail']}" if job["error"] else ""
    return f"notification  {job['ended']}  {job['operation']} {job['id']} {job['status']}{error}"


def _may_send(queue: str, topic: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
