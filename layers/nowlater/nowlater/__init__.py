"""The names that operations import: the decorator, the context, files, and the exceptions."""

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
