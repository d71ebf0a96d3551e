"""Reads records of the table by their types, and rejects those that do not fit."""

from typing import Any

import msgspec

from nowlater.log import logger


class Unreadable(Exception):
    """A record that this version cannot read; `what` names it for its owner."""

    def __init__(self, what: str, fault: object) -> None:
        super().__init__(f"{what}: {fault}")
        self.what = what


def read[T](item: dict[str, Any], kind: type[T], what: str) -> T:
    """Return the record that an item holds; raises Unreadable."""
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as fault:
        raise Unreadable(what, fault) from fault


def log(fault: Unreadable) -> None:
    """Log a record that is skipped, for the operator: FaultsAlarm counts these lines."""
    logger.error("record_unreadable", extra={"fault": str(fault)}, exc_info=fault)
