"""The description of each operation of the OpenAPI document: what a call does, and when to use it."""

from nowlater.api.routes import Route
from nowlater.doors.sync import LONGEST_S

_FOLLOW = (
    "Then repeat `GET /jobs/{id}` after the number of seconds in `Retry-After`, until `status` is "
    "`succeeded`, `failed` or `canceled`; `GET /jobs/{id}/result` returns the result."
)
_KEY = "Send an `Idempotency-Key`: a repeated request then returns the same job instead of a second one."
_DOORS = {
    "sync": "This is the sync door: it runs the operation while you wait, and responds 200 with the "
    f"result itself. Nothing is stored. A run is stopped with 504 after {LONGEST_S} seconds, or after "
    "the operation's own limit if that is shorter.",
    "async": "This is the async door: it accepts and stores a job that will end, and "
    "responds 202 with the job at once. Use it for long operations, or when you do not need the "
    f"result now. {_FOLLOW} {_KEY}",
    "hybrid": "This is the hybrid door: it accepts a job, runs it at once, and waits for it: 10 "
    "seconds, or the number of seconds in `Prefer: wait=N` (at most 25). 200 is the result itself; "
    f"202 is the job, which has not ended in time and continues. {_FOLLOW} {_KEY}",
}
_CALLS = {
    "listJobs": "A page of your jobs that meet all given conditions. Follow `next` until it is null: "
    "a page can have fewer jobs than `limit`. The list can be a second behind.",
    "countJobs": "How many of your jobs there are by status and operation, and with `interval` by the time "
    "of their acceptance. One call reads a bounded number of records, the newest first: if `complete` is "
    "false, repeat it with `until` set to `since`, and add the counts.",
    "listLanes": "What waits and runs in the two lanes: about how many jobs of all owners, and your own. It "
    "can be 10 seconds old.",
    "getJob": "The job's current state. Repeat the request after the number of seconds in "
    "`Retry-After`, until `status` is `succeeded`, `failed` or `canceled`. With `Prefer: wait=N` the "
    "response comes when the status changes; with `If-None-Match` an unchanged job is 304.",
    "getResult": "The result of a job that has succeeded, in the form in which the sync door returns "
    "it. A large result is 303: `Location` is a URL that works for 5 minutes; do not send your key "
    "there. An unfinished job is 202 with the job; a failed or canceled one is 409 with the reason.",
    "getEvents": "The job as server-sent events, for an `EventSource`. Each response has at most one "
    "event, the job's current state, and then ends; the client reconnects by itself with "
    "`Last-Event-ID`. After the job's end was received the response is 204, and the client stops.",
    "cancelJob": "Ends an unfinished job as `canceled`, and returns it. No attempt starts after that. "
    "You can repeat the request; a job that has succeeded or failed is 409.",
    "retryJob": "Makes a new job with the input, tags, `retention` and `callback` of a job that has "
    f"ended; `retry_of` is that job's id. It starts at once, without a deadline of yours. {_KEY}",
    "eraseJob": "Deletes an ended job with its input and its result; requests for it are 410 from then "
    "on. Uploads remain. An unfinished job is 409: cancel it first.",
    "listAllDeliveries": "A page of the deliveries of your ended jobs, those of the newest job first. Follow "
    "`next` until it is null: a page can be short or empty.",
    "listDeliveries": "Each webhook for the job's callback, with its delivery attempts: status, "
    "failure, time. They are stored for 14 days.",
    "replayDelivery": "Sends a webhook again, under the same `webhook-id`, whatever its state: a "
    "waiting one now; one that was delivered or given up with attempts for three more days.",
    "getSecret": "The secret that signs your webhooks to a host, for a library of Standard Webhooks, "
    "and the earlier secrets that still sign too. Each owner has a different secret for each host.",
    "rotateSecret": "Makes new secrets for all hosts. The old ones sign too for a day: get the new "
    "ones and configure your receivers within that time.",
    "createUpload": "For an input that is larger than a door accepts. The response has the request "
    "that uploads the file, which works for 5 minutes and without your key, and `use`, the value to "
    "send where an operation takes a file. An upload is stored for 70 days.",
    "listOperations": "All operations, each with its description, its doors and the URL of its schema.",
    "getOperation": "An operation's description, the JSON Schemas of its input and result, its doors, "
    "its limits, and its past run times.",
    "getProblem": "What a kind of problem means: the page that the `type` of an error links to.",
    "getHealth": "200 if the API responds. Nothing else is checked. No key is needed.",
    "getOpenApi": "This document: OpenAPI 3.1, with a path for each operation at each of its doors.",
    "getAsyncApi": "The completion events of jobs, on the SNS topic and as webhooks: AsyncAPI 3.",
    "getDocs": "A page that shows this document in a browser, where you can try calls with a key.",
    "getDocsFile": "A script, a style or an image of the page at `/docs`.",
    "getConsole": "A page to follow jobs and try operations in a browser, with a key.",
    "getConsoleFile": "A script, a style or an image of the console. Browsers keep it for a year: its "
    "URL has the console's version.",
}


def describe_route(route: Route) -> str:
    """Return what a route that is not a door does."""
    return _CALLS[route.id]


def describe_door(route: Route, operation: str) -> str:
    """Return what an operation, given its description, does at a door."""
    return f"{operation}\n\n{_DOORS[route.id]}"
