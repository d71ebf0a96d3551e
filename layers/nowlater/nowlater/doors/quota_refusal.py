"""The refusal of a request by an owner's quota, until an instant."""

from dataclasses import dataclass

from nowlater.instants import Instant, whole_seconds_until
from nowlater.problems import Problem, ProblemName


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why an owner's requests are refused until an instant.

    Responses carry RateLimit fields (draft-ietf-httpapi-ratelimit-headers-11).
    """

    problem: ProblemName
    detail: str
    until: Instant
    #: The quota's name, and the parameters of its policy, as an Item of RateLimit-Policy.
    quota: str
    policy: str
    #: What remains of the quota: less than the request needs.
    remaining: int = 0

    def to_problem(self, now: Instant) -> Problem:
        """Return the refusal as a problem, with the seconds from now until it ends."""
        wait_s = max(1, whole_seconds_until(self.until, now))
        headers = {
            "Retry-After": str(wait_s),
            "RateLimit": f'"{self.quota}";r={self.remaining};t={wait_s}',
            "RateLimit-Policy": f'"{self.quota}";{self.policy}',
        }
        return Problem(self.problem, self.detail, headers=headers)
