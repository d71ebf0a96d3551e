"""Rules of Secrets Manager and of Systems Manager's parameters."""

import re
from collections.abc import Iterator

from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import at_most, both, bounded, one_of, put, rule

SECRETS = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/"
PARAMETERS = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/"
SECRET, PARAMETER = "AWS::SecretsManager::Secret", "AWS::SSM::Parameter"

bounded(SECRET, "GenerateSecretString.PasswordLength", 1, 4096, f"{SECRETS}API_GetRandomPassword.html", "MasterSecret")  # fmt: skip
at_most(SECRET, "Description", 2048, f"{SECRETS}API_CreateSecret.html", "MasterSecret", "x")
at_most(PARAMETER, "Description", 1024, f"{PARAMETERS}API_PutParameter.html", "OperationsEnvironment", "x")  # fmt: skip
at_most(
    *(PARAMETER, "Value", 4096, "https://docs.aws.amazon.com/general/latest/gr/ssm.html"),
    *("OperationsEnvironment", "x"),
    both(
        put("{}", "Sync", "Environment", "Variables", "NOWLATER_OPERATIONS_ENVIRONMENT"),
        put("{}", "Work", "Environment", "Variables", "NOWLATER_OPERATIONS_ENVIRONMENT"),
    ),
)
one_of(PARAMETER, "Type", {"String", "StringList"}, "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html", "OperationsEnvironment", "SecureString")  # fmt: skip


@rule(f"{SECRETS}API_CreateSecret.html", put("known to all", "MasterSecret", "SecretString"))
def a_secret_is_given_or_generated(given: Resolved) -> Iterator[str]:
    for name, secret in given.of_type(SECRET).items():
        if "SecretString" in secret and "GenerateSecretString" in secret:
            yield f"{name}: both"


@rule(
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html",
    put("password", "MasterSecret", "GenerateSecretString", "GenerateStringKey"),
)
def a_generated_part_of_a_secret_has_its_template(given: Resolved) -> Iterator[str]:
    for name, secret in given.of_type(SECRET).items():
        parts = {"GenerateStringKey", "SecretStringTemplate"} & set(
            secret.get("GenerateSecretString", {})
        )
        if len(parts) == 1:
            yield f"{name}: {parts.pop()} alone"


@rule(f"{SECRETS}API_CreateSecret.html", put("master-secret", "MasterSecret", "Name"))
def a_secrets_name_does_not_end_like_its_arn(given: Resolved) -> Iterator[str]:
    """A hyphen and six characters are what Secrets Manager adds to a name."""
    for name, secret in given.of_type(SECRET).items():
        if re.search(r"-\w{6}$", secret.get("Name", "")):
            yield f"{name}: {secret['Name']}"


@rule(f"{PARAMETERS}API_PutParameter.html", put("", "OperationsEnvironment", "Value"))
def a_parameter_is_not_empty(given: Resolved) -> Iterator[str]:
    for name, parameter in given.of_type(PARAMETER).items():
        if not parameter["Value"]:
            yield f"{name}: no value"
