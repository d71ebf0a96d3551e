"""Checks a build's environment variables: those of each Lambda, and the operations' share of them."""

import json
from typing import Any

from local.build_sizes import functions
from local.failure import Failure
from local.placeholders import PLACEHOLDER, ResolvedWithPlaceholders

#: Of all environment variables of a Lambda, as JSON: Lambda measures them so, by its own message
#: (https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594).
MAX_ENVIRONMENT = 4096
#: The operations' share of it. The rest is for nowlater's variables, which have names and URLs of the
#: stack's resources: these are longer if the stack's name is.
OPERATIONS_ENVIRONMENT = 2400
#: The values for which a stack's environment is measured: real ones are hardly ever longer.
_LONG = {
    "stack_name": "n" * 64,
    "region": "ap-southeast-1",
}
_LONG_PARAMETERS = {
    "PublicUrl": f"https://{'api.' * 15}example.com/{'v' * 32}",
    "CallbackPorts": "443,8443,9443,10443",
    "FlexibleWithin": 604_800,
    "OwnerWaiting": 50_000,
    "OwnerUploads": 1_000_000,
}


def check_environment(template: dict[str, Any]) -> int:
    """Return the size of the operations' variables, in bytes; raises Failure if AWS would refuse them."""
    given = {n: v for n, v in _LONG_PARAMETERS.items() if n in template.get("Parameters", {})}
    resolved = ResolvedWithPlaceholders(template, given, **_LONG)
    text = resolved.resources["OperationsEnvironment"]["Properties"]["Value"]
    if not isinstance(text, str) or PLACEHOLDER not in text:
        _check_variables(text)
    known = _without_placeholders(text)
    share = measure(known) - len('""')
    if share > OPERATIONS_ENVIRONMENT:
        raise Failure(
            f"Environment in operations/resources.yaml takes {share:,} bytes of the Lambdas' "
            f"environment, in which each quotation mark counts twice, and {OPERATIONS_ENVIRONMENT:,} "
            "are the operations'. Store long values in a parameter of Systems Manager or an object of "
            "the bucket, and put only its name here."
        )
    common = template.get("Globals", {}).get("Function", {})
    for name, function in functions(resolved.template).items():
        variables = _variables(resolved, common) | _variables(resolved, function)
        if (total := measure(variables) + OPERATIONS_ENVIRONMENT - share) > MAX_ENVIRONMENT and (
            known in variables.values()
        ):
            raise Failure(
                f"{name}: with all that the operations may have, its environment would be "
                f"{total:,} bytes, and Lambda accepts {MAX_ENVIRONMENT:,}. Remove variables from "
                "Globals or from the Lambda in framework.yaml; move those for operations to "
                "Environment in operations/resources.yaml."
            )
    return measure(text) - len('""')


def measure(value: Any) -> int:
    """Return a value's size in bytes as Lambda measures an environment: as JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _variables(resolved: ResolvedWithPlaceholders, function: dict[str, Any]) -> dict[str, str]:
    """Return a Lambda's variables as far as they are known."""
    environment = resolved.value(function.get("Environment", {}))
    variables = environment.get("Variables", {}) if isinstance(environment, dict) else {}
    if not isinstance(variables, dict):
        return {}
    return {name: _without_placeholders(str(value)) for name, value in variables.items()}


def _without_placeholders(text: str) -> str:
    """Return a text without values that only the account has: nothing is refused for their length."""
    return text.replace(PLACEHOLDER, "")


def _check_variables(text: str) -> None:
    try:
        variables = json.loads(text)
    except (TypeError, ValueError) as error:
        raise Failure(f"OperationsEnvironment in framework.yaml is not JSON: {error}") from error
    is_valid = isinstance(variables, dict) and all(isinstance(v, str) for v in variables.values())
    if not is_valid:
        raise Failure(
            "OperationsEnvironment in framework.yaml must be a JSON object of texts, such as "
            '{"PRICES_TABLE": "prices", "RETRIES": "3"}: put numbers in quotation marks too.'
        )
