"""The example calls that `make up` prints."""

from pathlib import Path

TEXT = """
nowlater is served at {url}. Your API key:

  export KEY={key}

Get the result at once:

  curl -s {url}/sync/text-stats -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"input": {{"text": "To be, or not to be."}}}}'

Submit a job, and get its result later:

  curl -si {url}/async/text-stats -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"input": {{"text": "That is the question."}}}}'

Wait up to 10 seconds for the result, else get a job:

  curl -si {url}/hybrid/sleep -H "Authorization: Bearer $KEY" -H 'Prefer: wait=10' \\
    -H 'Content-Type: application/json' -d '{{"input": {{"seconds": 1}}}}'

See the status of your newest job:

  curl -s "{url}/jobs?limit=1" -H "Authorization: Bearer $KEY"

Have a webhook sent when a job ends; the receiver there checks its signature:

  curl -s {url}/async/text-stats -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"input": {{"text": "Words."}},
    "callback": {{"url": "{webhooks}"}}}}'

Below: what your operations print, errors, ends of jobs, webhooks. All of it is
also in {log}. Changed files are served within seconds.
Ctrl-C stops. The key stays valid; make up KEEP=1 keeps jobs too.
"""


def show(url: str, key: str, webhooks: str, log: Path) -> None:
    """Print one call for each door, one for a job's status, and one with a webhook."""
    print(TEXT.format(url=url, key=key, webhooks=webhooks, log=log), flush=True)
