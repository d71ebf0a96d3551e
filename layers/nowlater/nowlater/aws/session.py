"""The one botocore session, and clients made from it."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

#: The exceptions of a call to AWS that failed.
FAILURES = (BotoCoreError, ClientError)

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    s3={"addressing_style": "virtual"},
    parameter_validation=False,
)


@cache
def session() -> botocore.session.Session:
    """Return the session that all clients share: loading its data again would take 60 ms."""
    return botocore.session.Session()


def client(service: str, **options: Any) -> Any:
    """Make a client for one service; `options` are botocore's Config's."""
    return session().create_client(service, config=_CONFIG.merge(Config(**options)))


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))
