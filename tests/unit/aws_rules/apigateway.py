"""Rules of API Gateway about HTTP APIs."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import both, bounded, place, put, remove, rule

GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
QUOTAS = f"{GUIDE}http-api-quotas.html"
AUTHORIZER = f"{GUIDE}http-api-lambda-authorizer.html"
CORS = f"{GUIDE}http-api-cors.html"
LOGGING = f"{GUIDE}http-api-logging.html"
API, STAGE = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"
_BODY = ("Resources", "Api", "Properties", "Body")
_CORS = (*_BODY, "x-amazon-apigateway-cors")
_KEYS = (
    *(*_BODY, "components", "securitySchemes", "Keys"),
    "x-amazon-apigateway-authorizer",
)
_STAGE = ("Resources", "ApiApiGatewayDefaultStage", "Properties")
_FORMAT = (*_STAGE, "AccessLogSettings", "Format")
_ANY = "x-amazon-apigateway-any-method"
_ORIGINS = {"allowOrigins": ["https://app.example.com"], "allowMethods": ["GET"]}
#: The variables that an access log of an HTTP API may have; of these, words follow the dot.
VARIABLES = {
    *("accountId", "apiId", "awsEndpointRequestId", "awsEndpointRequestId2", "dataProcessed"),
    *("domainName", "domainPrefix", "extendedRequestId", "httpMethod", "integrationErrorMessage"),
    *("integrationLatency", "integrationStatus", "path", "protocol", "requestId", "requestTime"),
    *("requestTimeEpoch", "responseLatency", "responseLength", "routeKey", "stage", "status"),
    *("customDomain.basePathMatched", "error.message", "error.messageString"),
    *("error.responseType", "identity.sourceIp", "identity.userAgent", "identity.user"),
    *("integration.error", "integration.integrationStatus", "integration.latency"),
    *("integration.requestId", "integration.status"),
}
#: Those that API Gateway writes with quotation marks in them, or may.
WITH_QUOTES = {"error.messageString", "integrationErrorMessage", "integration.error"}

bounded(STAGE, "DefaultRouteSettings.ThrottlingBurstLimit", 0, 2_147_483_647, f"{GUIDE}http-api-throttling.html", "ApiApiGatewayDefaultStage")  # fmt: skip
bounded(STAGE, "DefaultRouteSettings.ThrottlingRateLimit", 0, 2_147_483_647, f"{GUIDE}http-api-throttling.html", "ApiApiGatewayDefaultStage")  # fmt: skip


def bodies(given: Resolved) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, api in given.of_type(API).items():
        yield name, api["Body"]


def routes(given: Resolved) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield the API, the method, the path and what else is said of each route."""
    for name, body in bodies(given):
        for path, methods in body["paths"].items():
            for method, route in methods.items():
                yield name, "*" if method == _ANY else method.upper(), path, route


def authorizers(given: Resolved) -> Iterator[tuple[str, dict[str, Any]]]:
    for _, body in bodies(given):
        for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
            if said := scheme.get("x-amazon-apigateway-authorizer"):
                yield name, said


# ── routes ────────────────────────────────────────────────────────────────────────────────────


@rule(QUOTAS, put(31, "Sync", "Timeout"))
def a_lambda_behind_a_route_does_not_outlive_its_30_seconds(given: Resolved) -> Iterator[str]:
    lambdas = given.of_type("AWS::Lambda::Function")
    for _, method, path, route in routes(given):
        name = given.named_in(route["x-amazon-apigateway-integration"]["uri"]) or ""
        if int(lambdas[name]["Timeout"]) > 30:
            yield f"{name}: {method} {path} may take {lambdas[name]['Timeout']} s"


@rule(
    QUOTAS,
    place(30_001, *_BODY, "paths", "/uploads", "post", "x-amazon-apigateway-integration", "timeoutInMillis"),
)  # fmt: skip
def an_integration_times_out_within_30_seconds(given: Resolved) -> Iterator[str]:
    for name, method, path, route in routes(given):
        limit = route["x-amazon-apigateway-integration"].get("timeoutInMillis", 30_000)
        if not 50 <= int(limit) <= 30_000:
            yield f"{name}: {method} {path} has {limit} ms"


