"""Creates the routes, authorizer and CORS rules that the emulator omits from an HTTP API.

SAM writes them into the API's OpenAPI `Body`, which the emulator does not read.
"""

import re
from typing import Any

from local.stack import Stack

#: The logical id of the API that is served.
_API = "Api"


def make_routes(stack: Stack) -> str:
    """Replace the API's routes, and return its id."""
    gateway = stack.client("apigatewayv2")
    api = dict(stack.of_type("AWS::ApiGatewayV2::Api"))[_API]  # there may be others
    api_id, body, references = stack.ids[_API], api["Body"], _References(stack)
    for kind in ("Route", "Integration", "Authorizer"):
        for old in getattr(gateway, f"get_{kind.lower()}s")(ApiId=api_id)["Items"]:
            key = {f"{kind}Id": old[f"{kind}Id"]}
            getattr(gateway, f"delete_{kind.lower()}")(ApiId=api_id, **key)
    if stack.parameters["WebOrigins"]:
        _, cors, _ = body["x-amazon-apigateway-cors"]["Fn::If"]
        rules = {key[0].upper() + key[1:]: value for key, value in cors.items()}
        rules["AllowOrigins"] = stack.parameters["WebOrigins"].split(",")
        gateway.update_api(ApiId=api_id, CorsConfiguration=rules)
    authorizers = _make_authorizers(gateway, api_id, body, references)
    integrations: dict[str, str] = {}
    for path, methods in body["paths"].items():
        for method, route in methods.items():
            uri = references.resolve(route["x-amazon-apigateway-integration"]["uri"])
            if uri not in integrations:
                integrations[uri] = gateway.create_integration(
                    ApiId=api_id,
                    IntegrationType="AWS_PROXY",
                    IntegrationUri=uri,
                    PayloadFormatVersion="2.0",
                )["IntegrationId"]
            names = [n for need in route.get("security", []) for n in need if n in authorizers]
            gateway.create_route(
                ApiId=api_id,
                RouteKey=_route_key(path, method),
                Target=f"integrations/{integrations[uri]}",
                **_authorization([authorizers[n] for n in names]),
            )
    return api_id


def _make_authorizers(
    gateway: Any, api_id: str, body: Any, references: "_References"
) -> dict[str, str]:
    """Create the API's authorizers, and return their ids by name."""
    ids = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        if authorizer := scheme.get("x-amazon-apigateway-authorizer"):
            ids[name] = gateway.create_authorizer(
                ApiId=api_id,
                Name=name,
                AuthorizerType="REQUEST",
                AuthorizerUri=references.resolve(authorizer["authorizerUri"]),
                IdentitySource=authorizer.get("identitySource", []),
                AuthorizerPayloadFormatVersion=authorizer["authorizerPayloadFormatVersion"],
                EnableSimpleResponses=authorizer.get("enableSimpleResponses", False),
                AuthorizerResultTtlInSeconds=authorizer.get("authorizerResultTtlInSeconds", 300),
            )["AuthorizerId"]
    return ids


def _authorization(authorizers: list[str]) -> dict[str, str]:
    if not authorizers:
        return {}
    return {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[0]}


def _route_key(path: str, method: str) -> str:
    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
    return "$default" if path.lstrip("/") == "$default" else f"{verb} {path}"


class _References:
    """Resolves the references in the API's body, as CloudFormation does."""

    def __init__(self, stack: Stack) -> None:
        account = stack.client("sts").get_caller_identity()["Account"]
        region = stack.region
        self._arn = f"arn:aws:lambda:{region}:{account}:function:"
        pseudo = {"Partition": "aws", "Region": region, "AccountId": account}
        pseudo |= {"StackName": stack.name}
        self._values: dict[str, str] = (
            {f"AWS::{k}": v for k, v in pseudo.items()} | stack.ids | stack.parameters
        )

    def resolve(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        ((function, argument),) = value.items()
        if function == "Ref":
            return self._look_up(argument)
        if function == "Fn::GetAtt":
            return self._look_up(".".join(argument))
        pattern, local = (argument, {}) if isinstance(argument, str) else argument
        return re.sub(
            r"\$\{([\w:.]+)\}",
            lambda m: self.resolve(local[m[1]]) if m[1] in local else self._look_up(m[1]),
            pattern,
        )

    def _look_up(self, name: str) -> str:
        resource, _, attribute = name.partition(".")
        if attribute == "Arn":
            return self._arn + self._values[resource]
        return self._values[name]
