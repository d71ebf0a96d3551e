"""JWTs of the stack's issuer, as the authorizer takes them: the issuer is real, over loopback."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nowlater.access import api_keys
from nowlater.access.jwks import IssuerUnavailable, fetch
from tests import stack
from tests.integration.credentials import EC, NOBODY, OTHER, RSA, authorized, table, trust
from tests.integration.world import World
from tests.issuer import AUDIENCE, Issuer, SigningKey, b64, compact, hs256, signed

DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
BOTH = [DISCOVERY, KEYS]


@pytest.fixture
def issuer(world: World) -> Iterator[Issuer]:
    """The issuer that the stack trusts."""
    with Issuer(RSA, EC) as made:
        trust(world, made.url)
        yield made


def shown(world: World, token: str) -> Any:
    return authorized(world, f"Bearer {token}")


def owner(issuer: Issuer, subject: str = "ann") -> str:
    said = issuer.url.encode() + b"\x00" + subject.encode()
    return "jwt-" + hashlib.sha256(said).hexdigest()[:40]


# ── good tokens ───────────────────────────────────────────────────────────────────────────────


def test_a_good_token_is_the_owner_of_its_issuer_and_subject(world: World, issuer: Issuer) -> None:
    world.calls.clear()
    answer = shown(world, issuer.token(world.now))

    context = {"owner": owner(issuer), "scopes": "invoke read manage"}
    assert answer == {"isAuthorized": True, "context": context}
    assert world.calls == []
    assert shown(world, issuer.token(world.now, EC)) == answer


@pytest.mark.parametrize(
    "alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
)
def test_every_algorithm_with_a_public_half_is_taken(
    world: World, issuer: Issuer, alg: str
) -> None:
    issuer.keys.append(SigningKey("new", alg))

    assert shown(world, issuer.token(world.now, issuer.keys[-1]))["isAuthorized"]


def test_another_subject_and_another_issuer_are_other_owners(world: World, issuer: Issuer) -> None:
    with Issuer(RSA) as second:
        said = [shown(world, issuer.token(world.now, sub=sub)) for sub in ("ann", "bob", "Ann")]
        trust(world, second.url)
        said.append(shown(world, second.token(world.now)))

    assert len({answer["context"]["owner"] for answer in said}) == 4


@pytest.mark.parametrize(
    "sub", ["a b", "ä/ü", "\x00", "🙂" * 255, "auth0|5f7c8ec7c33c6c004bbafe82"]
)
def test_a_subject_may_be_anything(world: World, issuer: Issuer, sub: str) -> None:
    answer = shown(world, issuer.token(world.now, sub=sub))

    assert answer["context"]["owner"] == owner(issuer, sub)


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("read", "read"),
        ("manage invoke", "invoke manage"),
        ("openid profile", ""),
        ("", ""),
        (None, ""),
        ("READ reads nowlater:read read,invoke read\tinvoke", ""),
        ("  read  read ", "read"),
    ],
)
def test_scopes_are_our_words_in_the_claim_scope(
    world: World, issuer: Issuer, scope: str | None, scopes: str
) -> None:
    answer = shown(world, issuer.token(world.now, scope=scope))

    assert answer["context"]["scopes"] == scopes


def test_an_audience_may_be_one_of_several(world: World, issuer: Issuer) -> None:
    assert shown(world, issuer.token(world.now, aud=["other", AUDIENCE]))["isAuthorized"]


def test_a_header_that_we_do_not_know_is_ignored(world: World, issuer: Issuer) -> None:
    token = signed(issuer.claims(world.now), RSA, nonce="x", x5t="y", typ="at+jwt", x5c=["z" * 900])

    assert shown(world, token)["isAuthorized"]


def test_keys_are_as_good_as_before(world: World, issuer: Issuer) -> None:
    _, token = api_keys.issue(table(world), "acme", now=world.now)

    assert shown(world, token)["context"]["owner"] == "acme"
    assert issuer.asked == []


# ── times ─────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_good_until_it_expires_and_not_for_a_moment_longer(
    world: World, issuer: Issuer
) -> None:
    token = issuer.token(world.now, exp=world.now / 1000 + 60)
    world.pass_time(59.999)
    before = shown(world, token)
    world.pass_time(0.001)

    assert before["isAuthorized"]
    assert shown(world, token) == NOBODY


def test_a_token_is_not_good_before_its_time_but_clocks_may_differ(
    world: World, issuer: Issuer
) -> None:
    tokens = [issuer.token(world.now, nbf=world.now / 1000 + ahead) for ahead in (30, 31)]

    assert [shown(world, token)["isAuthorized"] for token in tokens] == [True, False]


# ── bad tokens ────────────────────────────────────────────────────────────────────────────────

type Forge = Callable[[Issuer, int], str]


def changed(**claims: Any) -> Forge:
    return lambda issuer, now: issuer.token(now, **claims)


def with_head(**head: Any) -> Forge:
    return lambda issuer, now: signed(issuer.claims(now), RSA, **head)


def of_body(body: Any) -> Forge:
    return lambda issuer, now: signed(body, RSA)


def tampered(issuer: Issuer, now: int) -> str:
    head, _, signature = issuer.token(now).split(".")
    return f"{head}.{b64(json.dumps(issuer.claims(now, sub='bob')).encode())}.{signature}"


def by_secret(alg: str, secret: Callable[[], bytes]) -> Forge:
    """Return what signs with the public key as secret, or with nothing."""
    return lambda issuer, now: compact(
        {"alg": alg, "kid": "rsa"}, issuer.claims(now), hs256(secret())
    )


FORGED: dict[str, Forge] = {
    "another key of the same id": lambda issuer, now: issuer.token(now, OTHER),
    "an id of another key": with_head(kid="ec"),
    "an unknown key": with_head(kid="nobody's"),
    "no key's id": with_head(kid=None),
    "a key's id that is no text": with_head(kid=1),
    "its own key in the header": with_head(kid="mine", jwk=OTHER.jwk),
    "another algorithm of the same key": with_head(alg="PS256"),
    "alg none": lambda issuer, now: compact(
        {"alg": "none", "kid": "rsa"}, issuer.claims(now), lambda _: b"x"
    ),
    "alg None": lambda issuer, now: compact(
        {"alg": "None", "kid": "rsa"}, issuer.claims(now), lambda _: b"x"
    ),
    "alg none, unsigned": lambda issuer, now: compact(
        {"alg": "none", "kid": "rsa"}, issuer.claims(now), lambda _: b""
    ),
    "no alg": with_head(alg=None),
    "HS256 by the public key": by_secret("HS256", lambda: RSA.pem),
    "HS256 by the public key as JSON": by_secret("HS256", lambda: json.dumps(RSA.jwk).encode()),
    "HS256 by the modulus": by_secret("HS256", lambda: RSA.jwk["n"].encode()),
    "HS256 by nothing": by_secret("HS256", lambda: b""),
    "RS256 by an HMAC": by_secret("RS256", lambda: RSA.pem),
    "a header that must be known": with_head(crit=["exp"]),
    "an empty signature": lambda issuer, now: issuer.token(now).rpartition(".")[0] + ".",
    "no signature": lambda issuer, now: issuer.token(now).rpartition(".")[0],
    "half a signature": lambda issuer, now: issuer.token(now)[:-40],
    "another signature": lambda issuer, now: (
        f"{issuer.token(now).rpartition('.')[0]}.{issuer.token(now, sub='bob').rpartition('.')[2]}"
    ),
    "other claims": tampered,
    "another issuer": changed(iss="https://id.example.com"),
    "an issuer with a slash more": lambda issuer, now: issuer.token(now, iss=f"{issuer.url}/"),
    "no issuer": changed(iss=None),
    "another audience": changed(aud="https://other.example.com"),
    "other audiences": changed(aud=["a", "b"]),
    "no audience": changed(aud=None),
    "an empty audience": changed(aud=""),
    "no audiences": changed(aud=[]),
    "a part of the audience": changed(aud=AUDIENCE[:-1]),
    "no end": changed(exp=None),
    "an end that is text": changed(exp="9999999999"),
    "an end that is true": changed(exp=True),
    "expired": lambda issuer, now: issuer.token(now, exp=now / 1000),
    "expired long ago": changed(exp=0),
    "not yet": changed(nbf=9_999_999_999),
    "not before some text": changed(nbf="0"),
    "no subject": changed(sub=None),
    "an empty subject": changed(sub=""),
    "a subject that is a number": changed(sub=1),
    "scopes that are a list": changed(scope=["read"]),
    "no object": of_body([1]),
    "no JSON": of_body(b"claims"),
    "no UTF-8": of_body(b'{"iss": "\xff"}'),
    "claims nested deep": of_body(b'{"a":' + b"[" * 5500),
    "a header nested deep": lambda issuer, now: compact(
        b'{"alg":"RS256","kid":"rsa","a":' + b"[" * 5500,
        issuer.claims(now),
        RSA.sign,
    ),
    "garbage": lambda issuer, now: "a.b.c",
    "garbage in base64": lambda issuer, now: ".".join(b64(b"\xff" * 30) for _ in range(3)),
    "a signature with a stranger in it": lambda issuer, now: (
        f"{issuer.token(now)[:-9]}!{issuer.token(now)[-9:]}"
    ),
    "four parts": lambda issuer, now: issuer.token(now) + ".x",
    "a JWE": lambda issuer, now: "a.b.c.d.e",
    "points": lambda issuer, now: "..",
    "a line more": lambda issuer, now: issuer.token(now).replace(".", "\n.", 1),
    "huge": changed(padding="x" * 8192),
    "twice": lambda issuer, now: f"{issuer.token(now)} {issuer.token(now)}",
    "padded": lambda issuer, now: issuer.token(now).replace(".", "=.", 1),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_bad_token_has_no_owner(world: World, issuer: Issuer, case: str) -> None:
    world.calls.clear()

    assert shown(world, FORGED[case](issuer, world.now)) == NOBODY
    assert world.calls == []
    assert shown(world, issuer.token(world.now))["isAuthorized"]


def test_a_token_of_the_largest_size_is_taken(world: World, issuer: Issuer) -> None:
    bare = len(issuer.token(world.now, padding=""))
    token = issuer.token(world.now, padding="x" * ((8192 - bare) * 3 // 4 - 3))

    assert 8150 < len(token) <= 8192
    assert shown(world, token)["isAuthorized"]


def test_without_an_issuer_no_token_is_taken(world: World) -> None:
    with Issuer(RSA) as issuer:
        assert shown(world, issuer.token(world.now)) == NOBODY
        assert shown(world, issuer.token(world.now, iss="")) == NOBODY
        assert issuer.asked == []


@pytest.mark.parametrize("scheme", ["Basic", "JWT", "", "DPoP"])
def test_a_token_is_shown_as_bearer(world: World, issuer: Issuer, scheme: str) -> None:
    assert authorized(world, f"{scheme} {issuer.token(world.now)}") == NOBODY


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"key_ops": ["sign"]},
        {"kty": "oct", "k": b64(RSA.pem)},
        {"kty": "RSA", "n": 1},
        {"n": ""},
        {"e": None},
        {"kid": None},
        {"kid": ["rsa"]},
        {"kty": None},
    ],
    ids=lambda change: ", ".join(f"{name}={str(value)[:8]}" for name, value in change.items()),
)
def test_a_key_that_is_for_something_else_verifies_nothing(
    world: World, issuer: Issuer, change: dict[str, Any]
) -> None:
    serve_keys(issuer, RSA.jwk | change, EC.jwk)

    assert shown(world, issuer.token(world.now)) == NOBODY
    assert shown(world, issuer.token(world.now, EC))["isAuthorized"]


def test_a_symmetric_key_verifies_nothing(world: World, issuer: Issuer) -> None:
    secret = b"a secret of 32 bytes, not fewer!"
    serve_keys(issuer, {"kty": "oct", "kid": "rsa", "k": b64(secret), "alg": "HS256"})
    token = compact({"alg": "HS256", "kid": "rsa"}, issuer.claims(world.now), hs256(secret))

    assert shown(world, token) == NOBODY


def test_a_short_rsa_key_verifies_nothing(world: World, issuer: Issuer) -> None:
    issuer.keys.append(SigningKey("short", bits=1024))

    assert shown(world, issuer.token(world.now, issuer.keys[-1])) == NOBODY


def serve_keys(issuer: Issuer, *jwks: dict[str, Any]) -> None:
    issuer.instead[KEYS] = (200, json.dumps({"keys": jwks}).encode(), {})


# ── keys that change ──────────────────────────────────────────────────────────────────────────


def test_keys_are_asked_for_once_in_five_minutes(world: World, issuer: Issuer) -> None:
    for _ in range(3):
        shown(world, issuer.token(world.now))
        shown(world, issuer.token(world.now, EC))
        world.pass_time(99)
    once = list(issuer.asked)
    world.pass_time(3)
    shown(world, issuer.token(world.now))

    assert once == BOTH
    assert issuer.asked == BOTH * 2


def test_a_new_key_is_known_when_it_is_used(world: World, issuer: Issuer) -> None:
    shown(world, issuer.token(world.now))
    issuer.keys.append(SigningKey("new"))
    world.pass_time(10)

    assert shown(world, issuer.token(world.now, issuer.keys[-1]))["isAuthorized"]
    assert issuer.asked == BOTH * 2


def test_an_old_key_is_refused_once_the_issuer_has_taken_it_back(
    world: World, issuer: Issuer
) -> None:
    token, new = issuer.token(world.now), SigningKey("new", "ES256")
    before = shown(world, token)
    issuer.keys[:] = [new]
    world.pass_time(299)
    remembered = shown(world, token)
    world.pass_time(1)

    assert before["isAuthorized"]
    assert remembered["isAuthorized"]
    assert shown(world, token) == NOBODY
    assert shown(world, issuer.token(world.now, new))["isAuthorized"]


def test_a_key_that_takes_the_place_of_another_is_the_one(world: World, issuer: Issuer) -> None:
    token = issuer.token(world.now)
    shown(world, token)
    issuer.keys[:] = [OTHER]  # of the same id
    world.pass_time(300)

    assert shown(world, token) == NOBODY
    assert shown(world, issuer.token(world.now, OTHER))["isAuthorized"]


def test_made_up_keys_cost_one_request_to_the_issuer_in_ten_seconds(
    world: World, issuer: Issuer
) -> None:
    def strangers(n: int) -> None:
        for i in range(n):
            assert shown(world, signed(issuer.claims(world.now), OTHER, kid=f"{n}-{i}")) == NOBODY

    strangers(20)
    first = list(issuer.asked)
    world.pass_time(9.999)
    strangers(20)
    still = list(issuer.asked)
    world.pass_time(0.001)
    strangers(20)

    assert first == still == BOTH
    assert issuer.asked == BOTH * 2


def test_a_token_without_a_key_or_a_known_algorithm_costs_no_request_to_the_issuer(
    world: World, issuer: Issuer
) -> None:
    for case in ("garbage", "alg none", "HS256 by the public key", "no key's id", "huge"):
        shown(world, FORGED[case](issuer, world.now))

    assert issuer.asked == []


# ── an issuer that does not answer ────────────────────────────────────────────────────────────


def keys_of(*signing: SigningKey) -> tuple[int, bytes, dict[str, str]]:
    return 200, json.dumps({"keys": [key.jwk for key in signing]}).encode(), {}


FAULTS: dict[str, dict[str, tuple[int, bytes, dict[str, str]]]] = {
    "500": {DISCOVERY: (500, b"", {})},
    "404": {DISCOVERY: (404, b"", {})},
    "no JSON": {DISCOVERY: (200, b"<html>", {})},
    "no keys": {KEYS: (200, b"{}", {})},
    "keys that are none": {KEYS: (200, b'{"keys": [1]}', {})},
    "keys that are down": {KEYS: (503, b"", {})},
    "a redirect": {KEYS: (302, b"", {"Location": "/more"}), "/more": keys_of(RSA)},
    "too much": {KEYS: (200, keys_of(RSA)[1] + b" " * 300_000, {})},
    "nested deep": {KEYS: (200, b'{"keys": [], "x": ' + b"[" * 100_000, {})},
    "a body that breaks off": {KEYS: (200, keys_of(RSA)[1][:-9], {"Content-Length": "9999"})},
    "no HTTP": {DISCOVERY: (200, b"", {"X": "x" * 70_000})},
}


def at(url: str, jwks_uri: str) -> tuple[int, bytes, dict[str, str]]:
    return 200, json.dumps({"issuer": url, "jwks_uri": jwks_uri}).encode(), {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_token_is_an_error_while_the_issuer_does_not_answer(
    world: World, issuer: Issuer, fault: str
) -> None:
    issuer.instead |= FAULTS[fault]
    with pytest.raises(IssuerUnavailable, match="does not return its keys"):
        shown(world, issuer.token(world.now))
    issuer.instead.clear()
    with pytest.raises(IssuerUnavailable):  # it is not asked again at once
        shown(world, issuer.token(world.now))
    world.pass_time(10)

    assert shown(world, issuer.token(world.now))["isAuthorized"]


def test_an_issuer_that_calls_itself_something_else_is_not_ours(
    world: World, issuer: Issuer
) -> None:
    issuer.instead[DISCOVERY] = at("https://id.example.com", f"{issuer.url}/keys")

    with pytest.raises(IssuerUnavailable):
        shown(world, issuer.token(world.now))


@pytest.mark.parametrize("scheme", ["file", "data", "none", "http"])
def test_keys_come_by_https_alone_where_they_do_not_come_from_this_machine(
    world: World, issuer: Issuer, tmp_path: Path, scheme: str
) -> None:
    said = keys_of(RSA)[1]
    (tmp_path / "keys").write_bytes(said)
    with Issuer(RSA, host="127.0.0.2") as elsewhere:  # for once not this machine
        places = {
            "file": (tmp_path / "keys").as_uri(),
            "data": f"data:application/json;base64,{base64.b64encode(said).decode()}",
            "none": "/keys",
            "http": f"{elsewhere.url}/keys",
        }
        issuer.instead[DISCOVERY] = at(issuer.url, places[scheme])
        with pytest.raises(IssuerUnavailable):
            shown(world, issuer.token(world.now))

        assert issuer.asked == [DISCOVERY]
        assert elsewhere.asked == []


def test_a_remote_issuer_is_asked_by_https_alone_and_cannot_point_to_this_machine(
    world: World, issuer: Issuer
) -> None:
    with Issuer(RSA, host="127.0.0.2") as elsewhere:
        trust(world, elsewhere.url)
        with pytest.raises(IssuerUnavailable):
            shown(world, elsewhere.token(world.now))
        with pytest.raises(ValueError, match="is not https"):
            fetch(f"{issuer.url}/keys", "https://id.example.com")

        assert elsewhere.asked == issuer.asked == []
        assert fetch(f"{issuer.url}/keys", "http://localhost:1") == keys_of(RSA, EC)[1]


def test_an_issuer_that_is_down_denies_no_key_and_costs_no_question_per_request(
    world: World,
) -> None:
    with Issuer(RSA) as gone:
        token = gone.token(world.now)
    trust(world, gone.url)
    _, key = api_keys.issue(table(world), "acme", now=world.now)
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            shown(world, token)

    assert shown(world, key)["context"]["owner"] == "acme"


def test_keys_that_were_read_are_trusted_for_an_hour_without_the_issuer(
    world: World, issuer: Issuer
) -> None:
    token = issuer.token(world.now, exp=world.now)
    shown(world, token)
    issuer.instead |= FAULTS["500"]
    world.pass_time(3599)
    trusted = shown(world, token)
    with pytest.raises(IssuerUnavailable):
        shown(world, signed(issuer.claims(world.now), OTHER, kid="new"))
    world.pass_time(1)

    assert trusted["isAuthorized"]
    with pytest.raises(IssuerUnavailable):
        shown(world, token)
    issuer.instead.clear()
    world.pass_time(10)
    assert shown(world, token)["isAuthorized"]


def test_a_slash_at_the_issuers_end_is_part_of_its_name(world: World) -> None:
    with Issuer(RSA) as made:
        named = f"{made.url}/realms/a/"
        made.instead[f"/realms/a{DISCOVERY}"] = at(named, f"{made.url}/keys")
        trust(world, named)

        assert shown(world, made.token(world.now, iss=named))["isAuthorized"]
        assert shown(world, made.token(world.now, iss=named[:-1])) == NOBODY
        assert made.asked == [f"/realms/a{DISCOVERY}", KEYS]


# ── what it costs ─────────────────────────────────────────────────────────────────────────────


def test_a_caller_with_a_key_does_not_import_the_code_for_tokens() -> None:
    code = (
        "import sys, nowlater.access.authenticate; print([m for m in sys.modules if m in sys.argv])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code, "joserfc", "nowlater.access.jwt"],
        env=os.environ | {"PYTHONPATH": str(stack.ROOT / "layers/nowlater")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert loaded.strip() == "[]"


def test_the_signer_of_these_tests_signs_as_the_standard_says() -> None:
    """RFC 7515, A.1: so what is refused here is refused for its reason."""
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    data = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
        "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signature = hs256(base64.urlsafe_b64decode(key + "=="))(data.encode())

    assert b64(signature) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
