"""The calls that `make up` prints, ready to paste."""

TEXT = """
nowlater is served at {url}, with the key

  export KEY={key}

Answered now:

  curl -s {url}/sync/text-stats -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"input": {{"text": "To be, or not to be."}}}}'

A job now, the answer later:

  curl -si {url}/async/text-stats -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"input": {{"text": "That is the question."}}}}'

Whatever is done within 10 seconds now, the rest later:

  curl -si {url}/hybrid/sleep -H "Authorization: Bearer $KEY" -H 'Prefer: wait=10' \\
    -H 'Content-Type: application/json' -d '{{"input": {{"seconds": 1}}}}'

How your newest job is doing:

  curl -s "{url}/jobs?limit=1" -H "Authorization: Bearer $KEY"

Each job's end is shown below as its notification arrives. What you save is served within seconds.
Ctrl-C ends it all; jobs are not kept.
"""


def show(url: str, key: str) -> None:
    """Print one call for each door, and one for the status."""
    print(TEXT.format(url=url, key=key), flush=True)
