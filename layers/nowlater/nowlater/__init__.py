"""What an operation's module imports: the decorator, the context, files, and the two refusals."""

from nowlater.context import Context
from nowlater.document import Document
from nowlater.operation import operation
from nowlater.outcomes import Canceled, Refused, TimedOut, Unavailable

__all__ = [
    "Canceled",
    "Context",
    "Document",
    "Refused",
    "TimedOut",
    "Unavailable",
    "operation",
]
