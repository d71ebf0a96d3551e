"""The layout: imports go one way, folders, template and samples agree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.template import load as load_template
from tests import stack

LAYER = stack.ROOT / "layers/nowlater/nowlater"
FUNCTIONS = stack.ROOT / "functions"
MODULES = sorted(path for path in LAYER.rglob("*.py") if path != LAYER / "__init__.py")
APPS = stack.apps()

#: The packages, each of which imports from those before it alone. The modules beside them (settings,
#: problems, services, …) may be imported by all; of these, `services` imports from each when asked.
PACKAGES = (
    *("outbound", "aws", "runtime", "jobs", "access", "notifications"),
    *("worker", "doors", "api"),
)
#: The only places that may import a package, or use a name of the standard library.
ONLY: dict[str, tuple[str, ...]] = {
    "boto3": (),
    "botocore": ("aws/", "worker/invoke"),
    "aws_lambda_powertools": ("log",),
    "environ": ("settings", "runtime/environment"),
    "getenv": (),
    "joserfc": ("access/jwt",),
    "urlopen": (),
    "build_opener": ("access/jwks",),
    "socket": ("outbound/",),
    "ssl": ("outbound/",),
}


def imports(path: Path) -> set[str]:
    """Return the modules that a module imports as it is loaded or used, not for types alone."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(path: Path) -> set[str]:
    """Return the modules of the framework that a module imports, by their paths in the layer."""
    found = set()
    for imported in imports(path):
        if imported.startswith("nowlater."):
            parts = imported.split(".")[1:]
            while parts and not (LAYER / f"{'/'.join(parts)}.py").exists():
                parts.pop()
            found.add("/".join(parts) or "__init__")
    return found


def place(path: Path) -> str:
    """Return a module's path in the layer, without its suffix."""
    return path.relative_to(LAYER).with_suffix("").as_posix()


def name(path: Path) -> str:
    return path.parent.name if path.name == "app.py" else path.relative_to(stack.ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_from_those_before_it_alone(package: str) -> None:
    allowed = {*PACKAGES[: PACKAGES.index(package) + 1]}
    used = {to for path in (LAYER / package).glob("*.py") for to in ours(path) if "/" in to}

    assert {to for to in used if to.split("/")[0] not in allowed} == set()


def test_all_packages_are_in_that_order() -> None:
    assert {path.parent.name for path in LAYER.glob("*/__init__.py")} == {*PACKAGES}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_packages_and_the_environment_are_used_in_one_place_each(path: Path) -> None:
    used = {part for module in imports(path) for part in module.split(".")}
    used |= {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}

    for what, places in ONLY.items():
        assert what not in used or place(path).startswith(places), what


@pytest.mark.parametrize("path", APPS, ids=name)
def test_a_lambda_does_not_use_those_packages_itself(path: Path) -> None:
    assert {part for module in imports(path) for part in module.split(".")}.isdisjoint(ONLY)


@pytest.mark.parametrize("what", [what for what, places in ONLY.items() if places])
def test_each_place_uses_what_it_alone_may_use(what: str) -> None:
    text = "".join(p.read_text() for p in MODULES if place(p).startswith(ONLY[what]))

    assert what in text


@pytest.mark.parametrize("path", [*MODULES, *APPS], ids=name)
def test_nothing_imports_a_lambda(path: Path) -> None:
    assert not [module for module in imports(path) if module.split(".")[0] in ("functions", "app")]


def test_imports_go_round_in_no_circle() -> None:
    unsorted = {place(path): ours(path) - {"__init__", place(path)} for path in MODULES}
    while free := {module for module, needs in unsorted.items() if not needs & unsorted.keys()}:
        unsorted = {module: needs for module, needs in unsorted.items() if module not in free}

    assert unsorted == {}


def test_no_tests_import_from_other_tests() -> None:
    paths = (stack.ROOT / "tests").rglob("*.py")
    imported = {module for path in paths for module in imports(path)}

    assert [
        module for module in sorted(imported) if re.match(r"tests\..*\btest_\w+\.", module)
    ] == []


@pytest.mark.parametrize("path", [*MODULES, *APPS], ids=name)
def test_a_module_says_in_its_first_line_what_it_is_for(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text())) or ""

    assert said.splitlines()[0].endswith((".", ":", ","))
    if path in APPS:
        assert said.startswith("Invoked ")


# ── folders and template ──────────────────────────────────────────────────────────────────────

TEMPLATE = stack.template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
LAMBDAS = {n: r for n, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}