@rule(
    f"{GUIDE}http-api-develop-integrations-lambda.html",
    place("3.0", *_BODY, "paths", "/uploads", "post", "x-amazon-apigateway-integration", "payloadFormatVersion"),
)  # fmt: skip
def an_integration_has_a_payload_format_that_there_is(given: Resolved) -> Iterator[str]:
    for name, method, path, route in routes(given):
        said = route["x-amazon-apigateway-integration"].get("payloadFormatVersion")
        if said not in ("1.0", "2.0"):
            yield f"{name}: {method} {path} has {said}"


@rule(
    f"{GUIDE}http-api-develop-integrations-lambda.html",
    remove("Resources", "SyncRunPermission"),
    put("arn:aws:execute-api:eu-central-1:1:other/*/POST/sync/*", "SyncRunPermission", "SourceArn"),
)
def the_api_may_invoke_the_lambda_of_each_route(given: Resolved) -> Iterator[str]:
    """Otherwise it answers 500, and only its log says why."""
    permissions = [
        (given.named_in(p["FunctionName"]), given.named_in(p["SourceArn"]), p["SourceArn"])
        for p in given.of_type("AWS::Lambda::Permission").values()
        if p["Principal"] == "apigateway.amazonaws.com"
    ]
    for name, method, path, route in routes(given):
        function = given.named_in(route["x-amazon-apigateway-integration"]["uri"])
        wanted = f"{method}{path}" if path != "/$default" else "$default"
        sources = [arn.split("/", 2)[2] for f, api, arn in permissions if (f, api) == (function, name)]  # fmt: skip
        if not any(fnmatchcase(wanted, source.removeprefix("*/")) for source in sources):
            yield f"{name}: no permission for {method} {path} to invoke {function}"


@rule(
    f"{GUIDE}http-api-develop-routes.html",
    place({}, *_BODY, "paths", "/{rest+}/more"),
)
def a_greedy_part_of_a_path_is_its_last(given: Resolved) -> Iterator[str]:
    for name, body in bodies(given):
        for path in body["paths"]:
            if re.search(r"\+\}.", path):
                yield f"{name}: {path}"


@rule(
    f"{GUIDE}http-api-develop-routes.html",
    place({}, *_BODY, "paths", "/jobs/{other}"),
)
def no_two_paths_differ_in_the_names_of_their_parts_alone(given: Resolved) -> Iterator[str]:
    for name, body in bodies(given):
        seen: dict[str, str] = {}
        for path in body["paths"]:
            form = re.sub(r"\{[^}]+\}", "{}", path)
            if form in seen:
                yield f"{name}: {seen[form]} and {path}"
            seen[form] = path


@rule(QUOTAS, lambda t: t["Resources"]["Api"]["Properties"]["Body"]["paths"].update({f"/{n}": {"get": _some(t)} for n in range(300)}))  # fmt: skip
def an_api_has_at_most_300_routes(given: Resolved) -> Iterator[str]:
    if (number := len(list(routes(given)))) > 300:
        yield f"Api: {number} routes"


def _some(template: dict[str, Any]) -> dict[str, Any]:
    """Return what the default route says: it may be reached by every path."""
    found: dict[str, Any] = template["Resources"]["Api"]["Properties"]["Body"]["paths"]["/uploads"]["post"]  # fmt: skip
    for permission in ("SubmitUploadPermission",):
        template["Resources"][permission]["Properties"]["SourceArn"]["Fn::Sub"] = [
            "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*",
            {},
        ]
    return found


@rule(
    f"{GUIDE}api-gateway-known-issues.html",
    both(
        put(True, "Api", "FailOnWarnings"),
        place([{"ANOTHER": []}], *_BODY, "paths", "/uploads", "post", "security"),
    ),
)
def an_api_whose_import_warns_does_not_fail_on_warnings(given: Resolved) -> Iterator[str]:
    """SAM has routes without an authorizer name a scheme that is not defined, NONE."""
    for name, api in given.of_type(API).items():
        defined = api["Body"].get("components", {}).get("securitySchemes", {})
        named = {n for _, _, _, r in routes(given) for need in r.get("security", []) for n in need}
        if str(api.get("FailOnWarnings", False)).lower() == "true" and named - set(defined):
            yield f"{name}: {', '.join(sorted(named - set(defined)))} is not defined"


# ── authorizers ───────────────────────────────────────────────────────────────────────────────


