"""JSON Schemas of what the API answers with, whatever the operation."""

from described.parts import Schema, array, number, or_null, record, ref, text, text_map, time, url
from nowlater.jobs import model
from nowlater.runtime.definition import DOORS

#: Where the document's links start; Describe writes the caller's own base in its place.
BASE = "https://nowlater.invalid"

STATUSES = [*model.UNFINISHED, *model.ENDED]
JOB_ID = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
NAME = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
UPLOAD_ID = "^[0-9a-f]{32}$"

_LINKS = {
    "self": "The job itself.",
    "result": "Its result.",
    "events": "Its status as server-sent events.",
    "cancel": "POST here to end it.",
    "retry": "POST here to ask again.",
}


def of_answers() -> dict[str, Schema]:
    """Return the schemas by the names that references give them."""
    return {
        "Job": _job(),
        "Links": record("Absolute URLs.", **{name: url(what) for name, what in _LINKS.items()}),
        "Progress": _progress(),
        "Estimate": _estimate(),
        "JobPage": record(
            "A page of jobs.",
            jobs=array("Jobs, newest first.", ref("Job"), maxItems=100),
            next=or_null(url("Where the list goes on; null at its end.")),
        ),
        "Operation": _operation(),
        "OperationList": record(
            "All operations.", operations=array("By name.", ref("OperationInShort"))
        ),
        "OperationInShort": record(
            "An operation, without its schemas.",
            name=text("Its name.", pattern=NAME),
            description=text("What it does."),
            doors=array("The doors at which it is served.", text(enum=list(DOORS))),
            url=url("Its description."),
        ),
        "Upload": _upload(),
        "Download": record(
            "Where a large result lies.",
            url=url("A presigned URL that works for 5 minutes; send no key along."),
            media_type=text("The result's type."),
        ),
        "ProblemKind": record(
            "What a kind of problem means.",
            type=url("What identifies it."),
            title=text("What it means, for people."),
            status=number("Of a direct answer.", "integer", minimum=400, maximum=599),
            phrase=text("The status in words."),
        ),
        "Health": record("That the API answers.", status=text("Always the same.", const="ok")),
    }


def _job() -> Schema:
    times = {
        "created": time("When it was accepted."),
        "updated": time("When its status or its progress last changed."),
        "started": or_null(time("When its latest attempt started.")),
        "ended": or_null(time("When it ended; null while unfinished.")),
        "start_at": or_null(time("The start that was asked for.")),
        "deadline": time("Its deadline, or the bound of a flexible job."),
        "expires": or_null(time("Until when the ended job can be read.")),
    }
    return record(
        "A request that was accepted, and what has become of it.",
        id=text("A UUID that sorts by time.", pattern=JOB_ID),
        operation=text("The operation's name.", pattern=NAME),
        status=text("Never another than these six.", enum=STATUSES),
        attempt=number("How many attempts were started.", "integer", minimum=0),
        **times,
        progress=or_null(
            ref("Progress"), "What the operation last said; null before it has said anything."
        ),
        estimate=or_null(
            ref("Estimate"), "When it will probably have ended; null where nothing tells."
        ),
        at_risk={"type": "boolean", "description": "Whether the deadline will probably be missed."},
        tags=text_map("Yours, as the request has them."),
        retry_of=or_null(text("The job that this one repeats.", pattern=JOB_ID)),
        result={
            "description": "The result, if there is one of at most 16 KB; a file is "
            '`{"base64": …, "media_type": …}`.'
        },
        error=or_null(ref("Problem"), "Why it failed or was canceled; else null."),
        resourceLocation=or_null(
            url("The same as `links.result`, once it has succeeded: Azure's pollers look for it.")
        ),
        links=ref("Links"),
    )


def _progress() -> Schema:
    return record(
        "What the operation last said of this attempt; null once the job has succeeded.",
        fraction=or_null(number("How much is done.", minimum=0, maximum=1)),
        message=text("In the operation's words.", maxLength=256),
    )


def _estimate() -> Schema:
    rests_on = record(
        "What it is concluded from.",
        runs=number("The operation's earlier runs.", "integer", minimum=0),
        p50_s=or_null(number("Seconds that half of them took at most.")),
        p90_s=or_null(number("Seconds that nine tenths of them took at most.")),
        waiting=or_null(number("The jobs that wait for the same workers.", "integer", minimum=0)),
    )
    finish = time("When it will probably have ended.")
    return record("No promise: half of all jobs take longer.", finish=finish, rests_on=rests_on)


def _operation() -> Schema:
    limits = record(
        "How long and how often it is tried.",
        timeout_s=number("The longest that one attempt may run."),
        attempts=number("How often a job is tried.", "integer", minimum=1),
    )
    run_time = record(
        "How long it has taken.",
        runs=number("Attempts with which jobs succeeded.", "integer", minimum=0),
        p50_s=or_null(number("Seconds that half of them took at most.")),
        p90_s=or_null(number("Seconds that nine tenths of them took at most.")),
    )
    return record(
        "An operation, with all that is needed to call it.",
        name=text("Its name.", pattern=NAME),
        description=text("What it does."),
        input={"type": "object", "description": "The JSON Schema of its input."},
        result={"type": "object", "description": "The JSON Schema of its result."},
        doors=record(
            "The URLs of its doors: POST there.",
            optional=DOORS,
            **{door: url(f"Its {door} door.") for door in DOORS},
        ),
        limits=limits,
        run_time=run_time,
    )


def _upload() -> Schema:
    return record(
        "The request that puts the file there, once.",
        id=text("The upload's id.", pattern=UPLOAD_ID),
        method=text("The method of that request.", const="PUT"),
        url=url("Where to; send no key along."),
        headers=text_map("The headers of that request, all of them."),
        expires=time("Until when that works."),
        use=record(
            "What to send where the operation takes a file.",
            upload=text("The upload's id.", pattern=UPLOAD_ID),
        ),
    )
