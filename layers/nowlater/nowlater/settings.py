"""What a deployment is told by its environment; the template sets each of these."""

import os
from collections.abc import Mapping

import msgspec

from nowlater.lanes import Lane
from nowlater.outbound.targets import Rules


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The template's names and choices, as the Lambdas see them."""

    table: str
    bucket: str
    topic: str
    on_time_queue: str
    flexible_queue: str
    #: Empty: links start with the domain that API Gateway was called by.
    public_url: str
    #: Seconds after which a job without a deadline is given up.
    flexible_within_s: int
    #: The time-out of the worker Lambda, in seconds.
    work_timeout_s: int
    diagnostics: bool
    shards: int
    #: How many jobs of each lane run at once.
    on_time_concurrency: int
    flexible_concurrency: int
    #: The ports that callbacks may use, separated by commas, and whether they may be on this machine.
    callback_ports: str
    loopback_callbacks: bool
    webhook_queue: str
    #: What one owner may do: jobs that have not ended, and GiB of uploads a day; 0 is no quota.
    owner_waiting: int
    owner_uploads_gib: int
    #: The secret of which the owners' are made; told only to those who sign.
    master_secret: str = ""
    #: Where messages go that cannot be read; told only to those who receive any.
    dead_letter_queue: str = ""
    #: The worker Lambda; told only to the Lambda that calls it.
    worker: str = ""
    #: Whose JWTs are as good as keys (empty: nobody's), and the `aud` that they must have; told
    #: only to the authorizer.
    jwt_issuer: str = ""
    jwt_audience: str = ""

    def __post_init__(self) -> None:
        if self.jwt_issuer and not self.jwt_audience:
            raise ValueError("a jwt_issuer needs a jwt_audience: its tokens may be for others")

    @property
    def callback_rules(self) -> Rules:
        """What callbacks may be."""
        ports = frozenset(int(port) for port in self.callback_ports.split(","))
        return Rules(ports, self.loopback_callbacks)

    @property
    def concurrency(self) -> dict[Lane, int]:
        """How many jobs of each lane run at once."""
        return {"on-time": self.on_time_concurrency, "flexible": self.flexible_concurrency}

    @property
    def longest_attempt_s(self) -> int:
        """The most that an operation may take: the worker needs the rest for itself."""
        return self.work_timeout_s - 20


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `NOWLATER_TABLE` and so on; raises msgspec.ValidationError naming what is missing."""
    prefix = "NOWLATER_"
    given = {
        k.removeprefix(prefix).lower(): v for k, v in environment.items() if k.startswith(prefix)
    }
    return msgspec.convert(given, Settings, strict=False)