@rule(QUOTAS, put(11, "Authorize", "Timeout"))
def an_authorizer_does_not_outlive_its_10_seconds(given: Resolved) -> Iterator[str]:
    lambdas = given.of_type("AWS::Lambda::Function")
    for _, said in authorizers(given):
        name = given.named_in(said["authorizerUri"]) or ""
        if int(lambdas[name]["Timeout"]) > 10:
            yield f"{name}: API Gateway waits for 10 s, it may take {lambdas[name]['Timeout']} s"


@rule(AUTHORIZER, place(3601, *_KEYS, "authorizerResultTtlInSeconds"))
def what_an_authorizer_said_is_kept_for_an_hour_at_most(given: Resolved) -> Iterator[str]:
    for name, said in authorizers(given):
        if not 0 <= int(said.get("authorizerResultTtlInSeconds", 300)) <= 3600:
            yield f"{name}: {said['authorizerResultTtlInSeconds']} s"


@rule(AUTHORIZER, place([], *_KEYS, "identitySource"))
def what_is_kept_of_an_authorizer_is_kept_by_an_identity(given: Resolved) -> Iterator[str]:
    for name, said in authorizers(given):
        if said.get("authorizerResultTtlInSeconds", 300) and not said.get("identitySource"):
            yield f"{name}: no identitySource"


@rule(AUTHORIZER, place(["$request.body.key"], *_KEYS, "identitySource"))
def an_identity_is_of_a_kind_that_there_is(given: Resolved) -> Iterator[str]:
    kinds = r"\$(request\.(header|querystring)\.[\w-]+|context\.[\w.]+|stageVariables\.\w+)"
    for name, said in authorizers(given):
        for source in said.get("identitySource", []):
            if not re.fullmatch(kinds, source):
                yield f"{name}: {source}"


@rule(AUTHORIZER, place("1.0", *_KEYS, "authorizerPayloadFormatVersion"))
def simple_answers_are_of_format_2(given: Resolved) -> Iterator[str]:
    for name, said in authorizers(given):
        if said.get("enableSimpleResponses") and said["authorizerPayloadFormatVersion"] != "2.0":
            yield f"{name}: {said['authorizerPayloadFormatVersion']}"


@rule(
    AUTHORIZER,
    remove("Resources", "AuthorizePermission"),
    put({"Ref": "Authorize"}, "AuthorizePermission", "FunctionName"),
)
def the_api_may_invoke_its_authorizer(given: Resolved) -> Iterator[str]:
    permissions = given.of_type("AWS::Lambda::Permission").values()
    for name, said in authorizers(given):
        uri = said["authorizerUri"]
        if not any(uri.endswith(f"{p['FunctionName']}/invocations") for p in permissions):
            yield f"{name}: no permission to invoke {given.named_in(uri)}, or its alias"


# ── browsers ──────────────────────────────────────────────────────────────────────────────────


def rules_of_cors(given: Resolved) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, body in bodies(given):
        if isinstance(said := body.get("x-amazon-apigateway-cors"), dict):
            yield name, said


@rule(CORS, place(["https://app.example.com"], *_CORS))
def cors_is_an_object(given: Resolved) -> Iterator[str]:
    """SAM has an intrinsic that CorsConfiguration.AllowOrigins is stand for all of CORS."""
    for name, body in bodies(given):
        said = body.get("x-amazon-apigateway-cors", {})
        if not isinstance(said, dict) or not isinstance(said.get("allowOrigins", []), list):
            yield f"{name}: CORS is {said!r}"


@rule(CORS, place({**_ORIGINS, "allowOrigins": ["*"], "allowCredentials": True}, *_CORS))
def credentials_are_not_for_all_origins(given: Resolved) -> Iterator[str]:
    for name, said in rules_of_cors(given):
        if said.get("allowCredentials") and "*" in said.get("allowOrigins", []):
            yield f"{name}: allowCredentials with the origin *"


@rule(CORS, place({**_ORIGINS, "allowOrigins": ["https://app.example.com/"]}, *_CORS))
def an_origin_is_a_scheme_and_a_host(given: Resolved) -> Iterator[str]:
    for name, said in rules_of_cors(given):
        for origin in said.get("allowOrigins", []):
            if not re.fullmatch(r"\*|https?://(\*|[^/\s*]+)", origin):
                yield f"{name}: {origin}"


