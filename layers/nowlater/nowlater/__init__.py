"""What an operation's module imports: the decorator, the context, files, and the two refusals."""

from nowlater.runtime.context import Context
from nowlater.runtime.definition import operation
from nowlater.runtime.document import Document
from nowlater.runtime.exceptions import Canceled, Refused, TimedOut, Unavailable

__all__ = [
    "Canceled",
    "Context",
    "Document",
    "Refused",
    "TimedOut",
    "Unavailable",
    "operation",
]
