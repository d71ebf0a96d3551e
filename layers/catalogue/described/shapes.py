"""JSON Schemas of response bodies that do not depend on the operation."""

from typing import get_args

from described.parts import Schema, array, number, or_null, record, ref, text, text_map, time, url
from nowlater.jobs import model
from nowlater.jobs.attempts import MAX_ATTEMPTS, MAX_DETAIL, Outcome
from nowlater.lane import Lane
from nowlater.runtime.definition import DOORS
from nowlater.runtime.document import UPLOAD_ID

#: The base of the document's links; the Lambda Describe replaces it by the base that callers use.
BASE = "https://nowlater.invalid"

LANES = list(get_args(Lane.__value__))
STATUSES = [*model.UNFINISHED, *model.ENDED]
JOB_ID = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
NAME = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

_LINKS = {
    "self": "The job itself.",
    "result": "The job's result.",
    "events": "The job's status as server-sent events.",
    "cancel": "POST here to cancel the job.",
    "retry": "POST here to repeat the request as a new job.",
}


def response_schemas() -> dict[str, Schema]:
    """Return the schemas by their component names."""
    return {
        "Job": _job(),
        "Attempt": _attempt(),
        "Links": record("Absolute URLs.", **{name: url(text) for name, text in _LINKS.items()}),
        "Progress": _progress(),
        "Estimate": _estimate(),
        "JobPage": record(
            "A page of jobs.",
            jobs=array("Jobs, newest first.", ref("Job"), maxItems=100),
            next=or_null(url("The next page; null on the last one.")),
        ),
        "JobCounts": _counts(),
        "LaneList": _lanes(),
        "Operation": _operation(),
        "OperationList": record(
            "All operations.",
            operations=array("The operations, sorted by name.", ref("OperationInShort")),
        ),
        "OperationInShort": record(
            "An operation, without its schemas.",
            name=text("The operation's name.", pattern=NAME),
            description=text("What the operation does."),
            doors=array("The doors that serve the operation.", text(enum=list(DOORS))),
            url=url("The operation's full description."),
        ),
        "Upload": _upload(),
        "Download": record(
            "The place of a large result.",
            url=url("A presigned URL that works for 5 minutes; do not send your key there."),
            media_type=text("The result's media type."),
        ),
        "ProblemKind": record(
            "What a kind of problem means.",
            type=url("The identifier of the kind."),
            title=text("What the kind means, for people."),
            status=number("The status of a response with it.", "integer", minimum=400, maximum=599),
            phrase=text("The status in words."),
        ),
        "Health": record("The API responds.", status=text("Always the same.", const="ok")),
    }


def _job() -> Schema:
    times = {
        "created": time("When the job was accepted."),
        "updated": time("When its status or its progress last changed."),
        "started": or_null(time("When its latest attempt started.")),
        "ended": or_null(time("When the job ended; null while unfinished.")),
        "start_at": or_null(time("The start in the request.")),
        "deadline": time("The job's deadline; for a flexible job, the limit that the API sets."),
        "expires": or_null(time("Until when the ended job can be read.")),
    }
    return record(
        "An accepted request and its state.",
        id=text("A UUID that sorts by time.", pattern=JOB_ID),
        operation=text("The operation's name.", pattern=NAME),
        status=text("One of six; later versions add none.", enum=STATUSES),
        lane=text("Its lane: `on-time` if it has a deadline of yours.", enum=LANES),
        attempt=number("How many attempts were started.", "integer", minimum=0),
        attempts_left=number("How many more can be started.", "integer", minimum=0),
        not_before=or_null(time("A waiting job: no attempt starts before this.")),
        attempts=array("The latest attempts, oldest first.", ref("Attempt"), maxItems=MAX_ATTEMPTS),
        **times,
        progress=or_null(
            ref("Progress"), "The operation's latest progress report; null before the first one."
        ),
        estimate=or_null(
            ref("Estimate"), "When the job will probably end; null if that is not known."
        ),
        at_risk={"type": "boolean", "description": "Whether the deadline will probably be missed."},
        tags=text_map("The tags in the request."),
        retry_of=or_null(text("The id of the job that this one repeats.", pattern=JOB_ID)),
        result={
            "description": "The result, if there is one of at most 16 KB; a file is "
            '`{"base64": …, "media_type": …}`.'
        },
        error=or_null(ref("Problem"), "Why it failed or was canceled; else null."),
        resourceLocation=or_null(
            url("The same as `links.result` after success, for the pollers of Azure's SDKs.")
        ),
        links=ref("Links"),
    )


