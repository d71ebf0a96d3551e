"""A caller of the API, who knows nothing but its URL and a key."""

from typing import Any

import requests

from tests.e2e.patience import PATIENCE_S, eventually

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
            method, url, timeout=PATIENCE_S, **{"allow_redirects": False} | options
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
            to["method"], to["url"], data=data, headers=to["headers"], timeout=PATIENCE_S
        )
        assert put.status_code == 200, put.text
        return to["use"]

    def see(self, job: Any) -> Any:
        """Return a job as it is now."""
        answer = self.get(job["links"]["self"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self, job: Any, within_s: float = PATIENCE_S) -> Any:
        """Poll a job until it has ended, and return it."""
        if job["status"] in ENDED:
            return job
        return eventually(
            lambda: self.see(job), lambda seen: seen["status"] in ENDED, within_s=within_s
        )

    def running(self, job: Any) -> Any:
        """Poll a job until its operation has reported progress, and return it."""
        return eventually(lambda: self.see(job), lambda seen: seen["progress"] is not None)

    def result(self, job: Any) -> requests.Response:
        """Return an ended job's result, from wherever it lies."""
        answer = self.get(job["links"]["result"])
        if answer.status_code == 303:
            return requests.get(answer.headers["Location"], timeout=PATIENCE_S)
        return answer

    def close(self) -> None:
        self._session.close()