@rule(CORS, place({**_ORIGINS, "allowMethods": ["get"]}, *_CORS))
def cors_names_methods_in_capitals(given: Resolved) -> Iterator[str]:
    known = {"*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    for name, said in rules_of_cors(given):
        if unknown := set(said.get("allowMethods", [])) - known:
            yield f"{name}: {', '.join(sorted(unknown))}"


@rule(CORS, place({**_ORIGINS, "maxAge": 86_401}, *_CORS))
def browsers_keep_what_cors_says_for_a_day_at_most(given: Resolved) -> Iterator[str]:
    for name, said in rules_of_cors(given):
        if not -1 <= int(said.get("maxAge", 0)) <= 86_400:
            yield f"{name}: {said['maxAge']} s"


# ── access logs ───────────────────────────────────────────────────────────────────────────────


def formats(given: Resolved) -> Iterator[tuple[str, str]]:
    for name, stage in given.of_type(STAGE).items():
        if "AccessLogSettings" in stage:
            yield name, stage["AccessLogSettings"]["Format"]


@rule(LOGGING, place('{"id":"$context.requestId","bytes":$context.responseLength}', *_FORMAT))
def a_line_of_the_access_log_is_json_where_values_are_missing(given: Resolved) -> Iterator[str]:
    """API Gateway writes `-` for a variable without a value; each request has a status."""
    for name, form in formats(given):
        line = re.sub(r"\$context\.[\w.]+", "-", re.sub(r"\$context\.status\b", "200", form))
        try:
            json.loads(line)
        except ValueError as error:
            yield f"{name}: {error}: put each variable in quotation marks"


@rule(
    f"{GUIDE}http-api-logging-variables.html",
    place('{"id":"$context.requestId","error":"$context.integration.error"}', *_FORMAT),
    place('{"id":"$context.requestId","error":"$context.error.messageString"}', *_FORMAT),
)
def no_variable_of_the_access_log_has_quotation_marks(given: Resolved) -> Iterator[str]:
    """They would end the text that the variable is in: API Gateway does not escape them."""
    for name, form in formats(given):
        for found in WITH_QUOTES & set(re.findall(r"\$context\.([\w.]+)", form)):
            yield f"{name}: $context.{found}"


@rule(
    f"{GUIDE}http-api-logging-variables.html",
    place('{"id":"$context.requestId","error":"$context.wafStatus"}', *_FORMAT),
)
def a_variable_of_the_access_log_is_one_that_there_is(given: Resolved) -> Iterator[str]:
    for name, form in formats(given):
        for found in set(re.findall(r"\$context\.([\w.]+)", form)) - VARIABLES:
            if not found.startswith("authorizer."):
                yield f"{name}: $context.{found}"


@rule(LOGGING, place('{"status":"$context.status"}', *_FORMAT))
def the_access_log_has_the_id_of_the_request(given: Resolved) -> Iterator[str]:
    for name, form in formats(given):
        if not re.search(r"\$context\.(requestId|extendedRequestId)\b", form):
            yield f"{name}: no $context.requestId"


@rule(LOGGING, place('{"id":"$context.requestId",\n"status":"$context.status"}', *_FORMAT))
def the_access_log_writes_one_line(given: Resolved) -> Iterator[str]:
    for name, form in formats(given):
        if "\n" in form.strip("\n"):
            yield f"{name}: its format has several lines"


@rule(QUOTAS, place('{"id":"$context.requestId","text":"' + "x" * 3072 + '"}', *_FORMAT))
def the_format_of_the_access_log_has_at_most_3_kb(given: Resolved) -> Iterator[str]:
    for name, form in formats(given):
        if len(form) > 3072:
            yield f"{name}: {len(form)} bytes"


@rule(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html",
    put("/nowlater/access", "AccessLogs", "LogGroupName"),
)
def the_access_logs_group_is_one_of_vended_logs(given: Resolved) -> Iterator[str]:
    """All groups of other names are in one policy of the account, of 5,120 characters; once it is
    full, the stage is refused (https://github.com/serverless/serverless/issues/10469)."""
    groups = given.of_type("AWS::Logs::LogGroup")
    for stage in given.of_type(STAGE).values():
        if "AccessLogSettings" in stage:
            name = given.named_in(stage["AccessLogSettings"]["DestinationArn"]) or ""
            named = groups[name].get("LogGroupName", "")
            if not named.startswith("/aws/vendedlogs/"):
                yield f"{name}: its name is {named or 'made by CloudFormation'}"
