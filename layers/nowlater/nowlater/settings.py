"""The settings of a deployment, read from environment variables that the template sets."""

import os
from collections.abc import Mapping

import msgspec

from nowlater.lane import Lane
from nowlater.outbound.targets import Rules


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Names of AWS resources, and values of the template's parameters."""

    table: str
    bucket: str
    topic: str
    on_time_queue: str
    flexible_queue: str
    #: The URL that links start with; empty: the domain of the request at API Gateway.
    public_url: str
    #: A job without a deadline fails if it has not ended this many seconds after it may start.
    flexible_within_s: int
    #: The timeout of the worker Lambda, in seconds.
    work_timeout_s: int
    diagnostics: bool
    shards: int
    #: The number of jobs of each lane that run at once.
    on_time_concurrency: int
    flexible_concurrency: int
    #: The ports that callbacks may use, separated by commas, and whether they may be on this machine.
    callback_ports: str
    loopback_callbacks: bool
    webhook_queue: str
    #: Quotas per owner: unfinished jobs, and GiB of uploads per day; 0: no quota.
    owner_waiting: int
    owner_uploads_gib: int
    #: The name of the secret from which owners' secrets are derived; set for Lambdas that sign.
    master_secret: str = ""
    #: The queue for unreadable messages; set for Lambdas that receive messages.
    dead_letter_queue: str = ""
    #: The name of the worker Lambda; set for the Lambda that invokes it.
    worker: str = ""
    #: The issuer whose JWTs are accepted beside API keys (empty: none), and the `aud` that they must
    #: have; set for the authorizer.
    jwt_issuer: str = ""
    jwt_audience: str = ""

    def __post_init__(self) -> None:
        if self.jwt_issuer and not self.jwt_audience:
            raise ValueError("a jwt_issuer needs a jwt_audience: its tokens may be for others")

    @property
    def callback_rules(self) -> Rules:
        """The rules for callback URLs."""
        ports = frozenset(int(port) for port in self.callback_ports.split(","))
        return Rules(ports, self.loopback_callbacks)

    @property
    def concurrency(self) -> dict[Lane, int]:
        """The number of jobs of each lane that run at once."""
        return {"on-time": self.on_time_concurrency, "flexible": self.flexible_concurrency}


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `NOWLATER_TABLE` etc.; raises msgspec.ValidationError that names a missing setting."""
    prefix = "NOWLATER_"
    values = {
        k.removeprefix(prefix).lower(): v for k, v in environment.items() if k.startswith(prefix)
    }
    return msgspec.convert(values, Settings, strict=False)
