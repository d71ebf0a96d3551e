"""What waits and runs in the two lanes: about how many messages of all owners, and an owner's own jobs."""

from typing import Any, get_args

from nowlater.instants import Instant, to_rfc3339
from nowlater.jobs import snapshot
from nowlater.jobs.filters import Filter
from nowlater.jobs.model import Job
from nowlater.lane import Lane
from nowlater.services import Services

_LANES: tuple[Lane, ...] = get_args(Lane.__value__)
_UNDER_WAY = Filter(statuses=("queued", "running"))


def lane_loads(services: Services, owner: str) -> dict[str, Any]:
    """Return both lanes as JSON types, at most ten seconds old."""
    return services.lane_loads.get(owner, lambda: _read(services, owner))


def _read(services: Services, owner: str) -> dict[str, Any]:
    found = snapshot.take(services, owner, _UNDER_WAY)
    return {
        "lanes": [_lane(services, lane, found.jobs) for lane in _LANES],
        "as_of": to_rfc3339(found.at),
        "complete": found.is_complete,
    }


def _lane(services: Services, lane: Lane, jobs: list[Job]) -> dict[str, Any]:
    messages = services.depths.of(lane)
    queued = [job for job in jobs if job.lane == lane and job.status == "queued"]
    running = [job for job in jobs if job.lane == lane and job.status == "running"]
    waiting_since = min(map(_could_start, queued), default=None)
    return {
        "lane": lane,
        "waiting": messages.visible,
        "in_flight": messages.in_flight,
        "delayed": messages.delayed,
        "concurrency": services.settings.concurrency[lane],
        "yours": {
            "queued": len(queued),
            "running": len(running),
            "waiting_since": None if waiting_since is None else to_rfc3339(waiting_since),
        },
    }


def _could_start(job: Job) -> Instant:
    """Return since when a queued job waits for a worker."""
    return max(job.created, job.not_before or 0)
