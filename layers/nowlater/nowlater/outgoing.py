"""Messages on their way out, gathered into as many as SNS or SQS takes at once."""

from collections.abc import Iterable, Iterator
from typing import Protocol

#: So many messages, and so many bytes in all.
_BATCH, _BATCH_BYTES = 10, 256 * 1024


class Outgoing(Protocol):
    """A message that knows how many bytes it is."""

    @property
    def size(self) -> int: ...


def batches[T: Outgoing](messages: Iterable[T]) -> Iterator[list[T]]:
    """Yield the messages, in their order, in lists that can be sent at once."""
    batch, size = list[T](), 0
    for message in messages:
        if len(batch) == _BATCH or (batch and size + message.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield batch
