"""Serves the API's manual, which the build made: OpenAPI, AsyncAPI, and an HTML page."""

import re

import msgspec

from nowlater.api.request import HttpRequest
from nowlater.api.responses import HTML, JSON, Response, packed_file, revalidated
from nowlater.problems import Problem
from nowlater.runtime import catalogue
from nowlater.services import Services

#: The URL that the build wrote for the API's own (layers/catalogue/described).
_BASE = b"https://nowlater.invalid"
_TYPES = {"css": "text/css", "js": "text/javascript", "png": "image/png", "txt": "text/plain"}
_FILE = re.compile(r"[\w-]+\.(" + "|".join(_TYPES) + ")", re.ASCII)
#: The page runs only scripts of this API, calls only this API, and cannot be framed.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def openapi(services: Services, request: HttpRequest) -> Response:
    """Return the OpenAPI document of the operations that this deployment serves."""
    name = "openapi-diagnostics" if services.settings.diagnostics else "openapi"
    return _document(request, f"{name}.json")


def asyncapi(request: HttpRequest) -> Response:
    """Return the AsyncAPI document."""
    return _document(request, "asyncapi.json")


def page(request: HttpRequest) -> Response:
    """Return the HTML page."""
    headers = {"Content-Type": HTML, "Content-Security-Policy": _POLICY}
    return revalidated(request, catalogue.read_manual("docs.html") or b"", headers)


def file(request: HttpRequest, name: str) -> Response:
    """Return a file of that page; raises Problem `unknown-route` where there is none."""
    match = _FILE.fullmatch(name)
    data = catalogue.read_manual(f"docs/{name}.gz") if match else None
    if match is None or data is None:
        raise Problem("unknown-route", f"The page at /docs has no file {name[:100]!r}.")
    return packed_file(request, data, _TYPES[match[1]])


def _document(request: HttpRequest, name: str) -> Response:
    base = msgspec.json.encode(request.base)[1:-1]
    data = (catalogue.read_manual(name) or b"").replace(_BASE, base)
    return revalidated(request, data, {"Content-Type": JSON})
