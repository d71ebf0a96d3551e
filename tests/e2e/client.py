"""A caller of the API, who knows nothing but its URL and a key."""

import time
from typing import Any

import requests

ENDED = ("succeeded", "failed", "canceled")


class Client:
    """Calls with a key; answers are `requests.Response`s."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url, self._session = url.rstrip("/"), requests.Session()
        if key is not None:
            self._session.headers["Authorization"] = f"Bearer {key}"

    @property
    def authorization(self) -> str:
        """The header that it sends."""
        return str(self._session.headers["Authorization"])

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request to a path, or to the whole URL that a link gives."""
        url = path if path.startswith("http") else self.url + path
        return self._session.request(
            method, url, timeout=40, **{"allow_redirects": False} | options
        )

    def ask(self, door: str, operation: str, given: Any, **more: Any) -> requests.Response:
        """Ask for an operation; `headers` are headers, what else is given goes into the body."""
        headers = more.pop("headers", {})
        body = {"input": given} | more
        return self.call("POST", f"/{door}/{operation}", json=body, headers=headers)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def submit(self, operation: str, given: Any, **more: Any) -> Any:
        """Submit a job at the async door, which must take it; return the job."""
        answer = self.ask("async", operation, given, **more)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def upload(self, data: bytes, media_type: str) -> Any:
        """Upload a file; return the input that refers to it."""
        made = self.call("POST", "/uploads", json={"size": len(data), "media_type": media_type})
        assert made.status_code == 201, made.text
        to = made.json()
        # Not by the session: the URL alone is the right to put something there.
        put = requests.request(
            to["method"], to["url"], data=data, headers=to["headers"], timeout=60
        )
        assert put.status_code == 200, put.text
        return to["use"]

    def ended(self, job: Any, within_s: float = 30) -> Any:
        """Poll a job until it has ended, and return it."""
        until = time.monotonic() + within_s
        while job["status"] not in ENDED:
            assert time.monotonic() < until, f"not ended within {within_s} s: {job}"
            time.sleep(0.1)
            answer = self.get(job["links"]["self"])
            assert answer.status_code == 200, answer.text
            job = answer.json()
        return job

    def result(self, job: Any) -> requests.Response:
        """Return an ended job's result, from wherever it lies."""
        answer = self.get(job["links"]["result"])
        if answer.status_code == 303:
            return requests.get(answer.headers["Location"], timeout=60)
        return answer

    def close(self) -> None:
        self._session.close()
