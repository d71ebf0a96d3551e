"""The routes of a Lambda, and the one place where errors become problem responses.

API Gateway has matched the route already, and names it in the event as template.yaml spells it:
so a Lambda's routes are a dict. (A router would double the start of what answers fastest.)
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, problem_response
from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.log import logger
from nowlater.problems import Problem

type Route = Callable[[HttpRequest], Response]


class _Served(NamedTuple):
    """A route, and the parameters of its query: those that can be there once, and more often."""

    route: Route
    once: Collection[str]
    often: Collection[str]


class Api:
    """The routes of one Lambda, answering with problem details where they raise.

    `failures` are the exceptions of a queue or table that does not answer: 503, try again.
    """

    def __init__(self, public_url: str, failures: Iterable[type[Exception]] = ()) -> None:
        self._public_url = public_url
        self._failures = tuple(failures)
        self._routes: dict[str, _Served] = {}

    @property
    def routes(self) -> list[str]:
        return list(self._routes)

    def route(
        self, key: str, *, once: Collection[str] = (), often: Collection[str] = ()
    ) -> Callable[[Route], Route]:
        """Serve a route, spelled as in the template: `GET /jobs/{id}`; what takes GET takes HEAD.

        `once` and `often` are the parameters that its query may have, once or more often.
        """

        def serve(route: Route) -> Route:
            served = _Served(route, once, often)
            self._routes[key] = served
            if key.startswith("GET "):
                self._routes[f"HEAD {key.removeprefix('GET ')}"] = served
            return route

        return serve

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer an event of the HTTP API; raises nothing."""
        request = HttpRequest(event, self._public_url)
        try:
            served = self._routes.get(event["routeKey"]) or _no_route(request)
            request.check_query(served.once, served.often)
            response = served.route(request)
        except Problem as problem:
            response = _of_problem(problem, request)
        except Unreadable as fault:
            records.log(fault)
            detail = (
                f"{fault.what} cannot be read; who runs the API was told. Others are not affected."
            )
            response = _of_problem(Problem("internal-error", detail), request)
        except self._failures:
            logger.exception("aws_call_failed")
            detail = (
                "A part of the service did not answer. Send it again, under its idempotency key."
            )
            response = _of_problem(
                Problem("try-again", detail, headers={"Retry-After": "2"}), request
            )
        except Exception:
            logger.exception("unexpected_error")
            detail = "This is a fault of ours; it was recorded."
            response = _of_problem(Problem("internal-error", detail), request)
        if request.is_head:
            # Nor its length: API Gateway counts the bytes that it is given, whatever we say.
            response = replace(response, body=None)
        return response.to_lambda()


def _of_problem(told: Problem, request: HttpRequest) -> Response:
    logger.info("request_refused", extra={"problem": told.name})
    made = problem_response(told.record(), request)
    return Response(made.status, made.body, dict(made.headers) | told.headers)


def _no_route(request: HttpRequest) -> _Served:
    """Raise the problem of what no route takes: its method, or its address."""
    from nowlater.api.routes import methods_of  # 3 ms, for these alone

    if methods := methods_of(request.place):
        allowed = ", ".join(methods)
        detail = f"There is no {request.line[:200]}, but there {'are' if len(methods) > 1 else 'is'} {allowed}."
        raise Problem("wrong-method", detail, headers={"Allow": allowed})
    raise Problem(
        "unknown-route", f"There is no {request.line[:200]}; see {request.base}/operations."
    )
