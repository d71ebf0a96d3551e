"""Keeps on disk what the emulator's tables, buckets, queues and secrets hold, for the next `make up`.

A change of a table or an object is on disk before its request is answered: it survives a kill. Queues
are written twice a second, and at a regular end. Runs in the emulator's environment.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack.services import dynamodb, s3, secretsmanager, sqs

#: Partitions of items that are always kept: API keys, and the rotations of webhook secrets.
_KEYS = ("APIKEY#", "SECRET#")
#: How often changed queues are written, in seconds.
_QUEUES_S = 0.5
#: Changes from so shortly before the end may not have reached the stream's readers: they are repeated.
_STREAM_S = 2.0

type Key = tuple[str, str]
type Json = dict[str, Any]


class Journal:
    """The files of one folder. `with_jobs`: keep everything, and not only the keys."""

    def __init__(self, folder: Path, *, with_jobs: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._objects, self._queues_file = folder / "objects", folder / "queues.json"
        self._lock = threading.Lock()
        changes = folder / "changes.jsonl"
        lines = list(_read(changes))
        last = max((line["at"] for line in lines), default=0.0)
        #: What is loaded as soon as its resource exists, by the resource's name.
        self._items: dict[str, dict[Key, Json]] = {}
        self._secrets: dict[str, str] = {}
        self._queues: dict[str, list[Json]] = {}
        for line in lines:
            if "secret" in line:
                self._secrets[line["secret"]] = line["value"]
            elif with_jobs or line["key"][0].startswith(_KEYS):
                self._items.setdefault(line["table"], {})[tuple(line["key"])] = line
        if with_jobs and self._queues_file.exists():
            self._queues = json.loads(self._queues_file.read_text())
        if not with_jobs:
            shutil.rmtree(self._objects, ignore_errors=True)
            self._queues_file.unlink(missing_ok=True)
        self._recent = [(n, k) for n, items in self._items.items() for k, line in items.items() if line["at"] > last - _STREAM_S]  # fmt: skip
        self._changes = self._rewrite(changes)

    def _rewrite(self, path: Path) -> Any:
        """Write what is kept as a new file, and return it, open for the changes that follow."""
        half = path.with_suffix(".half")
        with half.open("w") as file:
            for name, value in self._secrets.items():
                file.write(_secret(name, value))
            for items in self._items.values():
                file.writelines(f"{json.dumps(line)}\n" for line in items.values() if line["item"])
        half.replace(path)
        return path.open("a")

    # ── changes ────────────────────────────────────────────────────────────────────────────────

    def apply(self) -> None:
        """Have the emulator's services write their changes here, and load what there was."""
        set_item, remove_item = dynamodb._set_item, dynamodb._remove_item

        def set_and_write(table: Json, pk: str, sk: str, item: Json) -> Any:
            old = set_item(table, pk, sk, item)
            self._write_item(table, pk, sk, item)
            return old

        def remove_and_write(table: Json, pk: str, sk: str) -> Any:
            old = remove_item(table, pk, sk)
            self._write_item(table, pk, sk, None)
            return old

        dynamodb._set_item, dynamodb._remove_item = set_and_write, remove_and_write
        path_of = s3._object_disk_path
        s3.S3_PERSIST, s3.DATA_DIR = True, str(self._objects)
        # Only buckets of stacks: what a deployment uploads would be kept for nothing.
        s3._object_disk_path = lambda bucket, *others, **named: (
            None if bucket.endswith("-deployment") else path_of(bucket, *others, **named)
        )
        threading.Thread(target=self._write_queues, daemon=True).start()

    def _write_item(self, table: Json, pk: str, sk: str, item: Json | None) -> None:
        line = {"at": time.time(), "table": table["TableName"], "key": [pk, sk], "item": item}
        self._write(f"{json.dumps(line)}\n")

    def _write(self, line: str) -> None:
        with self._lock:
            self._changes.write(line)
            self._changes.flush()

    def _write_queues(self) -> None:
        while True:
            time.sleep(_QUEUES_S)
            self.write_queues()

    def write_queues(self) -> None:
        """Write the messages of all queues, if they have changed."""
        with self._lock:
            try:
                waiting = {q["name"]: q["messages"] for q in list(sqs._queues.all_values())}
                text = json.dumps(self._queues | {n: m for n, m in waiting.items() if m})
            except RuntimeError:
                return  # a queue changed meanwhile: half a second later it is written
            if not self._queues_file.exists() or self._queues_file.read_text() != text:
                half = self._queues_file.with_suffix(".half")
                half.write_text(text)
                half.replace(self._queues_file)

    # ── loading ────────────────────────────────────────────────────────────────────────────────

    def load(self, kind: str, name: str) -> None:
        """Load what a resource held that CloudFormation has just created."""
        if kind == "AWS::DynamoDB::Table":
            self._load_table(dynamodb._tables[name])
        elif kind == "AWS::S3::Bucket":
            for account in self._objects.glob("*"):
                if (account / name).is_dir():
                    s3._load_persisted_bucket(account.name, name, str(account / name))
        elif kind == "AWS::SQS::Queue":
            self._load_queue(sqs._queues[name])
        elif kind == "AWS::SecretsManager::Secret":
            self._load_secret(name)

    def _load_table(self, table: Json) -> None:
        keys = [name for name in (table["pk_name"], table["sk_name"]) if name]
        for line in self._items.pop(table["TableName"], {}).values():
            item = line["item"]
            if item and all(name in item for name in keys):  # else the table has other keys now
                values = [dynamodb._extract_key_val(item[name]) for name in keys]
                dynamodb._set_item(table, values[0], [*values, "__no_sort__"][1], item)

    def _load_queue(self, queue: Json) -> None:
        for message in self._queues.pop(queue["name"], []):
            if message["receipt_handle"] is not None:  # its receiver has ended
                message |= {"receipt_handle": None, "visible_at": time.time()}
            queue["messages"].append(message)

    def _load_secret(self, name: str) -> None:
        (version,) = secretsmanager._secrets[name]["Versions"].values()
        if (kept := self._secrets.get(name)) is not None:
            version["SecretString"] = kept
        else:
            self._write(_secret(name, version["SecretString"]))

    def repeat_recent(self) -> int:
        """Give a stream's readers the last changes before the end again; return how many."""
        repeated = 0
        for name, (pk, sk) in self._recent:
            item = dynamodb._tables.get(name, {}).get("items", {}).get(pk, {}).get(sk)
            if item:
                dynamodb._emit_stream_event(name, "MODIFY", {}, item)
                repeated += 1
        self._recent.clear()
        return repeated


def from_environment() -> Journal:
    """Return the journal that `make up` asks for; its variables must not reach the Lambdas."""
    return Journal(Path(os.environ.pop("JOURNAL")), with_jobs=os.environ.pop("KEEP") == "1")


def _secret(name: str, value: str) -> str:
    return f"{json.dumps({'at': 0.0, 'secret': name, 'value': value})}\n"


def _read(path: Path) -> Iterator[Json]:
    """Yield the lines of a journal; the last one can be incomplete."""
    if path.exists():
        with path.open() as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)
