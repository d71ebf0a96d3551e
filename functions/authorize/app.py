"""Woken by a request whose credentials API Gateway does not remember: says who calls, if anybody."""

from typing import Any

from nowlater import keys
from nowlater.log import logger
from nowlater.services import Services

services = Services("table")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    key = keys.holder(services.table, event["identitySource"][0], services.clock())
    if key is None:
        return {"isAuthorized": False}
    logger.info("authorized", extra={"owner": key.owner, "key": key.id})
    return {"isAuthorized": True, "context": {"owner": key.owner, "scopes": " ".join(key.scopes)}}
