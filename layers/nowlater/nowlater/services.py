"""What the use cases work with: one object, made by each Lambda, handed to each of them."""

from functools import cached_property
from typing import TYPE_CHECKING

from nowlater import settings, timing
from nowlater.catalogue import Catalogue

if TYPE_CHECKING:
    from nowlater.blobs import Bucket
    from nowlater.breaker import Breaker
    from nowlater.cache import Cache
    from nowlater.deliveries import Deliveries
    from nowlater.issuer import Issuer
    from nowlater.job import Lane
    from nowlater.owner_secrets import Changes
    from nowlater.queues import Depths, Queues
    from nowlater.quotas import Quotas
    from nowlater.runtimes import Runtimes
    from nowlater.store import Store
    from nowlater.table import Table
    from nowlater.topics import Topic
    from nowlater.vault import Vault
    from nowlater.workers import Workers


class Services:
    """The settings, the clock and the AWS services, each made when it is first asked for.

    `at_once` names those that every request needs: a Lambda starts fastest if it makes its
    clients as it is loaded, and pays nothing for those that it never uses.
    """

    def __init__(
        self,
        *at_once: str,
        environment: settings.Settings | None = None,
        clock: timing.Clock = timing.now,
    ) -> None:
        self.settings = environment or settings.from_environment()
        self.clock = clock
        for name in at_once:
            getattr(self, name)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(with_diagnostics=self.settings.diagnostics)

    @cached_property
    def table(self) -> "Table":
        from nowlater.table import Table

        return Table(self.settings.table)

    @cached_property
    def store(self) -> "Store":
        from nowlater.store import Store

        return Store(self.table)

    @cached_property
    def quotas(self) -> "Quotas":
        from nowlater.quotas import Quotas

        s = self.settings
        return Quotas(self.store, a_second=s.owner_rate, waiting=s.owner_waiting, shards=s.shards)

    @cached_property
    def runtimes(self) -> "Runtimes":
        from nowlater.runtimes import Runtimes

        return Runtimes(self.table, self._now)

    @cached_property
    def depths(self) -> "Depths":
        from nowlater.queues import Depths

        return Depths(self.queues, self._now)

    def _now(self) -> timing.Instant:
        return self.clock()  # as it is then: tests change it

    @cached_property
    def queues(self) -> "Queues":
        from nowlater.queues import Queues

        s = self.settings
        lanes: dict[Lane, str] = {"on-time": s.on_time_queue, "flexible": s.flexible_queue}
        return Queues(lanes, s.webhook_queue, s.dead_letter_queue)

    @cached_property
    def bucket(self) -> "Bucket":
        from nowlater.blobs import Bucket

        return Bucket(self.settings.bucket)

    @cached_property
    def workers(self) -> "Workers":
        from nowlater.workers import Workers

        return Workers(self.settings.worker)

    @cached_property
    def deliveries(self) -> "Deliveries":
        from nowlater.deliveries import Deliveries

        return Deliveries(self.table)

    @cached_property
    def breaker(self) -> "Breaker":
        from nowlater.breaker import Breaker

        return Breaker(self._now)

    @cached_property
    def vault(self) -> "Vault":
        from nowlater.vault import Vault

        return Vault(self.settings.master_secret)

    @cached_property
    def secret_counts(self) -> "Cache[Changes]":
        from nowlater.cache import Cache

        return Cache(self._now)

    @cached_property
    def issuer(self) -> "Issuer":
        from nowlater.issuer import Issuer

        return Issuer(self.settings.jwt_issuer, self._now)

    @cached_property
    def topic(self) -> "Topic":
        from nowlater.topics import Topic

        return Topic(self.settings.topic)
