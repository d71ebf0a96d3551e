"""What each call does, and when to use it: the description of each operation of the document."""

from nowlater.api.routes import Route
from nowlater.doors.sync import LONGEST_S

_FOLLOW = (
    "Then ask `GET /jobs/{id}` again after as many seconds as `Retry-After` says, until `status` is "
    "`succeeded`, `failed` or `canceled`; `GET /jobs/{id}/result` has the result."
)
_KEY = "Send an `Idempotency-Key`: then a request that is sent again gives the same job, not a second one."
_DOORS = {
    "sync": "This is the sync door: it runs the operation while you wait, and answers 200 with the "
    f"result itself. Nothing is kept. A run that takes longer than {LONGEST_S} seconds, or than the "
    "operation allows, is ended: 504.",
    "async": "This is the async door: it accepts a job, which is kept and will end, and answers 202 "
    f"with the job at once. Use it for what takes long, or is not wanted now. {_FOLLOW} {_KEY}",
    "hybrid": "This is the hybrid door: it accepts a job, runs it at once, and waits for it: 10 "
    "seconds, or as many as `Prefer: wait=N` says (25 at most). 200 is the result itself; 202 is the "
    f"job, which was not done in time and goes on. {_FOLLOW} {_KEY}",
}
_CALLS = {
    "listJobs": "A page of your jobs. Jobs must meet all conditions that are given. Follow `next` "
    "until it is null: a page can have fewer jobs than `limit`. The list can lag a second behind.",
    "getJob": "The job as it is now. Ask again after as many seconds as `Retry-After` says, until "
    "`status` is `succeeded`, `failed` or `canceled`. With `Prefer: wait=N` the answer comes once the "
    "status changes; with `If-None-Match` an unchanged job is 304.",
    "getResult": "The result of a job that has succeeded, as the sync door would answer it. A large "
    "one is 303: `Location` is a URL that works for 5 minutes; send it no key. While the job is "
    "unfinished it is 202 with the job; where it failed or was canceled, 409 with the reason.",
    "getEvents": "The job as server-sent events, for an `EventSource`. Each answer has one event at "
    "most, the job as it is now, and ends; the client comes back by itself with `Last-Event-ID`. "
    "204 once it has seen the end: then it stops.",
    "cancelJob": "Ends an unfinished job as `canceled`, and answers with it. Nothing of it starts "
    "after that. Cancel as often as you like; a job that ended otherwise is 409.",
    "retryJob": "A new job with the input, tags, `retention` and `callback` of one that has ended; "
    f"`retry_of` names the old one. It starts at once, without a deadline of yours. {_KEY}",
    "eraseJob": "Deletes the input, the result and all else of an ended job; from then on it is 410. "
    "Uploads stay. An unfinished job is 409: cancel it first.",
    "listDeliveries": "Each webhook that was sent to the job's callback, with each try of it: status, "
    "failure, time. Kept for 14 days.",
    "replayDelivery": "Sends a webhook again, under the same `webhook-id`, whatever has come of it "
    "so far: a waiting one now, one that was delivered or given up with three more days of attempts.",
    "getSecret": "The secret that signs your webhooks at a host, for a library of Standard Webhooks, "
    "and those before it that still sign. Each owner and each host has another one.",
    "rotateSecret": "Makes new secrets for all hosts. For a day the old ones sign as well: get the "
    "new ones and give them to your receivers within that time.",
    "createUpload": "For an input that is larger than a door takes. The answer has the request with "
    "which to put the file, within 5 minutes and without your key, and `use`, which is what to send "
    "where an operation takes a file. An upload is kept for 70 days.",
    "listOperations": "All operations, each with its description, its doors and the URL of its schema.",
    "getOperation": "An operation's description, the JSON Schemas of its input and result, its doors, "
    "its limits, and how long it has taken.",
    "getProblem": "What a kind of problem means: this is the page that the `type` of an error leads to.",
    "getHealth": "200 where the API answers. Nothing else is checked. No key is needed.",
    "getOpenApi": "This document: OpenAPI 3.1, with a path for each operation at each of its doors.",
    "getAsyncApi": "The events that tell jobs' ends, on the SNS topic and as webhooks: AsyncAPI 3.",
    "getDocs": "A page that shows this document in a browser, where calls can be tried with a key.",
    "getDocsFile": "A script, a style or a picture of the page at `/docs`.",
}


def of_route(route: Route) -> str:
    """Return what a route that is no door does."""
    return _CALLS[route.id]


def of_door(route: Route, operation: str) -> str:
    """Return what an operation, by its description, does at a door."""
    return f"{operation}\n\n{_DOORS[route.id]}"
