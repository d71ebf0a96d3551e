"""The parts of a stack as callers see them: which Lambda serves a request, and where to look."""

import re

#: The Lambda that serves a request, by the first match; Describe serves all others.
_SERVED = (
    (r"POST /sync/[^/]+", "Sync"),
    (r"POST (/async/[^/]+|/jobs/[^/]+/retry|/uploads)", "Submit"),
    (r"POST /hybrid/[^/]+", "Hybrid"),
    (r"(GET|HEAD|POST) (/jobs/[^/]+/deliveries(/.*)?|/webhooks/secret(/rotate)?)", "Webhooks"),
    (r"(GET|HEAD) /deliveries", "Webhooks"),
    (r"(GET|HEAD|DELETE) /jobs(/[^/]+)?", "Status"),
    (r"(GET|HEAD) /lanes", "Status"),
    (r"(GET|HEAD) /jobs/[^/]+/(result|events)", "Status"),
    (r"POST /jobs/[^/]+/cancel", "Status"),
)

#: The event sources of Lambdas behind a queue or the stream; while one is disabled, no error shows.
_SOURCES = {
    "Work": ("WorkOnTime", "WorkFlexible"),
    "Notify": ("NotifyEnds",),
    "SendWebhooks": ("SendWebhooksWebhooks",),
}

_ELSEWHERE = {
    "Api": (
        "The HTTP API, or a CDN, firewall or proxy in front of it: it drops or changes something. To "
        "find out which, verify the stack's own address, its output ApiUrl."
    ),
    "PublicUrl": (
        "The stack's parameter PublicUrl, with which all links begin. If callers should use that "
        "address, verify it: URL=… with the address above. Otherwise deploy again with the right "
        "PublicUrl, or with an empty one: links then begin with the address of each request."
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
        "The topic: its policy, its key, and what Notify's role may do there. Or the queue that was "
        "subscribed: SNS may not send to it."
    ),
    "Time": (
        "Nothing in the stack: the time for all checks was over. Allow more: ARGS='--within 1800'."
    ),
}


def lambda_of(method: str, path: str) -> str:
    """Return the logical id of the Lambda that serves a request."""
    line = f"{method} {path.partition('?')[0]}"
    return next((name for route, name in _SERVED if re.fullmatch(route, line)), "Describe")


def advice(part: str) -> str:
    """Return where to look if a part of the stack does not work."""
    if part in _ELSEWHERE:
        return _ELSEWHERE[part]
    sources = " and ".join(_SOURCES.get(part, ()))
    enabled = f" Check that its event sources are enabled ({sources})." if sources else ""
    return (
        f"The Lambda {part}: its role, its log, its concurrency.{enabled} "
        f"Next steps: docs/operating.md#{part.lower()}alarm"
    )


def log_command(part: str) -> str | None:
    """Return the command in docs/operating.md that shows a Lambda's errors; None for another part."""
    if part in _ELSEWHERE:
        return None
    return f"""search_logs '{{ ($.function_name = "*-{part}-*") && ($.level = "ERROR") }}'"""
