"""The routes of a Lambda, and the one place where errors become problem responses.

API Gateway has matched the route already, and the event names it as template.yaml spells it: so a
Lambda's routes are a dict. (A routing library would double the cold start of the fastest Lambdas.)
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


class _RouteEntry(NamedTuple):
    """A route, and its query parameters: those that may appear once, and those that may repeat."""

    route: Route
    once: Collection[str]
    often: Collection[str]


class Api:
    """The routes of one Lambda; exceptions become problem responses.

    `failures` are the exceptions of AWS clients: they become 503 `try-again`.
    """

    def __init__(self, public_url: str, failures: Iterable[type[Exception]] = ()) -> None:
        self._public_url = public_url
        self._failures = tuple(failures)
        self._routes: dict[str, _RouteEntry] = {}

    @property
    def public_url(self) -> str:
        """The URL that links begin with; empty: the domain of each request."""
        return self._public_url

    @property
    def routes(self) -> list[str]:
        return list(self._routes)

    def route(
        self, key: str, *, once: Collection[str] = (), often: Collection[str] = ()
    ) -> Callable[[Route], Route]:
        """Serve a route, spelled as in the template: `GET /jobs/{id}`; GET routes serve HEAD too.

        `once` are the query parameters that may appear once, `often` those that may repeat.
        """

        def serve(route: Route) -> Route:
            entry = _RouteEntry(route, once, often)
            self._routes[key] = entry
            if key.startswith("GET "):
                self._routes[f"HEAD {key.removeprefix('GET ')}"] = entry
            return route

        return serve

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the response to an event of API Gateway; raise nothing."""
        request = HttpRequest(event, self._public_url)
        try:
            entry = self._routes.get(event["routeKey"]) or _raise_no_route(request)
            request.check_query(entry.once, entry.often)
            response = entry.route(request)
        except Exception as fault:
            response = _refuse(self._problem_of(fault), request)
        if request.is_head:
            # No Content-Length either: API Gateway replaces it by the length of what it receives.
            response = replace(response, body=None)
        return response.to_lambda()

    def _problem_of(self, fault: Exception) -> Problem:
        """Return the problem that an exception becomes; log those that are not the caller's fault."""
        if isinstance(fault, Problem):
            return fault
        if isinstance(fault, Unreadable):
            records.log(fault)
            return Problem(
                "internal-error",
                f"{fault.what} cannot be read. Other records are not affected. The fault was logged; "
                "contact the operator of this API.",
            )
        if isinstance(fault, self._failures):
            logger.exception("aws_call_failed", exc_info=fault)
            return Problem(
                "try-again",
                "A part of the service did not respond. Send the request again, with the same "
                "idempotency key.",
                headers={"Retry-After": "2"},
            )
        logger.exception("unexpected_error", exc_info=fault)
        detail = "The service has a fault. It was logged; contact the operator of this API."
        return Problem("internal-error", detail)


def _refuse(problem: Problem, request: HttpRequest) -> Response:
    logger.info("request_refused", extra={"problem": problem.name})
    response = problem_response(problem.record(), request)
    return replace(response, headers=dict(response.headers) | problem.headers)


def _raise_no_route(request: HttpRequest) -> _RouteEntry:
    """Raise Problem `wrong-method` or, where the path is unknown, `unknown-route`."""
    from nowlater.api.routes import methods_of  # imported only for these requests: 3 ms

    route = f"{request.method} {request.path}"[:200]
    if methods := methods_of(request.path):
        allowed = ", ".join(methods)
        detail = f"There is no {route}: this path allows {allowed}."
        raise Problem("wrong-method", detail, headers={"Allow": allowed})
    raise Problem("unknown-route", f"There is no {route}; see {request.base}/operations.")
