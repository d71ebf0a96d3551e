"""`make republish`: has ends told that nobody could be told of for 23 hours, or that could not be read."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import account, tools
from local.failure import Failure
from local.stack import Stack
from nowlater.aws import payload_keys


def main() -> int:
    arguments = _arguments()
    try:
        stack = tools.stack(arguments)
        left = republish(stack, only_list=arguments.list)
    except (Failure, BotoCoreError, ClientError) as failure:
        print(account.sentence(failure), file=sys.stderr)
        return 1
    return 1 if left and not arguments.list else 0


def republish(stack: Stack, *, only_list: bool = False) -> int:
    """Hand each kept record to Notify, and delete those that it told; return how many are left."""
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    told = left = 0
    for key in _keys(s3, bucket):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            records = records_of(json.loads(body))
        except (ValueError, KeyError, TypeError) as fault:  # one of them must not keep the others
            left += 1
            print(f"{key}  holds no records of the stream: {fault!r}")
            continue
        if only_list or not _tell(stack, records):
            left += 1
            print(f"{key}  {len(records)} records")
        else:
            told += 1
            s3.delete_object(Bucket=bucket, Key=key)
            print(f"{key}  told", flush=True)
    print(f"{told} told, {left} left.", file=sys.stderr)
    return left


def records_of(kept: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stream's records in an object: Lambda keeps a batch of them, Notify one by itself."""
    if "payload" not in kept:
        return [kept] if kept["eventID"] else []
    payload = kept["payload"]
    batch = json.loads(payload) if isinstance(payload, str) else payload
    records: list[dict[str, Any]] = batch["Records"]
    return records


def _tell(stack: Stack, records: list[dict[str, Any]]) -> bool:
    """Have Notify tell of records; return whether it told of all: it keeps what it cannot read."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.ids["Notify"], Payload=json.dumps({"Records": records})
    )
    if "FunctionError" in answer:
        return False
    told: int = json.load(answer["Payload"])["published"]
    return told == len(records)


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=payload_keys.UNPUBLISHED
    )
    return (found["Key"] for page in pages for found in page.get("Contents", []))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make republish", description=__doc__)
    parser.add_argument("--list", action="store_true", help="shows them, and tells none (LIST=1)")
    tools.take_stack(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
