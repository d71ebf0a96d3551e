"""The routes that the build describes are those that the template, the Lambdas and the docs have."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from described import parameters
from nowlater import problems
from nowlater.api.routes import OF_JOBS, ROUTES, Route
from tests import stack

APPS = stack.apps()
HTTP = (stack.ROOT / "docs/http-api.md").read_text()


def in_app(path: Path) -> dict[str, str | None]:
    """Return each route that a Lambda serves, and the scope that it asks for."""
    found = {}
    for function in ast.walk(ast.parse(path.read_text())):
        keys = [_argument(d, "api.route") for d in getattr(function, "decorator_list", [])]
        for key in filter(None, keys):
            asked = [_argument(node, "request.caller") for node in ast.walk(function)]
            found[key] = next(filter(None, asked), None)
    return found


def _argument(node: Any, function: str) -> str | None:
    """Return the first argument of a call of this function, if that is what the node is."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
        return str(ast.literal_eval(node.args[0]))
    return None


def test_the_template_has_these_routes_and_opens_those_without_a_scope() -> None:
    named = {key: route.scope is not None for route in ROUTES for key in route.keys}

    assert stack.routes() == named | {"$default": False}


def test_the_lambdas_serve_these_routes_and_ask_for_these_scopes() -> None:
    served = {key: scope for path in APPS for key, scope in in_app(path).items()}

    assert served == {route.key: route.scope for route in ROUTES}


def queries_in_app(path: Path) -> dict[str, set[str]]:
    """Return the parameters that each route of a Lambda takes."""
    return {
        str(ast.literal_eval(node.args[0])): {
            name for keyword in node.keywords for name in ast.literal_eval(keyword.value)
        }
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "api.route"
    }


def test_the_lambdas_take_the_parameters_that_are_described() -> None:
    taken = {key: names for path in APPS for key, names in queries_in_app(path).items()}

    assert taken == {r.key: {p["name"] for p in parameters.in_query(r)} for r in ROUTES}


def test_each_route_has_an_id_of_its_own() -> None:
    assert len({route.id for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_the_problems_of_a_route_exist(route: Route) -> None:
    assert set(route.problems) <= problems.KINDS.keys()
    assert "internal-error" in route.problems
    assert ("missing-scope" in route.problems) == (route.scope is not None)


def test_every_problem_that_a_job_can_have_is_one_of_its_result() -> None:
    (result,) = [route for route in ROUTES if route.id == "getResult"]

    assert set(OF_JOBS) <= set(result.problems)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_every_route_is_in_the_docs(route: Route) -> None:
    table = HTTP.partition("\n| call | status |\n")[2].partition("\n\n")[0]
    calls = set(re.findall(r"[A-Z]+ (/[^`\s,]+)", table))

    assert route.path in calls
