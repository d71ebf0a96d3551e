"""Rules of Lambda about functions and layers; what wakes them is in `sources`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local.intrinsics import Resolved
from tests.stack import one_or_more, statements
from tests.unit.aws_rules.rule import at_most, both, bounded, one_of, place, put, rename, rule

API = "https://docs.aws.amazon.com/lambda/latest/api/"
GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/"
QUOTAS = f"{GUIDE}gettingstarted-limits.html"
FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
#: 1,800 s since November 2026; cfn-lint 1.58 still has 900.
TIMEOUT = f"{API}API_CreateFunction.html#lambda-CreateFunction-request-Timeout"
RUNTIMES = f"{GUIDE}lambda-runtimes.html"
LOGGING = f"{GUIDE}monitoring-cloudwatchlogs-log-level.html"
#: What Lambda itself sets, and refuses to have set.
RESERVED = {
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_RUNTIME_API"),
    *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME"),
    *("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
}
#: What a role needs for a Lambda in a VPC; Lambda refuses to make it else.
IN_VPC = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
}
TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}

_MAY_BE_IN_A_VPC = put(
    [
        "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
        "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess",
    ],
    *("HandleDeadLettersRole", "ManagedPolicyArns"),
)
bounded(FUNCTION, "Timeout", 1, 1800, TIMEOUT, "Notify")
bounded(FUNCTION, "MemorySize", 128, 10_240, f"{API}API_CreateFunction.html", "Notify")
bounded(FUNCTION, "EphemeralStorage.Size", 512, 10_240, f"{API}API_EphemeralStorage.html", "Work")
at_most(FUNCTION, "Description", 256, f"{API}API_CreateFunction.html", "Work", "x")
at_most(FUNCTION, "FunctionName", 64, f"{API}API_CreateFunction.html", "Sync", "x")
at_most(FUNCTION, "Handler", 128, f"{API}API_CreateFunction.html", "Work", "x")
at_most(FUNCTION, "Layers", 5, QUOTAS, "Sync", ["arn:aws:lambda:eu-central-1:1:layer:l:1"])
at_most(
    *(
        FUNCTION,
        "VpcConfig.SubnetIds",
        16,
        f"{API}API_VpcConfig.html",
        "HandleDeadLetters",
        ["subnet-0"],
    ),
    both(_MAY_BE_IN_A_VPC, put(["sg-0"], "HandleDeadLetters", "VpcConfig", "SecurityGroupIds")),
)
at_most(
    *(
        FUNCTION,
        "VpcConfig.SecurityGroupIds",
        5,
        f"{API}API_VpcConfig.html",
        "HandleDeadLetters",
        ["sg-0"],
    ),
    both(_MAY_BE_IN_A_VPC, put(["subnet-0"], "HandleDeadLetters", "VpcConfig", "SubnetIds")),
)
at_most(FUNCTION, "Architectures", 1, f"{API}API_CreateFunction.html", "Work", ["arm64"])
one_of(
    *(FUNCTION, "Runtime", {"python3.11", "python3.12", "python3.13", "python3.14"}),
    *(RUNTIMES, "Authorize", "python3.8"),
    put([], "Authorize", "Layers"),
)
one_of(FUNCTION, "TracingConfig.Mode", {"Active", "PassThrough"}, f"{API}API_TracingConfig.html", "Work", "On")  # fmt: skip
one_of(
    *(FUNCTION, "LoggingConfig.ApplicationLogLevel"),
    {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"},
    *(f"{API}API_LoggingConfig.html", "Submit", "VERBOSE"),
    put("VERBOSE", "Submit", "Environment", "Variables", "POWERTOOLS_LOG_LEVEL"),
)
one_of(
    *(FUNCTION, "LoggingConfig.SystemLogLevel", {"DEBUG", "INFO", "WARN"}),
    *(f"{API}API_LoggingConfig.html", "Submit", "ERROR"),
)


def environments(given: Resolved) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, function in given.of_type(FUNCTION).items():
        yield name, function.get("Environment", {}).get("Variables", {})


def allowed(given: Resolved, function: dict[str, Any], on: str | None = None) -> set[str]:
    """Return the actions that a Lambda's role allows, by its own policies and the stack's.

    With `on`, only those on a resource of that logical id; policies of AWS's own are by name.
    """
    role = given.of_type("AWS::IAM::Role").get(given.named_in(function.get("Role", "")) or "", {})
    attached = role.get("ManagedPolicyArns", [])
    policies = [given.resources[name] for name in map(given.named_in, attached) if name]
    return {arn.rpartition("/")[2] for arn in attached} | {
        action
        for statement in [*statements(role.get("Policies", [])), *statements(policies)]
        if statement["Effect"] == "Allow"
        if on is None or on in map(given.named_in, one_or_more(statement["Resource"]))
        for action in one_or_more(statement.get("Action", []))
    }


@rule(
    "https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594",
    put("x" * 4000, "Sync", "Environment", "Variables", "SEEDED"),
)
def a_lambdas_environment_has_at_most_4096_bytes(given: Resolved) -> Iterator[str]:
    """Lambda measures it as JSON, in which a quotation mark has two bytes."""
    for name, variables in environments(given):
        texts = {k: str(v) for k, v in variables.items()}
        if (size := len(json.dumps(texts, separators=(",", ":")))) > 4096:
            yield f"{name}: {size} bytes"


@rule(
    f"{GUIDE}configuration-envvars.html",
    put("eu-central-1", "Sync", "Environment", "Variables", "AWS_REGION"),
)
def no_variable_has_a_name_that_lambda_keeps_for_itself(given: Resolved) -> Iterator[str]:
    for name, variables in environments(given):
        for variable in RESERVED & set(variables):
            yield f"{name}: {variable}"


@rule(f"{API}API_Environment.html", put("x", "Sync", "Environment", "Variables", "1ST"))
def a_variables_name_is_letters_digits_and_underscores(given: Resolved) -> Iterator[str]:
    for name, variables in environments(given):
        for variable in variables:
            if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]+", variable):
                yield f"{name}: {variable}"


def layers(given: Resolved, function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for arn in function.get("Layers", []):
        if name := given.named_in(arn):
            yield given.resources[name]["Properties"]


@rule(
    f"{GUIDE}adding-layers.html",
    put(["x86_64"], "HandleDeadLetters", "Architectures"),
)
def a_layer_is_for_the_processor_of_its_lambda(given: Resolved) -> Iterator[str]:
    for name, function in given.of_type(FUNCTION).items():
        for layer in layers(given, function):
            if not set(function.get("Architectures", ["x86_64"])) <= set(
                layer.get("CompatibleArchitectures", ["arm64", "x86_64"])
            ):
                yield f"{name}: {function['Architectures']}, and {layer['LayerName']} is not"


@rule(f"{GUIDE}adding-layers.html", put("python3.12", "HandleDeadLetters", "Runtime"))
def a_layer_is_for_the_runtime_of_its_lambda(given: Resolved) -> Iterator[str]:
    for name, function in given.of_type(FUNCTION).items():
        for layer in layers(given, function):
            if function["Runtime"] not in layer.get("CompatibleRuntimes", [function["Runtime"]]):
                yield f"{name}: {function['Runtime']}, and {layer['LayerName']} is not"


@rule(
    "https://docs.aws.amazon.com/powertools/python/latest/core/logger/",
    put({"LogFormat": "JSON", "ApplicationLogLevel": "FATAL"}, "Submit", "LoggingConfig"),
)
def lambda_and_powertools_log_from_the_same_level(given: Resolved) -> Iterator[str]:
    """With JSON lines Lambda drops what is below its own level, INFO where none is given, and tells
    it Powertools, which goes by it (AWS_LAMBDA_LOG_LEVEL)."""
    for name, function in given.of_type(FUNCTION).items():
        logging, variables = function.get("LoggingConfig", {}), function.get("Environment", {})
        wanted = variables.get("Variables", {}).get("POWERTOOLS_LOG_LEVEL", "INFO")
        wanted = {"WARNING": "WARN"}.get(wanted, wanted)
        actual = logging.get("ApplicationLogLevel", "none, so INFO")
        if logging.get("LogFormat") == "JSON" and wanted != actual:
            yield f"{name}: Lambda's ApplicationLogLevel is {actual}, and Powertools' {wanted}"


@rule(
    f"{API}API_LoggingConfig.html",
    both(
        put("Text", "Submit", "LoggingConfig", "LogFormat"),
        put("DEBUG", "Submit", "LoggingConfig", "SystemLogLevel"),
    ),
)
def only_logs_in_json_have_levels(given: Resolved) -> Iterator[str]:
    for name, function in given.of_type(FUNCTION).items():
        logging = function.get("LoggingConfig", {})
        if logging.get("LogFormat", "Text") == "Text" and (
            {"ApplicationLogLevel", "SystemLogLevel"} & set(logging)
        ):
            yield f"{name}: a level without LogFormat: JSON"


@rule(
    f"{GUIDE}configuration-vpc.html",
    both(
        rename("ec2:CreateNetworkInterface", "ec2:DescribeSubnets"),
        put(
            {"SubnetIds": ["subnet-0"], "SecurityGroupIds": ["sg-0"]},
            "HandleDeadLetters",
            "VpcConfig",
        ),
    ),
)
def a_lambda_in_a_vpc_may_make_its_network_interfaces(given: Resolved) -> Iterator[str]:
    """Its own role needs it: SAM attaches the policy to roles that it makes itself, no others."""
    for name, function in given.of_type(FUNCTION).items():
        may = allowed(given, function)
        if function.get("VpcConfig", {}).get("SubnetIds") and not (
            may >= IN_VPC or "AWSLambdaVPCAccessExecutionRole" in may
        ):
            yield f"{name}: its role lacks {', '.join(sorted(IN_VPC - may))}"


@rule(
    f"{API}API_VpcConfig.html",
    both(
        _MAY_BE_IN_A_VPC,
        put({"SubnetIds": ["subnet-0"], "SecurityGroupIds": []}, "HandleDeadLetters", "VpcConfig"),
    ),
)
def a_lambda_in_a_vpc_has_subnets_and_security_groups(given: Resolved) -> Iterator[str]:
    for name, function in given.of_type(FUNCTION).items():
        network = function.get("VpcConfig", {})
        if bool(network.get("SubnetIds")) != bool(network.get("SecurityGroupIds")):
            yield f"{name}: {network}"


@rule(
    f"{GUIDE}services-xray.html",
    both(
        rename("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        put({"Mode": "Active"}, "HandleDeadLetters", "TracingConfig"),
    ),
)
def a_lambda_that_is_traced_may_send_traces(given: Resolved) -> Iterator[str]:
    """Its own role needs it: SAM attaches the policy to roles that it makes itself, no others."""
    for name, function in given.of_type(FUNCTION).items():
        may = allowed(given, function)
        if function.get("TracingConfig", {}).get("Mode") == "Active" and not (
            may >= TRACING or "AWSXRayDaemonWriteAccess" in may
        ):
            yield f"{name}: its role lacks {', '.join(sorted(TRACING - may))}"


@rule(
    f"{GUIDE}lambda-concurrency.html",
    place(9, "Parameters", "OnTimeConcurrency", "Default"),
)
def a_new_accounts_10_lambdas_are_not_all_at_work(given: Resolved) -> Iterator[str]:
    """With the parameters' defaults, four remain for the API and its authorizer."""
    most = 0
    for resource in given.template["Resources"].values():
        bound = resource.get("Properties", {}).get("ScalingConfig", {}).get("MaximumConcurrency")
        if isinstance(bound, dict):
            most += int(given.template["Parameters"][bound["Ref"]]["Default"])
    if most > 6:
        yield f"Parameters: queues have {most} Lambdas run at once by default"


@rule(
    f"{GUIDE}configuration-concurrency.html",
    place(1, "Parameters", "SyncConcurrency", "Default"),
)
def no_lambda_reserves_concurrency_by_default(given: Resolved) -> Iterator[str]:
    """100 have to stay unreserved, and a new account has ten."""
    functions = Resolved(given.template).of_type(FUNCTION)
    for name, function in functions.items():
        if "ReservedConcurrentExecutions" in function:
            yield f"{name}: reserves {function['ReservedConcurrentExecutions']}"
