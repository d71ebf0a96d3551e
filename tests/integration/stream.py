"""The table's stream, read as Lambda's event source reads it: what is new, and passes the filter."""

import json
from collections.abc import Iterator
from typing import Any

import boto3

from tests import stack


class Stream:
    """The records of the table's stream since the last look."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client = boto3.client("dynamodbstreams")
        self._iterators: dict[str, str] = {}
        notify = stack.template()["Resources"]["Notify"]["Properties"]
        filters = notify["Events"]["Ends"]["Properties"]["FilterCriteria"]["Filters"]
        self._patterns = [json.loads(f["Pattern"]) for f in filters]

    def ends(self) -> list[dict[str, Any]]:
        """Return the new records that the filter of Notify lets through."""
        return [r for r in self._new() if any(passes(r, p) for p in self._patterns)]

    def skip(self) -> None:
        """Begin with what comes from now on."""
        described = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]
        for name in (shard["ShardId"] for shard in described["Shards"]):
            got = self._client.get_shard_iterator(
                StreamArn=self._arn, ShardId=name, ShardIteratorType="LATEST"
            )
            self._iterators[name] = got["ShardIterator"]

    def _new(self) -> Iterator[dict[str, Any]]:
        for name, iterator in self._iterators.items():
            page = self._client.get_records(ShardIterator=iterator)
            self._iterators[name] = page["NextShardIterator"]
            yield from page["Records"]


def passes(record: Any, pattern: Any) -> bool:
    """Tell whether EventBridge's pattern (members and lists of values alone) matches."""
    if isinstance(pattern, list):
        return record in pattern
    return isinstance(record, dict) and all(
        key in record and passes(record[key], part) for key, part in pattern.items()
    )
