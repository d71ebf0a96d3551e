"""Job ids: UUIDs that sort by time, with the job's shard as their first digit."""

import re
import secrets
import uuid

from nowlater.instants import Instant

#: Ids name instants below this one, in the year 2527.
_END: Instant = 1 << 44
_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def new_id(now: Instant, shards: int = 1) -> str:
    """Return a new job id: the layout of a UUIDv7 (RFC 9562 §5.7).

    The first of its twelve digits of time is 0 until the year 2527, and holds the shard instead.
    """
    shard_and_time = secrets.randbelow(shards) << 44 | now & _END - 1
    high = shard_and_time << 16 | 7 << 12 | secrets.randbits(12)
    return str(uuid.UUID(int=high << 64 | 2 << 62 | secrets.randbits(62)))


def is_id(text: str) -> bool:
    """Tell whether a text has the form of a job's id."""
    return _FORM.fullmatch(text) is not None


def time_of(job_id: str) -> Instant:
    """Return the instant in a job's id: when its first request was accepted."""
    return int(job_id[1:8] + job_id[9:13], 16)


def from_time(shard: str, instant: Instant) -> str:
    """Return the text from which on the ids of a shard are of this instant or later."""
    digits = f"{min(max(instant, 0), _END - 1):011x}"
    return f"{shard}{digits[:7]}-{digits[7:]}"


def shard_of(job_id: str) -> str:
    """Return the shard, a hexadecimal digit, that stores the job with this id."""
    return job_id[0]
