"""The one logger: a JSON line per event, with owner and job, never with a payload."""

import logging
import traceback

from aws_lambda_powertools.logging import Logger

#: Of a logged failure: the exceptions of its chain of causes, and the frames of each.
_MAX_CAUSES, _MAX_FRAMES = 10, 50

logger = Logger(service="nowlater", use_rfc3339=True)


def operation_failed(fault: BaseException) -> None:
    """Log an operation's failure: the exception's class and traceback; at DEBUG its text too.

    The operation wrote that text: it may contain parts of the input.
    """
    if logger.log_level <= logging.DEBUG:
        logger.error("operation_failed", exc_info=fault)
        return
    fields = {"exception_name": type(fault).__name__, "exception": "".join(_trace(fault))}
    logger.error("operation_failed", extra=fields)


def _trace(fault: BaseException) -> list[str]:
    """Return a traceback without the exceptions' texts, the first cause first.

    Deep recursion and long chains are cut to their last part: a log line has 256 KB at most.
    """
    parts: list[str] = []
    raised: BaseException | None = fault
    seen = set[int]()
    while raised is not None and id(raised) not in seen and len(seen) < _MAX_CAUSES:
        seen.add(id(raised))
        frames = traceback.format_tb(raised.__traceback__, limit=-_MAX_FRAMES)
        parts[:0] = [*frames, f"{type(raised).__module__}.{type(raised).__qualname__}\n"]
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    return parts
