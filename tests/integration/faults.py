"""Calls to AWS that fail on demand: before they have an effect, or after it, their reply lost."""

import io
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.core.models import botocore_stubber

#: Stands in for AWS: given a request, returns the answer, raises, or (None) leaves it to moto.
type Answerer = Callable[[Any], AWSResponse | None]


#: How often botocore tries a call.
TRIES = 3


def answered(url: str, status: int, body: bytes, **headers: str) -> AWSResponse:
    """Return an answer of AWS."""
    raw = io.BytesIO(body)
    raw.stream = lambda **_: iter([raw.read()])  # type: ignore[attr-defined]
    return AWSResponse(url, status, headers, raw)


class Faults:
    """What AWS does to the next calls, by `service.Operation`; all others reach moto."""

    def __init__(self) -> None:
        self._planned: dict[str, list[Answerer]] = {}
        self._always: dict[str, Answerer] = {}

    def clear(self) -> None:
        self._planned.clear()
        self._always.clear()

    def always(self, call: str, answerer: Answerer) -> None:
        self._always[call] = answerer

    def once(self, call: str, answerer: Answerer) -> None:
        self._planned.setdefault(call, []).append(answerer)

    def unreachable(self, call: str) -> None:
        """Let nothing come of this call, until `clear`."""
        self.always(call, _unreachable)

    def fails(self, call: str, answerer: Answerer | None = None) -> None:
        """Let the next such call fail, however often botocore tries: nothing comes of it."""
        for _ in range(TRIES):
            self.once(call, answerer or _unreachable)

    def unheard(self, call: str) -> None:
        """Have the next such call done as often as botocore tries, and lose each reply."""
        for _ in range(TRIES):
            self.lost_reply(call)

    def lost_reply(self, call: str, then: Callable[[], object] = lambda: None) -> None:
        """Have the next such call done, `then` something else, and lose the reply."""

        def lose(request: Any) -> AWSResponse:
            botocore_stubber(f"before-send.{call}", request)
            then()
            raise ReadTimeoutError(endpoint_url=request.url)

        self.once(call, lose)

    def before_send(self, event_name: str, request: Any, **_: Any) -> AWSResponse | None:
        """Handle botocore's event of this name, instead of moto's own handler."""
        call = event_name.removeprefix("before-send.")
        planned = self._planned.get(call)
        answerer = planned.pop(0) if planned else self._always.get(call)
        answer = answerer(request) if answerer is not None else None
        return botocore_stubber(event_name, request) if answer is None else answer

    def stand_in(self, emitter: Any) -> None:
        """Take moto's place in a session: botocore calls all handlers, also once one has answered."""
        emitter.unregister("before-send", botocore_stubber)
        emitter.register("before-send", self.before_send)

    def step_back(self, emitter: Any) -> None:
        emitter.unregister("before-send", self.before_send)
        emitter.register("before-send", botocore_stubber)


def _unreachable(request: Any) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url=request.url)


def unavailable(request: Any) -> AWSResponse:
    """Answer as AWS does while it cannot serve."""
    return answered(request.url, 503, b"")


class Killed(BaseException):
    """What happens to a Lambda whose process ends: nothing of it catches that."""


def kill(request: Any) -> None:
    raise Killed


def let(request: Any) -> None:
    """Let a call pass, so that the next one is the one that fails."""
