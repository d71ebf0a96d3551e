"""The dependencies of the use cases: each Lambda makes one `Services` and passes it to them."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nowlater import instants, settings, snapstart
from nowlater.runtime.catalogue import Catalogue

if TYPE_CHECKING:
    from nowlater.access.jwks import Issuer
    from nowlater.aws.bucket import Bucket
    from nowlater.aws.master_secret import MasterSecret
    from nowlater.aws.queues import Depths, Queues
    from nowlater.aws.table import Table
    from nowlater.cache import Cache
    from nowlater.doors.job_quota import JobQuota
    from nowlater.jobs.run_times import Runtimes
    from nowlater.jobs.store import Store
    from nowlater.lane import Lane
    from nowlater.notifications.delivery_store import Deliveries
    from nowlater.notifications.secrets import Changes
    from nowlater.notifications.topic import Topic
    from nowlater.outbound.circuit_breaker import Breaker
    from nowlater.worker.invoke import Workers


class Services:
    """The settings, the clock and the AWS clients; each client is made at its first use.

    `preload` uses the clients that every request needs: they are made at once, while the Lambda
    loads, so that no request waits for them.
    """

    def __init__(
        self,
        *,
        preload: Callable[["Services"], object] = lambda _: None,
        environment: settings.Settings | None = None,
        clock: instants.Clock = instants.now,
    ) -> None:
        self.settings = environment or settings.from_environment()
        self.clock = clock
        snapstart.prepare()
        preload(self)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(with_diagnostics=self.settings.diagnostics)

    @cached_property
    def table(self) -> "Table":
        from nowlater.aws.table import Table

        return Table(self.settings.table)

    @cached_property
    def store(self) -> "Store":
        from nowlater.jobs.store import Store

        return Store(self.table)

    @cached_property
    def job_quota(self) -> "JobQuota":
        from nowlater.doors.job_quota import JobQuota

        s = self.settings
        return JobQuota(self.store, allowed=s.owner_waiting, shards=s.shards)

    @cached_property
    def runtimes(self) -> "Runtimes":
        from nowlater.jobs.run_times import Runtimes

        return Runtimes(self.table, self._now)

    @cached_property
    def depths(self) -> "Depths":
        from nowlater.aws.queues import Depths

        return Depths(self.queues, self._now)

    @cached_property
    def lane_loads(self) -> "Cache[dict[str, Any]]":
        from nowlater.cache import Cache

        return Cache(self._now)

    def _now(self) -> instants.Instant:
        return self.clock()  # looked up at each call: tests replace the clock

    @cached_property
    def queues(self) -> "Queues":
        from nowlater.aws.queues import Queues

        s = self.settings
        lanes: dict[Lane, str] = {"on-time": s.on_time_queue, "flexible": s.flexible_queue}
        return Queues(lanes, s.webhook_queue, s.dead_letter_queue)

    @cached_property
    def bucket(self) -> "Bucket":
        from nowlater.aws.bucket import Bucket

        return Bucket(self.settings.bucket)

    @cached_property
    def workers(self) -> "Workers":
        from nowlater.worker.invoke import Workers

        return Workers(self.settings.worker)

    @cached_property
    def deliveries(self) -> "Deliveries":
        from nowlater.notifications.delivery_store import Deliveries

        return Deliveries(self.table)

    @cached_property
    def breaker(self) -> "Breaker":
        from nowlater.outbound.circuit_breaker import Breaker

        return Breaker(self._now)

    @cached_property
    def master_secret(self) -> "MasterSecret":
        from nowlater.aws.master_secret import MasterSecret

        return MasterSecret(self.settings.master_secret)

    @cached_property
    def secret_counts(self) -> "Cache[Changes]":
        from nowlater.cache import Cache

        return Cache(self._now)

    @cached_property
    def issuer(self) -> "Issuer":
        from nowlater.access.jwks import Issuer

        return Issuer(self.settings.jwt_issuer, self._now)

    @cached_property
    def topic(self) -> "Topic":
        from nowlater.notifications.topic import Topic

        return Topic(self.settings.topic)
