"""The one logger: a JSON line per event, with owner and job, and never a payload."""

import logging
import traceback

from aws_lambda_powertools.logging import Logger

#: Of a failure that is logged: exceptions, each the cause of the next, and frames of each.
_MAX_CAUSES, _MAX_FRAMES = 10, 50

logger = Logger(service="nowlater", use_rfc3339=True)


def operation_failed(fault: BaseException) -> None:
    """Log that an operation failed, of which kind and where; at DEBUG, what its exception says too.

    That sentence is the operation's own, and may hold what it was given.
    """
    if logger.log_level <= logging.DEBUG:
        logger.error("operation_failed", exc_info=fault)
        return
    said = {"exception_name": type(fault).__name__, "exception": "".join(_trace(fault))}
    logger.error("operation_failed", extra=said)


def _trace(fault: BaseException) -> list[str]:
    """Return a traceback without a word of what was raised, the first cause first.

    Of deep recursion and of long chains it has the last: a line of the log has 256 KB at most.
    """
    parts: list[str] = []
    at: BaseException | None = fault
    seen = set[int]()
    while at is not None and id(at) not in seen and len(seen) < _MAX_CAUSES:
        seen.add(id(at))
        frames = traceback.format_tb(at.__traceback__, limit=-_MAX_FRAMES)
        parts[:0] = [*frames, f"{type(at).__module__}.{type(at).__qualname__}\n"]
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return parts