def _attempt() -> Schema:
    return record(
        "One run of the job's operation.",
        number=number("Its number, from 1.", "integer", minimum=1),
        started=or_null(time("When it started.")),
        ended=or_null(time("When it ended, or was found to be cut short; null while it runs.")),
        outcome=or_null(
            text(enum=list(get_args(Outcome.__value__))), "How it ended; null while it runs."
        ),
        detail=or_null(text("What was unavailable.", maxLength=MAX_DETAIL)),
    )


def _counts() -> Schema:
    group = record(
        "The jobs of one operation with one status.",
        **{"from": or_null(time("When their interval begins; null without `interval`."))},
        operation=text("The operation's name.", pattern=NAME),
        status=text("Their status.", enum=STATUSES),
        jobs=number("How many there are.", "integer", minimum=1),
    )
    return record(
        "Numbers of jobs.",
        counts=array("One for each group that has jobs.", group),
        since=or_null(time("All jobs accepted from here on are counted; null: from the first.")),
        until=time("No job accepted from here on is counted."),
        complete={"type": "boolean", "description": "Whether all jobs asked for are counted."},
    )


def _lanes() -> Schema:
    yours = record(
        "Your own jobs.",
        queued=number("How many wait for a worker.", "integer", minimum=0),
        running=number("How many run.", "integer", minimum=0),
        waiting_since=or_null(time("Since when the oldest waits; null if none waits.")),
    )
    lane = record(
        "A lane. The numbers of messages are approximate.",
        lane=text("Its name.", enum=LANES),
        waiting=number("Messages that a worker can receive now.", "integer", minimum=0),
        in_flight=number("Messages of jobs that run or wait for an attempt.", "integer", minimum=0),
        delayed=number("Messages of jobs that start later.", "integer", minimum=0),
        concurrency=number("How many of its jobs run at once.", "integer", minimum=1),
        yours=yours,
    )
    return record(
        "What waits and runs.",
        lanes=array("The two lanes.", lane, minItems=len(LANES), maxItems=len(LANES)),
        as_of=time("When this was so."),
        complete={
            "type": "boolean",
            "description": "Whether all of your jobs are counted, or only the newest.",
        },
    )


def _progress() -> Schema:
    return record(
        "The operation's latest report in this attempt; null after success.",
        fraction=or_null(number("The completed part.", minimum=0, maximum=1)),
        message=text("The operation's message.", maxLength=256),
    )


def _estimate() -> Schema:
    rests_on = record(
        "The data behind the estimate.",
        runs=number("The number of the operation's earlier runs.", "integer", minimum=0),
        p50_s=or_null(number("Their median run time, in seconds.")),
        p90_s=or_null(number("The 90th percentile of their run times, in seconds.")),
        waiting=or_null(
            number("The number of jobs that wait for the same workers.", "integer", minimum=0)
        ),
    )
    finish = time("When the job will probably end.")
    return record(
        "An estimate, not a guarantee: half of all jobs take longer.",
        finish=finish,
        rests_on=rests_on,
    )


def _operation() -> Schema:
    limits = record(
        "The limits of a job.",
        timeout_s=number("The most seconds that one attempt may run."),
        attempts=number("The most attempts of a job.", "integer", minimum=1),
    )
    run_time = record(
        "The operation's past run times.",
        runs=number("The number of successful attempts.", "integer", minimum=0),
        p50_s=or_null(number("Their median run time, in seconds.")),
        p90_s=or_null(number("The 90th percentile of their run times, in seconds.")),
    )
    return record(
        "An operation, with everything that a caller needs.",
        name=text("The operation's name.", pattern=NAME),
        description=text("What the operation does."),
        input={"type": "object", "description": "The JSON Schema of its input."},
        result={"type": "object", "description": "The JSON Schema of its result."},
        doors=record(
            "The URLs of the operation's doors; send POST requests there.",
            optional=DOORS,
            **{door: url(f"The URL of the {door} door.") for door in DOORS},
        ),
        limits=limits,
        run_time=run_time,
    )


def _upload() -> Schema:
    return record(
        "The request that uploads the file; it works once.",
        id=text("The upload's id.", pattern=UPLOAD_ID),
        method=text("The method of that request.", const="PUT"),
        url=url("The URL of that request; do not send your key there."),
        headers=text_map("All headers of that request."),
        expires=time("Until when the request works."),
        use=record(
            "The value to send where the operation takes a file.",
            upload=text("The upload's id.", pattern=UPLOAD_ID),
        ),
    )
