"""The example calls that `make up` prints: of the sample text-stats, or of an operation of the project."""

import json
import shlex
from pathlib import Path

_SAMPLE = "text-stats"
#: What is called where no operation has a short example.
_DIAGNOSTIC = ("echo", '{"input": {"value": "To be, or not to be."}}')
_LONGEST = 200
TEXT = """
nowlater is served at {url}.

The console, to see jobs and try operations in a browser:

  {url}/console#key={key}

Your API key:

  export KEY={key}

Get the result at once:

  curl -s {url}/sync/{name} -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d {body}

Submit a job, and get its result later:

  curl -si {url}/async/{name} -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d {body}

Wait up to 10 seconds for the result, else get a job:

  curl -si {url}/hybrid/sleep -H "Authorization: Bearer $KEY" -H 'Prefer: wait=10' \\
    -H 'Content-Type: application/json' -d '{{"input": {{"seconds": 1}}}}'

See the status of your newest job:

  curl -s "{url}/jobs?limit=1" -H "Authorization: Bearer $KEY"

Have a webhook sent when a job ends; the receiver there checks its signature:

  curl -s {url}/async/{name} -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' \\
    -d {with_callback}

Below: what your operations print, errors, ends of jobs, webhooks. All of it is
also in {log}. Changed files are served within seconds.
Ctrl-C stops. The key stays valid; make up KEEP=1 keeps jobs too.
"""


def show(url: str, key: str, webhooks: str, home: Path) -> None:
    """Print one call for each door, one for a job's status, and one with a webhook.

    The build and the log are in the folder `home`.
    """
    name, body = _example(home / "build/CatalogueLayer/python/nowlater_catalogue/manual")
    log, given = home / "output.log", json.loads(body)
    with_callback = json.dumps(given | {"callback": {"url": webhooks}}, ensure_ascii=False)
    text = TEXT.format(
        url=url,
        key=key,
        webhooks=webhooks,
        log=log,
        name=name,
        body=shlex.quote(body),
        with_callback=shlex.quote(with_callback),
    )
    print(text, flush=True)


def _example(manual: Path) -> tuple[str, str]:
    """Return an operation that is served at each door, and a body for it, as the API's description has it."""
    paths = json.loads((manual / "openapi.json").read_text())["paths"]
    found = {}
    for path, methods in paths.items():
        _, door, *rest = path.split("/")
        if door == "sync" and rest and f"/async/{rest[0]}" in paths:
            content = methods["post"]["requestBody"]["content"]["application/json"]
            found[rest[0]] = json.dumps(content.get("example"), ensure_ascii=False)
    suitable = {name: body for name, body in found.items() if len(body) <= _LONGEST}
    for name in (_SAMPLE, *suitable):
        if suitable.get(name, "null") != "null":
            return name, suitable[name]
    return _DIAGNOSTIC
