"""`make republish`: publishes completion events that failed for 23 hours or could not be read."""

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
        stack = tools.find_stack(arguments)
        remaining = republish(stack, only_list=arguments.list)
    except (Failure, BotoCoreError, ClientError) as failure:
        print(account.explain(failure), file=sys.stderr)
        return 1
    return 1 if remaining and not arguments.list else 0


def republish(stack: Stack, *, only_list: bool = False) -> int:
    """Pass each stored record to Notify, and delete those it has published; return how many remain."""
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    published = remaining = 0
    for key in _keys(s3, bucket):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            records = records_of(json.loads(body))
        except (ValueError, KeyError, TypeError) as fault:  # continue with the other objects
            remaining += 1
            print(f"{key}  has no records of the stream: {fault!r}")
            continue
        if only_list or not _publish(stack, records):
            remaining += 1
            print(f"{key}  {len(records)} records")
        else:
            published += 1
            s3.delete_object(Bucket=bucket, Key=key)
            print(f"{key}  published", flush=True)
    print(f"{published} published, {remaining} remaining.", file=sys.stderr)
    return remaining


def records_of(stored: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stream's records in an object: Lambda stores a batch of them, Notify a single one."""
    if "payload" not in stored:
        return [stored] if stored["eventID"] else []
    payload = stored["payload"]
    batch = json.loads(payload) if isinstance(payload, str) else payload
    records: list[dict[str, Any]] = batch["Records"]
    return records


def _publish(stack: Stack, records: list[dict[str, Any]]) -> bool:
    """Return whether Notify has published all records; it stores those that it cannot read."""
    response = stack.client("lambda").invoke(
        FunctionName=stack.ids["Notify"], Payload=json.dumps({"Records": records})
    )
    if "FunctionError" in response:
        return False
    published: int = json.load(response["Payload"])["published"]
    return published == len(records)


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=payload_keys.UNPUBLISHED
    )
    return (entry["Key"] for page in pages for entry in page.get("Contents", []))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make republish", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list them, and publish none (LIST=1)")
    tools.add_stack_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
