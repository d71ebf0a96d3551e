"""The end of a job as an event: CloudEvents 1.0 JSON that is also a Standard Webhooks payload."""

import msgspec

from nowlater.instants import to_rfc3339
from nowlater.jobs import view
from nowlater.jobs.model import Job
from nowlater.notifications.delivery import Webhook
from nowlater.notifications.topic import Message


def of_end(job: Job) -> Message:
    """Return the event of a job's end; it is the same to the byte each time it is built.

    The body is a CloudEvents structured-mode JSON object whose `data` is the job; its members
    `type`, `timestamp` and `data` are those of Standard Webhooks.
    """
    ended = to_rfc3339(job.ended or job.updated)
    body = {
        "specversion": "1.0",
        "id": f"{job.id}/{job.status}",
        "source": job.base,
        "type": f"nowlater.job.{job.status}",
        "subject": job.id,
        "time": ended,
        "timestamp": ended,
        "datacontenttype": "application/json",
        **({} if job.trace is None else {"traceparent": job.trace}),
        "data": view.representation(job),
    }
    attributes = {"status": job.status, "operation": job.operation, "owner": job.owner}
    return Message(_without_noncharacters(msgspec.json.encode(body).decode()), attributes)


def for_callback(job: Job, message: Message) -> Webhook | None:
    """Return the webhook of a job's end; None if its callback does not ask for that end."""
    if job.callback is None or job.status not in job.callback.events:
        return None
    return Webhook(
        owner=job.owner,
        job=job.id,
        url=job.callback.url,
        media_type=job.callback.media_type,
        event=f"{job.id}/{job.status}",
        body=message.body,
        base=job.base,
        since=job.ended or job.updated,
    )


def _without_noncharacters(text: str) -> str:
    """Escape the two characters that JSON allows and SNS and SQS refuse."""
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
