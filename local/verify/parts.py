"""The parts of a stack by what a caller sees of them: which Lambda answers, and where to look."""

import re

#: Who answers a request; the first that matches. What no other route takes, Describe answers.
_SERVED = (
    (r"POST /sync/[^/]+", "Sync"),
    (r"POST (/async/[^/]+|/jobs/[^/]+/retry|/uploads)", "Submit"),
    (r"POST /hybrid/[^/]+", "Hybrid"),
    (r"(GET|HEAD|POST) (/jobs/[^/]+/deliveries(/.*)?|/webhooks/secret(/rotate)?)", "Webhooks"),
    (r"(GET|HEAD|DELETE) /jobs(/[^/]+)?", "Status"),
    (r"(GET|HEAD) /jobs/[^/]+/(result|events)", "Status"),
    (r"POST /jobs/[^/]+/cancel", "Status"),
)

#: What feeds a Lambda that is behind a queue or the stream; where it is off, nothing fails.
_SOURCES = {
    "Work": ("WorkOnTime", "WorkFlexible"),
    "Notify": ("NotifyEnds",),
    "SendWebhooks": ("SendWebhooksWebhooks",),
}

_ELSEWHERE = {
    "Api": (
        "The HTTP API, or what stands before it (a CDN, a firewall, a proxy of yours): something is "
        "not passed on. To tell which, verify the stack's own address, its output ApiUrl."
    ),
    "PublicUrl": (
        "The stack's parameter PublicUrl, which all links begin with. If callers are to use "
        "that address, verify it: URL=… of the line above. Else deploy again with the right "
        "PublicUrl, or with an empty one: links then begin with whatever the caller used."
    ),
    "Bucket": (
        "The bucket: its policy, and what the roles of Submit and Status may do there (a "
        "presigned URL can do no more than the role that made it)."
    ),
    "WebOrigins": (
        "The stack's parameter WebOrigins (CORS): it must name the origin just as a "
        "browser sends it, with its scheme and without a slash at the end."
    ),
    "Topic": (
        "The topic: its policy, its key, and what Notify's role may do there. Else the queue "
        "that was subscribed: SNS may not send to it."
    ),
    "Time": (
        "Nothing in the stack: the time for all checks was over. Give more: ARGS='--within 1800'."
    ),
}


def lambda_of(method: str, path: str) -> str:
    """Return the logical id of the Lambda that answers a request."""
    line = f"{method} {path.partition('?')[0]}"
    return next((name for route, name in _SERVED if re.fullmatch(route, line)), "Describe")


def advice(part: str) -> str:
    """Return where to look where something is wrong with a part of the stack."""
    if part in _ELSEWHERE:
        return _ELSEWHERE[part]
    sources = " and ".join(_SOURCES.get(part, ()))
    enabled = f" Is what feeds it enabled ({sources})?" if sources else ""
    return (
        f"The Lambda {part}: its role, its log, its concurrency.{enabled} "
        f"docs/operating.md#{part.lower()}alarm says how to go on."
    )


def command(part: str) -> str | None:
    """Return what shows a Lambda's errors, as docs/operating.md has it; None for another part."""
    if part in _ELSEWHERE:
        return None
    return f"""said '{{ ($.function_name = "*-{part}-*") && ($.level = "ERROR") }}'"""
