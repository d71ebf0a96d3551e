"""Invoked for a request whose credentials API Gateway has not cached: authenticates the caller."""

from typing import Any

from nowlater.access.authenticate import authenticate
from nowlater.log import logger
from nowlater.services import Services

services = Services(preload=lambda s: s.table)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    access = authenticate(services, event["identitySource"][0])
    if access is None:
        return {"isAuthorized": False}
    logger.info("request_authorized", extra={"owner": access.owner, "key": access.key})
    caller = {"owner": access.owner, "scopes": " ".join(access.scopes)}
    return {"isAuthorized": True, "context": caller}
