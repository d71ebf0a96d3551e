"""A release's digest, and which versions of a Lambda are deleted once it has replaced them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local import release


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "Work").mkdir()
    (tmp_path / "Work/app.py").write_text("one")
    return tmp_path


def test_the_digest_is_that_of_the_build_and_the_parameters(build: Path) -> None:
    first = release.digest({"Shards": "1"}, build)

    assert len(first) == 64
    assert release.digest({"Shards": "1"}, build) == first
    assert release.digest({"Shards": "1", "Release": first}, build) == first
    assert release.digest({"Shards": "2"}, build) != first
    (build / "Work/app.py").write_text("two")
    assert release.digest({"Shards": "1"}, build) != first
    (build / "Work/app.py").write_text("one")
    (build / "Work/app.py").rename(build / "Work/other.py")
    assert release.digest({"Shards": "1"}, build) != first


class Lambdas:
    """Lambda's API for the versions of one function, published so many minutes ago."""

    def __init__(self, minutes_ago: dict[str, int], live: str, other: str | None = None) -> None:
        now = datetime.now(UTC)
        self._versions = {
            v: (now - timedelta(minutes=m)).isoformat() for v, m in minutes_ago.items()
        }
        self._alias: dict[str, Any] = {"FunctionVersion": live}
        if other is not None:
            self._alias["RoutingConfig"] = {"AdditionalVersionWeights": {other: 0.1}}
        self.deleted: list[str] = []

    def get_alias(self, **_: str) -> dict[str, Any]:
        return self._alias

    def get_paginator(self, _name: str) -> Any:
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {"Versions": [{"Version": "$LATEST", "LastModified": "x"}]}
        for number, modified in reversed(self._versions.items()):
            yield {"Versions": [{"Version": number, "LastModified": modified}]}

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:  # noqa: N803 its names
        assert FunctionName == "arn:work"
        self.deleted.append(Qualifier)


def delete_of(lambdas: Lambdas) -> list[str]:
    stack: Any = SimpleNamespace(
        client=lambda _: lambdas,
        ids={"WorkAliaslive": "arn:work:live"},
        of_type=lambda _: [("WorkAliaslive", {"Name": "live"})],
    )
    assert release.delete_old_versions(stack) == len(lambdas.deleted)
    return lambdas.deleted


def test_the_version_in_use_and_the_one_before_stay() -> None:
    published = {"8": 900, "9": 800, "10": 700, "11": 600}

    assert delete_of(Lambdas(published, live="11")) == ["8", "9"]
    assert delete_of(Lambdas({"1": 900}, live="1")) == []
    assert delete_of(Lambdas({"1": 900, "2": 800}, live="2")) == []


def test_what_an_alias_names_stays() -> None:
    published = {"1": 900, "2": 800, "3": 700, "4": 600}

    assert delete_of(Lambdas(published, live="1", other="2")) == []


def test_what_may_still_run_stays() -> None:
    """A version's last run begins when its successor is published."""
    assert delete_of(Lambdas({"1": 900, "2": 30, "3": 20, "4": 0}, live="4")) == []
    assert delete_of(Lambdas({"1": 900, "2": 70, "3": 20, "4": 0}, live="4")) == ["1"]
