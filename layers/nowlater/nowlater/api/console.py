"""Serves the console, a page that calls this API as any other caller does (layers/catalogue/console)."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nowlater.api.request import HttpRequest
from nowlater.api.responses import HTML, Response, packed_file, revalidated
from nowlater.problems import Problem
from nowlater.runtime import catalogue

if TYPE_CHECKING:
    from nowlater.aws.bucket import Bucket

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}
_FILE = re.compile(r"[\w-]+\.(" + "|".join(_TYPES) + ")", re.ASCII)
#: Files have the console's version in their URL, so browsers keep them until the next deployment.
_FOREVER = "public, max-age=31536000, immutable"
#: The page runs only scripts of this API, calls only this API and its bucket, and cannot be framed.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self' {bucket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(bucket: "Bucket", request: HttpRequest) -> Response:
    """Return the page; it may also call the bucket, for uploads and large results."""
    policy = _POLICY.format(bucket=_origin(bucket))
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


def _origin(bucket: "Bucket") -> str:
    """Return the origin of the bucket's presigned URLs."""
    url = urlsplit(bucket.url_to_put("uploads/any", 1, "text/plain"))
    return f"{url.scheme}://{url.netloc}"