def folder(logical_id: str) -> str:
    """Return the folder of a Lambda: words in small letters, joined by _."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).lower()


def routes(logical_id: str) -> set[str]:
    """Return the routes that the template gives to a Lambda."""
    events = LAMBDAS[logical_id]["Properties"].get("Events", {}).values()
    given = [e["Properties"] for e in events if e["Type"] == "HttpApi"]
    return {f"{e['Method']} {e['Path']}" if "Path" in e else "$default" for e in given}


def test_each_folder_is_a_lambda_and_each_lambda_a_folder() -> None:
    folders = {path.name for path in FUNCTIONS.iterdir() if path.name != "__pycache__"}
    # Those of the template's users too, who may call them as they like.
    code = [r.get("Properties", {}).get("CodeUri") for r in load_template()["Resources"].values()]

    assert folders == {Path(at).name for at in code if str(at).startswith("functions/")}
    assert {folder(logical_id) for logical_id in LAMBDAS} <= folders


@pytest.mark.parametrize("logical_id", LAMBDAS)
def test_a_lambda_its_folder_and_its_role_share_a_name(logical_id: str) -> None:
    properties = LAMBDAS[logical_id]["Properties"]

    assert properties["CodeUri"] == f"functions/{folder(logical_id)}/"
    assert properties["Role"] == {"Fn::GetAtt": [f"{logical_id}Role", "Arn"]}
    assert RESOURCES[f"{logical_id}Role"]["Properties"]["Policies"][0]["PolicyName"] == logical_id


@pytest.mark.parametrize("logical_id", LAMBDAS)
def test_a_lambda_is_one_file(logical_id: str) -> None:
    files = [p.name for p in (FUNCTIONS / folder(logical_id)).iterdir() if p.is_file()]

    assert files == ["app.py"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a Lambda needs to be imported: names, none of which is called."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    numbers = {k: str(v["Default"]) for k, v in TEMPLATE["Parameters"].items()}
    for variable, value in TEMPLATE["Globals"]["Function"]["Environment"]["Variables"].items():
        monkeypatch.setenv(variable, numbers.get(value["Ref"], f"https://example.com/{variable}"))


@pytest.mark.parametrize("logical_id", [n for n in LAMBDAS if routes(n)])
def test_a_lambda_serves_the_routes_that_the_template_gives_it(
    logical_id: str, environment: None
) -> None:
    app = stack.load(folder(logical_id))

    assert set(app.api.routes) == routes(logical_id) - {"$default"}


# ── sample events ─────────────────────────────────────────────────────────────────────────────

EVENTS = sorted(path.stem for path in (stack.ROOT / "events").glob("*.json"))
ROUTES = {route for logical_id in LAMBDAS for route in routes(logical_id)}


def sources(event: dict[str, Any]) -> Iterator[str]:
    """Yield the logical ids of what an event says that it comes from; a route is one of these."""
    if "routeKey" in event:
        assert event["routeKey"] == event["requestContext"]["routeKey"]
        yield event["routeKey"]
    arns = [record["eventSourceARN"] for record in event.get("Records", [])]
    for arn in [*arns, *event.get("resources", [])]:
        yield arn.partition("nowlater-")[2].partition("/")[0]


@pytest.mark.parametrize("event", EVENTS)
def test_the_source_of_a_sample_event_exists(event: str) -> None:
    rules = {
        f"{n}{e}" for n, r in LAMBDAS.items() for e in r["Properties"].get("Events", {})
    }  # SAM names a rule after the Lambda and its event
    known = {*ROUTES, *RESOURCES, *rules}
    found = list(sources(stack.event(event)))

    assert found
    assert set(found) <= known


def test_each_lambda_has_a_sample_event() -> None:
    found = [source for event in EVENTS for source in sources(stack.event(event))]
    for logical_id, made in LAMBDAS.items():
        wakers = routes(logical_id) | {
            f"{logical_id}{e}" for e in made["Properties"].get("Events", {})
        }
        wakers |= set(re.findall(r"(\w+Queue|Table)\b", str(made["Properties"].get("Events", {}))))

        assert logical_id == "Authorize" or wakers & set(found), logical_id


def test_a_route_in_a_sample_event_fits_its_path() -> None:
    for event in map(stack.event, EVENTS):
        route = event.get("routeKey", "$default")
        if route != "$default":
            method, _, path = route.partition(" ")
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))

            assert event["requestContext"]["http"]["method"] == method
            assert re.fullmatch(pattern, event["rawPath"]), (route, event["rawPath"])
