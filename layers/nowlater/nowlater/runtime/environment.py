"""The environment of operations: the variables that the template's OperationsEnvironment sets."""

import os
from collections.abc import MutableMapping

import msgspec


def set_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that are meant for operations; raises msgspec.DecodeError."""
    variables = environment.get("NOWLATER_OPERATIONS_ENVIRONMENT") or "{}"
    environment.update(msgspec.json.decode(variables, type=dict[str, str]))
