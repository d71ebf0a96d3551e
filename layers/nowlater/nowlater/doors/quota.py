"""Quotas of an owner: the number of unfinished jobs, and the bytes of uploads.

Refusals carry RateLimit fields (draft-ietf-httpapi-ratelimit-headers-11). The quota of jobs is
approximate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nowlater.instants import DAY_S, Instant, after, to_rfc3339, whole_seconds_until
from nowlater.jobs import model
from nowlater.problems import Problem, ProblemName

#: Of an owner's submits in one Lambda, the first is checked, and then every tenth.
CHECK_EVERY = 10
#: For so many seconds a count of unfinished jobs is remembered, whether it was too many or not.
PAUSE_S = 10

#: Ids and statuses of jobs of one owner and shard, newest first.
type Newest = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Refusal:
    """Why an owner's requests are refused until an instant."""

    problem: ProblemName
    detail: str
    until: Instant
    #: The quota's name, and its policy as an Item of RateLimit-Policy.
    policy: tuple[str, str]
    #: What is left of the quota: less than the request needs.
    left: int = 0

    def to_problem(self, now: Instant) -> Problem:
        """Return the refusal as a problem, with the seconds that are left now."""
        left_s = max(1, whole_seconds_until(self.until, now))
        name, parameters = self.policy
        headers = {
            "Retry-After": str(left_s),
            "RateLimit": f'"{name}";r={self.left};t={left_s}',
            "RateLimit-Policy": f'"{name}";{parameters}',
        }
        return Problem(self.problem, self.detail, headers=headers)


def shard_share(quota: int, shards: int) -> int:
    """Return one shard's share of a quota: an owner's jobs are spread over the shards at random."""
    return math.ceil(quota / shards)


def too_many_jobs(allowed: int, now: Instant) -> Refusal:
    """Return the refusal of an owner whose quota of unfinished jobs is used up."""
    return Refusal(
        "too-many-jobs",
        f"You may have {allowed:,} unfinished jobs: wait until some have ended, or cancel some.",
        after(now, PAUSE_S),
        ("unfinished-jobs", f'q={allowed};qu="concurrent-requests"'),
    )


def too_many_uploads(allowed: int, left: int, until: Instant) -> Refusal:
    """Return the refusal of an upload larger than what is left of the owner's daily bytes."""
    return Refusal(
        "too-many-uploads",
        f"You may upload {allowed:,} bytes a day, and have {left:,} left until {to_rfc3339(until)}: "
        "wait until then. The operator of this API can allow more (OwnerUploads).",
        until,
        ("uploads", f'q={allowed};qu="content-bytes";w={DAY_S}'),
        left,
    )


def count_unfinished(jobs: Newest) -> int:
    """Return how many of these jobs have not ended."""
    return sum(status in model.UNFINISHED for _, status in jobs)
