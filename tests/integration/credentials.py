"""API keys and JWTs, as the authorizer is shown them."""

from typing import Any

from nowlater.aws.table import Table
from tests import stack
from tests.integration.lambdas import lambda_context
from tests.integration.world import World
from tests.issuer import AUDIENCE, SigningKey

NOBODY = {"isAuthorized": False}
RSA, OTHER = SigningKey("rsa"), SigningKey("rsa")
EC = SigningKey("ec", "ES256")


def table(world: World) -> Table:
    made: Table = world.app("authorize").services.table
    return made


def authorized(world: World, header: str) -> Any:
    """Return what the authorizer says to a request with this Authorization header."""
    event = stack.event("authorize")
    event["headers"]["authorization"], event["identitySource"] = header, [header]
    return world.app("authorize").handler(event, lambda_context())


def trust(world: World, url: str) -> None:
    """Have the stack trust an issuer."""
    world.restart("authorize", jwt_issuer=url, jwt_audience=AUDIENCE)
