"""Sets the environment variables that the template's OperationsEnvironment gives to operations."""

import os
from collections.abc import MutableMapping

import msgspec


def set_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the environment variables of operations; raises msgspec.DecodeError."""
    variables = environment.get("NOWLATER_OPERATIONS_ENVIRONMENT") or "{}"
    environment.update(msgspec.json.decode(variables, type=dict[str, str]))
