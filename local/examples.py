"""The example calls that `make up` prints."""

TEXT = """
nowlater is served at {url}. The console, to see jobs and try operations in a browser:

  {url}/console#key={key}

Your API key:

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

Completion events of jobs are shown below. Changed source files are served within seconds.
Ctrl-C stops everything and deletes all jobs.
"""


def show(url: str, key: str) -> None:
    """Print one call for each door, and one for a job's status."""
    print(TEXT.format(url=url, key=key), flush=True)
