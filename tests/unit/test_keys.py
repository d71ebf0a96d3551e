"""API keys."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from nowlater.access.api_keys import SCOPES, Key, find, issue
from nowlater.access.authenticate import Access, authenticate
from tests.unit.jobs import HOUR, NOW


class Items:
    """The table, as far as keys go: a dict."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}

    def put_if(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> None:
        self.items[item["PK"], item["SK"]] = item

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self.items.get((pk, sk))


def shown(table: Items, header: str) -> Access | None:
    """Return what an Authorization header gives access to, where there is no issuer."""
    settings = SimpleNamespace(jwt_issuer="")
    return authenticate(SimpleNamespace(table=table, settings=settings, clock=lambda: NOW), header)


def of(key: Key) -> Access:
    return Access(key.owner, key.scopes, key.id)


def test_a_key_is_good_for_its_owner_and_scopes() -> None:
    table = Items()
    key, token = issue(table, "acme", now=NOW)
    found = find(table, token, NOW)

    assert found == key
    assert (found.owner, found.scopes) == ("acme", SCOPES)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_written_in_any_case(scheme: str) -> None:
    table = Items()
    key, token = issue(table, "acme", now=NOW)

    assert shown(table, f"{scheme} {token}") == of(key)


def test_the_table_never_sees_the_secret() -> None:
    table = Items()
    key, token = issue(table, "acme", now=NOW)
    secret = token.removeprefix(f"nl_{key.id}_")

    assert len(secret) == 43
    assert secret not in json.dumps(list(table.items.values()))


def test_two_keys_have_nothing_in_common() -> None:
    table = Items()
    (one, first), (other, second) = (issue(table, "acme", now=NOW) for _ in range(2))

    assert one.id != other.id
    assert find(table, f"nl_{one.id}_{second[-43:]}", NOW) is None
    assert find(table, first, NOW) == one


def test_a_key_is_good_until_it_expires() -> None:
    table = Items()
    key, token = issue(table, "acme", now=NOW, expires=NOW + HOUR)

    assert find(table, token, NOW + HOUR - 1) == key
    assert find(table, token, NOW + HOUR) is None


def test_a_key_can_be_for_some_scopes_alone() -> None:
    table = Items()
    _, token = issue(table, "acme", now=NOW, scopes=("read",))

    assert find(table, token, NOW).scopes == ("read",)


@pytest.mark.parametrize("form", ["{}", "Basic {}", "Bearer{}", "Bearer {}x", "Bearer x{}", "Bearer {} {}", ""])  # fmt: skip
def test_what_is_no_bearer_token_has_no_owner(form: str) -> None:
    table = Items()
    _, token = issue(table, "acme", now=NOW)

    assert shown(table, form.replace("{}", token)) is None


def test_a_wrong_secret_has_no_owner() -> None:
    table = Items()
    _, token = issue(table, "acme", now=NOW)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")

    assert find(table, wrong, NOW) is None


def test_an_unknown_key_has_no_owner() -> None:
    assert find(Items(), f"nl_{'0' * 12}_{'a' * 43}", NOW) is None


@pytest.mark.parametrize("owner", ["a", "acme", "a.b_c@d-e", "A" * 64, "jwt-" + "0" * 40])
def test_an_owner_has_a_name_that_fits_everywhere(owner: str) -> None:
    assert issue(Items(), owner, now=NOW)[0].owner == owner


@pytest.mark.parametrize("owner", ["", ".", "..", "a b", "a#b", "a/b", "é", "a\n", "A" * 65, "*"])
def test_other_names_are_refused(owner: str) -> None:
    with pytest.raises(ValueError, match="cannot be an owner"):
        issue(Items(), owner, now=NOW)


@pytest.mark.parametrize("scopes", [(), ("write",), ("read", "write")])
def test_scopes_must_be_known_and_at_least_one(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scopes are"):
        issue(Items(), "acme", now=NOW, scopes=scopes)


@pytest.mark.parametrize(
    "token",
    ["a.b", "a.b.c.d", "a..c", ".b.c", "a.b.", "a.b.c=", "a.b.c!", "a.b.ç", "a.b.c d", ".."],
)
def test_what_does_not_look_like_a_jwt_has_no_owner_and_no_issuer_is_asked(token: str) -> None:
    settings = SimpleNamespace(jwt_issuer="https://id.example.com", jwt_audience="api")
    without_issuer = SimpleNamespace(table=Items(), settings=settings, clock=lambda: NOW)

    assert authenticate(without_issuer, f"Bearer {token}") is None
    with pytest.raises(AttributeError, match="issuer"):
        authenticate(without_issuer, "Bearer a.b.c")
