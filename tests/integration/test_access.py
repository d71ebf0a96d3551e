"""Every route, and everybody who may or may not use it: by the real authorizer, then the real Lambda."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nowlater.access import api_keys
from tests import stack
from tests.integration.credentials import EC, OTHER, RSA, authorized, table, trust
from tests.integration.lambdas import Reply
from tests.integration.world import START, World
from tests.issuer import Issuer, SigningKey
from tests.routes import BY_ID, ROWS, Row

NEEDS_KEY = stack.routes()
SCOPES = set(api_keys.SCOPES)
#: What API Gateway answers whom the authorizer does not let in.
NO_CREDENTIALS, DENIED = (401, None), (403, None)


class Callers:
    """Owners with keys and tokens, good and bad ones; each method returns an Authorization header."""

    def __init__(self, world: World, issuer: Issuer) -> None:
        self.world, self.issuer = world, issuer

    def key(self, owner: str = "acme", **how: Any) -> str:
        return f"Bearer {api_keys.issue(table(self.world), owner, now=START, **how)[1]}"

    def revoked(self) -> str:
        key, token = api_keys.issue(table(self.world), "acme", now=START)
        api_keys.revoke(table(self.world), key.id)
        return f"Bearer {token}"

    def rotated(self) -> str:
        key, token = api_keys.issue(table(self.world), "acme", now=START - 1)
        api_keys.rotate(table(self.world), key, now=START - 1, until=START)
        return f"Bearer {token}"

    def wrong(self) -> str:
        return f"{self.key()[:-43]}{self.key()[-43:]}"

    def jwt(self, key: SigningKey = RSA, **claims: Any) -> str:
        return f"Bearer {self.issuer.token(self.world.now, key, **claims)}"

    def let_in(self, authorization: str) -> Any:
        """Return what the authorizer says."""
        return authorized(self.world, authorization)


#: Who is refused before a Lambda is asked.
STRANGERS: dict[str, tuple[Callable[[Callers], str | None], tuple[int, None]]] = {
    "no key": (lambda _: None, NO_CREDENTIALS),
    "nothing": (lambda _: "", DENIED),
    "no bearer": (lambda callers: callers.key().replace("Bearer", "Basic"), DENIED),
    "a made-up key": (lambda _: f"Bearer nl_{'0' * 12}_{'x' * 43}", DENIED),
    "the id of one key and the secret of another": (lambda callers: callers.wrong(), DENIED),
    "an expired key": (lambda callers: callers.key(expires=START), DENIED),
    "a revoked key": (lambda callers: callers.revoked(), DENIED),
    "a key that was rotated long ago": (lambda callers: callers.rotated(), DENIED),
    "an expired token": (lambda callers: callers.jwt(exp=START / 1000), DENIED),
    "a token for others": (lambda callers: callers.jwt(aud="others"), DENIED),
    "a token without a signature of its issuer": (lambda callers: callers.jwt(OTHER), DENIED),
}


@pytest.fixture
def callers(world: World) -> Iterator[Callers]:
    with Issuer(RSA, EC) as issuer:
        trust(world, issuer.url)
        yield Callers(world, issuer)


def call(callers: Callers, route: str, authorization: str | None, job: str | None = None) -> Reply:
    """Call a route as API Gateway does: the Lambda is asked once the authorizer has let it be."""
    context: dict[str, Any] = {}
    if NEEDS_KEY[BY_ID[route].key]:
        if authorization is None:
            return Reply(401, {}, b'{"message": "Unauthorized"}')
        said = callers.let_in(authorization)
        if not said["isAuthorized"]:
            return Reply(403, {}, b'{"message": "Forbidden"}')
        context = said["context"]
    callers.world.calls.clear()
    about = {"id": job} if job else {}
    headers = {"idempotency-key": None, "if-none-match": None, "last-event-id": None}
    return callers.world.call(ROWS[route].event, **context, **about, headers=headers)


def job_for(callers: Callers, row: Row, owner: str = "acme") -> str | None:
    """Return a job of the owner's, as the row wants it."""
    if row.job is None:
        return None
    callback = {"url": "http://127.0.0.1:9/hooks"}
    job = str(callers.world.submit(owner=owner, callback=callback).json["id"])
    if row.job == "ended":
        callers.world.work()
    return job


