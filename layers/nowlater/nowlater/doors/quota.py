"""An owner's quotas: how fast it may submit, how many of its jobs may be unfinished, what it may upload.

They are told by RateLimit fields (draft-ietf-httpapi-ratelimit-headers-11). Those of jobs are approximate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nowlater.instants import DAY_S, Instant, after, to_rfc3339, whole_seconds_until
from nowlater.jobs import ids, model
from nowlater.problems import Problem, ProblemName

#: Of an owner's submits in one Lambda, the first is looked at, and then one in so many.
ONE_IN = 10
#: For so many seconds it is remembered that many jobs wait: too many, or not yet.
PAUSE_S = 10
#: A pace is measured over at least so many jobs.
_LEAST_MEASURED = 100

#: Ids and statuses of jobs of one owner and shard, newest first.
type Newest = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Pace:
    """So many jobs may come in so many seconds."""

    jobs: int
    window_s: int


@dataclass(frozen=True)
class Refusal:
    """What an owner is told until an instant."""

    problem: ProblemName
    detail: str
    until: Instant
    #: The quota's name, and its policy as an Item of RateLimit-Policy.
    policy: tuple[str, str]
    #: What is left of it, which is less than what was asked for.
    left: int = 0

    def told(self, now: Instant) -> Problem:
        """Return the problem that tells it now."""
        left_s = max(1, whole_seconds_until(self.until, now))
        name, parameters = self.policy
        headers = {
            "Retry-After": str(left_s),
            "RateLimit": f'"{name}";r={self.left};t={left_s}',
            "RateLimit-Policy": f'"{name}";{parameters}',
        }
        return Problem(self.problem, self.detail, headers=headers)


def pace(a_second: int) -> Pace:
    """Return a rate as a pace that whole seconds can tell: 3 a second are 102 in 34 seconds."""
    window_s = math.ceil(_LEAST_MEASURED / a_second)
    return Pace(a_second * window_s, window_s)


def share(quota: int, shards: int) -> int:
    """Return what of a quota falls to one shard: an owner's jobs are spread evenly, by chance."""
    return math.ceil(quota / shards)


def too_fast(allowed: Pace, newest: Newest, now: Instant, shards: int = 1) -> Refusal | None:
    """Return a refusal where a shard's newest jobs came faster than is allowed.

    It lasts until one of them is old enough for another to come.
    """
    most = share(allowed.jobs, shards)
    if len(newest) < most:
        return None
    until = min(
        after(ids.time_of(newest[most - 1][0]), allowed.window_s), after(now, allowed.window_s)
    )
    if until <= now:
        return None
    return Refusal(
        "too-many-requests",
        f"You may submit {allowed.jobs:,} jobs in {allowed.window_s} s.",
        until,
        ("submits", f"q={allowed.jobs};w={allowed.window_s}"),
    )


def too_many(allowed: int, now: Instant) -> Refusal:
    """Return the refusal of an owner who has as many unfinished jobs as it may have."""
    return Refusal(
        "too-many-jobs",
        f"You may have {allowed:,} unfinished jobs: wait until some have ended, or cancel some.",
        after(now, PAUSE_S),
        ("unfinished-jobs", f'q={allowed};qu="concurrent-requests"'),
    )


def too_much(allowed: int, left: int, until: Instant) -> Refusal:
    """Return the refusal of an upload that is larger than what an owner has left of its bytes a day."""
    return Refusal(
        "too-many-uploads",
        f"You may upload {allowed:,} bytes a day, and have {left:,} left until {to_rfc3339(until)}: "
        "wait until then. Who runs the API can allow more (OwnerUploads).",
        until,
        ("uploads", f'q={allowed};qu="content-bytes";w={DAY_S}'),
        left,
    )


def unfinished(page: Newest) -> int:
    """Return how many of these jobs have not ended."""
    return sum(status in model.UNFINISHED for _, status in page)
