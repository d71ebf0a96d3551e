"""Bridge: makes the routes, authorizer and CORS rules that the emulator leaves out of an HTTP API.

SAM writes them into the API's OpenAPI `Body`, which the emulator does not read.
"""

import re
from typing import Any

from local.stack import Stack

#: The logical id of the API that is served.
_API = "Api"


def make_routes(stack: Stack) -> str:
    """Make the API's routes anew, and return its id."""
    gateway = stack.client("apigatewayv2")
    api = dict(stack.of_type("AWS::ApiGatewayV2::Api"))[_API]  # there may be others
    api_id, body, fill = stack.ids[_API], api["Body"], _Fill(stack)
    for kind in ("Route", "Integration", "Authorizer"):
        for old in getattr(gateway, f"get_{kind.lower()}s")(ApiId=api_id)["Items"]:
            key = {f"{kind}Id": old[f"{kind}Id"]}
            getattr(gateway, f"delete_{kind.lower()}")(ApiId=api_id, **key)
    if stack.parameters["WebOrigins"]:
        _, cors, _ = body["x-amazon-apigateway-cors"]["Fn::If"]
        rules = {key[0].upper() + key[1:]: value for key, value in cors.items()}
        rules["AllowOrigins"] = stack.parameters["WebOrigins"].split(",")
        gateway.update_api(ApiId=api_id, CorsConfiguration=rules)
    authorizers = _authorizers(gateway, api_id, body, fill)
    integrations: dict[str, str] = {}
    for path, methods in body["paths"].items():
        for method, route in methods.items():
            uri = fill.text(route["x-amazon-apigateway-integration"]["uri"])
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


def _authorizers(gateway: Any, api_id: str, body: Any, fill: "_Fill") -> dict[str, str]:
    made = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        if said := scheme.get("x-amazon-apigateway-authorizer"):
            made[name] = gateway.create_authorizer(
                ApiId=api_id,
                Name=name,
                AuthorizerType="REQUEST",
                AuthorizerUri=fill.text(said["authorizerUri"]),
                IdentitySource=said.get("identitySource", []),
                AuthorizerPayloadFormatVersion=said["authorizerPayloadFormatVersion"],
                EnableSimpleResponses=said.get("enableSimpleResponses", False),
                AuthorizerResultTtlInSeconds=said.get("authorizerResultTtlInSeconds", 300),
            )["AuthorizerId"]
    return made


def _authorization(authorizers: list[str]) -> dict[str, str]:
    if not authorizers:
        return {}
    return {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[0]}


def _route_key(path: str, method: str) -> str:
    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
    return "$default" if path.lstrip("/") == "$default" else f"{verb} {path}"


class _Fill:
    """Resolves the references in the API's body, as CloudFormation does."""

    def __init__(self, stack: Stack) -> None:
        account = stack.client("sts").get_caller_identity()["Account"]
        region = stack.region
        self._arn = f"arn:aws:lambda:{region}:{account}:function:"
        facts = {"Partition": "aws", "Region": region, "AccountId": account}
        facts |= {"StackName": stack.name}
        self._known: dict[str, str] = (
            {f"AWS::{k}": v for k, v in facts.items()} | stack.ids | stack.parameters
        )

    def text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        ((how, what),) = value.items()
        if how == "Ref":
            return self._name(what)
        if how == "Fn::GetAtt":
            return self._name(".".join(what))
        pattern, given = (what, {}) if isinstance(what, str) else what
        return re.sub(
            r"\$\{([\w:.]+)\}",
            lambda m: self.text(given[m[1]]) if m[1] in given else self._name(m[1]),
            pattern,
        )

    def _name(self, name: str) -> str:
        resource, _, attribute = name.partition(".")
        if attribute == "Arn":
            return self._arn + self._known[resource]
        return self._known[name]
