"""The API's manual as Describe serves it: OpenAPI, AsyncAPI, and the page for people."""

import gzip
import re

import pytest

from tests.integration.lambdas import Reply
from tests.integration.world import World

BASE = "https://api.example.com"
DOCUMENTS = ["openapi", "asyncapi", "docs", "docs-file", "console", "console-file"]


@pytest.mark.parametrize("name", ["openapi", "asyncapi"])
def test_the_links_of_a_document_start_with_the_domain_that_was_called(
    world: World, name: str
) -> None:
    one, other = (world.call(name, domain=d) for d in ("a.example", "b.example"))

    assert one.status == 200
    assert one.headers["content-type"] == "application/json"
    assert b"nowlater.invalid" not in one.body
    assert one.body.replace(b"https://a.example", b"https://b.example") == other.body
    assert one.headers["etag"] != other.headers["etag"]


def test_a_host_that_is_no_host_does_not_break_the_document(world: World) -> None:
    reply = world.call("openapi", domain='x"}], "evil": [{"y": "\\')

    assert reply.json["servers"][0]["url"].startswith('https://x"}]')
    assert "evil" not in reply.json


def test_the_operations_in_it_are_those_that_are_served(world: World) -> None:
    paths = world.call("openapi").json["paths"]
    world.restart("describe", diagnostics=False)
    fewer = world.call("openapi").json["paths"]

    assert {"/sync/text-stats", "/async/text-stats", "/hybrid/text-stats"} <= fewer.keys()
    assert {"/sync/echo", "/async/sleep"} <= paths.keys() - fewer.keys()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_reader_has_seen_is_not_sent_again(world: World, name: str) -> None:
    first = world.call(name)
    again = world.call(name, headers={"if-none-match": f'"other", {first.headers["etag"]}'})

    assert (first.status, first.headers["cache-control"]) == (200, "no-cache")
    assert (again.status, again.body) == (304, b"")
    assert world.call(name, headers={"if-none-match": '"other"'}).body == first.body


def file(world: World, name: str, **headers: str) -> Reply:
    return world.call("docs-file", file=name, headers={"accept-encoding": "br"} | headers)


def test_the_page_loads_what_is_beside_it_and_nothing_else(world: World) -> None:
    page = world.call("docs")
    policy = page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert b"<script>" not in page.body
    for url in set(loaded) - {"openapi.json"}:
        assert file(world, url.removeprefix("docs/")).status == 200


@pytest.mark.parametrize(
    ("name", "kind", "starts"),
    [
        ("start.js", "text/javascript", b"SwaggerUIBundle("),
        ("swagger-ui-bundle.js", "text/javascript", b"/*! For license"),
        ("favicon-32x32.png", "image/png", b"\x89PNG"),
        ("LICENSE.txt", "text/plain", b""),
    ],
)
def test_a_file_of_the_page_is_sent_compressed_if_the_client_accepts_it(
    world: World, name: str, kind: str, starts: bytes
) -> None:
    plain, small = file(world, name), file(world, name, **{"accept-encoding": "gzip, br"})

    assert plain.headers["content-type"].partition(";")[0] == kind
    assert plain.body.startswith(starts)
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "../index.json", "..", "docs.html", "start.js.gz", "%2e%2e/x.js", "a/b.js"],
)
def test_no_other_file_is_sent(world: World, name: str) -> None:
    reply = file(world, name)

    assert (reply.status, reply.problem) == (404, "unknown-route")


def console_file(world: World, name: str, version: str, **headers: str) -> Reply:
    headers = {"accept-encoding": "gzip"} | headers
    return world.call("console-file", version=version, file=name, headers=headers)


def version_of(page: Reply) -> str:
    (version,) = set(re.findall(r"console/([0-9a-f]{12})/", page.body.decode()))
    return version


def test_the_console_runs_its_own_scripts_and_calls_only_the_api_and_its_bucket(
    world: World,
) -> None:
    page = world.call("console")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["connect-src"].split()[0] == "'self'"
    assert len(policy["connect-src"].split()) == 2


def test_an_upload_goes_to_an_address_that_the_console_may_call(world: World) -> None:
    allowed = world.call("console").headers["content-security-policy"]
    upload = world.call("upload").json["url"]

    assert f"connect-src 'self' {upload.partition('/uploads/')[0]};" in allowed


def test_browsers_keep_the_consoles_files_while_their_version_is_deployed(world: World) -> None:
    page = world.call("console")
    version = version_of(page)
    loaded = set(re.findall(r'(?:src|href)="console/\w+/([^"]+)"', page.body.decode()))

    assert loaded == {"console.css", "console.js", "icon.svg"}
    assert page.headers["cache-control"] == "no-cache"
    for name in loaded:
        current, other = (console_file(world, name, v) for v in (version, "0123456789ab"))
        assert (current.status, other.status) == (200, 200)
        assert current.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert other.headers["cache-control"] == "no-cache"
        assert gzip.decompress(current.body) == gzip.decompress(other.body)


@pytest.mark.parametrize("name", ["nothing.js", "version", "..", "console.js.gz", "../docs.html"])
def test_the_console_has_no_other_files(world: World, name: str) -> None:
    reply = console_file(world, name, "0123456789ab")

    assert (reply.status, reply.problem) == (404, "unknown-route")
