"""Woken by a request whose credentials API Gateway does not remember: says who calls, if anybody."""

from typing import Any

from nowlater.access.authenticate import access
from nowlater.log import logger
from nowlater.services import Services

services = Services(preload=(Services.table,))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    given = access(services, event["identitySource"][0])
    if given is None:
        return {"isAuthorized": False}
    logger.info("request_authorized", extra={"owner": given.owner, "key": given.key})
    said = {"owner": given.owner, "scopes": " ".join(given.scopes)}
    return {"isAuthorized": True, "context": said}