def state(world: World) -> Any:
    kept = [item for item in world.items() if not item["PK"].startswith("APIKEY#")]
    return sorted(kept, key=str), world.messages(), sorted(world.objects())


def answered(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.problem


KEYED = [route.id for route in BY_ID.values() if NEEDS_KEY.get(route.key, True)]
OPEN = sorted(set(BY_ID) - set(KEYED))


def test_every_route_of_the_template_has_a_row() -> None:
    in_rows = {key for name in ROWS for key in BY_ID[name].keys} | {"$default"}

    assert in_rows == set(NEEDS_KEY)
    for name, row in ROWS.items():
        assert stack.event(row.event)["routeKey"] == BY_ID[name].key


def test_every_row_with_a_job_answers_other_owners_that_the_job_is_unknown() -> None:
    about_a_job = {route.id for route in BY_ID.values() if "{id}" in route.path}

    assert {name for name, row in ROWS.items() if row.other == (404, "unknown-job")} == about_a_job
    assert {name for name, row in ROWS.items() if row.job} == about_a_job


@pytest.mark.parametrize("route", KEYED)
def test_a_caller_without_a_key_is_refused(callers: Callers, route: str) -> None:
    job = job_for(callers, ROWS[route])
    headers = {who: make(callers) for who, (make, _) in STRANGERS.items()}
    before = state(callers.world)
    answers = {who: answered(call(callers, route, header, job)) for who, header in headers.items()}

    assert answers == {who: refusal for who, (_, refusal) in STRANGERS.items()}
    assert state(callers.world) == before


@pytest.mark.parametrize("route", KEYED)
@pytest.mark.parametrize("shown", ["key", "token"])
def test_without_its_scope_a_route_is_closed(callers: Callers, route: str, shown: str) -> None:
    scope = BY_ID[route].scope
    assert scope is not None
    others = sorted(SCOPES - {scope})
    token = callers.jwt(scope=" ".join(others))
    owner = callers.let_in(token)["context"]["owner"] if shown == "token" else "acme"
    job = job_for(callers, ROWS[route], owner)
    without = token if shown == "token" else callers.key(scopes=tuple(others))
    before = state(callers.world)
    reply = call(callers, route, without, job)

    assert answered(reply) == (403, "missing-scope")
    assert reply.json["scope"] == scope
    assert callers.world.calls == []
    assert state(callers.world) == before


@pytest.mark.parametrize("route", KEYED)
@pytest.mark.parametrize("shown", ["key", "token"])
def test_with_its_scope_alone_a_route_is_open(callers: Callers, route: str, shown: str) -> None:
    scope = BY_ID[route].scope
    assert scope is not None
    token = callers.jwt(scope=scope)
    owner = callers.let_in(token)["context"]["owner"] if shown == "token" else "acme"
    job = job_for(callers, ROWS[route], owner)
    reply = call(callers, route, token if shown == "token" else callers.key(scopes=(scope,)), job)

    assert answered(reply) == (ROWS[route].good, None)


@pytest.mark.parametrize("route", KEYED)
@pytest.mark.parametrize("shown", ["key", "token"])
def test_another_owner_finds_nothing(callers: Callers, route: str, shown: str) -> None:
    row = ROWS[route]
    job = job_for(callers, row)
    other = callers.key("other") if shown == "key" else callers.jwt()
    mine = [item for item in state(callers.world)[0] if "acme" in item["PK"]]
    reply = call(callers, route, other, job)

    assert answered(reply) == (row.other or (row.good, None))
    assert job is None or job not in reply.body.decode().replace(f"/jobs/{job}", "")
    assert [item for item in state(callers.world)[0] if "acme" in item["PK"]] == mine


@pytest.mark.parametrize("route", OPEN)
def test_a_public_route_is_open_to_all_callers(callers: Callers, route: str) -> None:
    headers = [make(callers) for make, _ in STRANGERS.values()] + [callers.key()]
    replies = [call(callers, route, header) for header in headers]

    assert BY_ID[route].scope is None
    assert {answered(reply) for reply in replies} == {(ROWS[route].good, None)}
    assert len({reply.body for reply in replies}) == 1
    assert callers.world.calls == []
