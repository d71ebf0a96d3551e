"""Serves the console, a page that calls this API as any other caller does (layers/catalogue/console)."""

import os
import re

from nowlater.api.request import HttpRequest
from nowlater.api.responses import HTML, Response, packed_file, revalidated
from nowlater.problems import Problem
from nowlater.runtime import catalogue

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}
_FILE = re.compile(r"[\w-]+\.(" + "|".join(_TYPES) + ")", re.ASCII)
#: Files have the console's version in their URL, so browsers keep them until the next deployment.
_FOREVER = "public, max-age=31536000, immutable"
#: The page runs only scripts of this API, calls only this API and its bucket, and cannot be framed.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self' {bucket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(bucket: str, request: HttpRequest) -> Response:
    """Return the page; it may also call the bucket of this name: uploads, and large results."""
    policy = _POLICY.format(bucket=_origins(bucket))
    headers = {"Content-Type": HTML, "Content-Security-Policy": policy}
    return revalidated(request, catalogue.read_manual("console.html") or b"", headers)


def file(request: HttpRequest, version: str, name: str) -> Response:
    """Return a file of the console; raises Problem `unknown-route` where there is none.

    Another version than the deployed one is not refused, as an open page may still have it: it gets
    the present file, which browsers must not keep.
    """
    match = _FILE.fullmatch(name)
    data = catalogue.read_manual(f"console/{name}.gz") if match else None
    if match is None or data is None:
        raise Problem("unknown-route", f"The console has no file {name[:100]!r}.")
    is_current = version.encode() == catalogue.read_manual("console/version")
    caching = _FOREVER if is_current else "no-cache"
    return packed_file(request, data, _TYPES[match[1]], caching)


def _origins(bucket: str) -> str:
    """Return the origins of the bucket's presigned URLs, as botocore chooses them."""
    if emulator := os.environ.get("AWS_ENDPOINT_URL"):
        return emulator
    region = os.environ["AWS_REGION"]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{suffix} https://{bucket}.s3.{suffix}"
