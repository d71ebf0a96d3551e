"""The receivers of docs/receive-webhooks.md: they accept what is signed, and refuse the rest."""

import asyncio
import base64
import importlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

import httpx
import pytest
from standardwebhooks import Webhook

PAGE = "receive-webhooks.md"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TIME = "2026-11-24T19:18:49.571Z"
JOB = {"id": "j", "operation": "echo", "status": "failed", "created": TIME, "tags": {"é": "ü"}}
EVENT = {"id": "j/failed", "type": "nowlater.job.failed", "time": TIME, "data": JOB}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()


def headers(body: bytes = BODY) -> dict[str, str]:
    signature = Webhook(SECRET).sign("j/failed", datetime.now(UTC), body.decode())
    named = {"id": "j/failed", "timestamp": f"{int(time.time())}", "signature": signature}
    return {f"webhook-{name}": value for name, value in named.items()}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRETS", f"{SECRET},{SECRET}")


def in_flask(load: Callable[[str], ModuleType]) -> Callable[[bytes, dict[str, str]], int]:
    client = load("flask_app").app.test_client()
    return lambda body, sent: int(client.post("/nowlater", data=body, headers=sent).status_code)


def in_fastapi(load: Callable[[str], ModuleType]) -> Callable[[bytes, dict[str, str]], int]:
    transport = httpx.ASGITransport(load("fastapi_app").app)

    async def post(body: bytes, sent: dict[str, str]) -> int:
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return (await client.post("/nowlater", content=body, headers=sent)).status_code

    return lambda body, sent: asyncio.run(post(body, sent))


def in_a_lambda(load: Callable[[str], ModuleType]) -> Callable[[bytes, dict[str, str]], int]:
    handler = load("lambda_app").handler

    def post(body: bytes, sent: dict[str, str]) -> int:
        text = {"body": body.decode(), "isBase64Encoded": False, "headers": sent}
        binary = text | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        (status,) = {handler(event, None)["statusCode"] for event in (text, binary)}
        return int(status)

    return post


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("receiver", [in_flask, in_fastapi, in_a_lambda])
def test_a_receiver_accepts_what_is_signed_and_nothing_else(
    receiver: Callable[..., Callable[[bytes, dict[str, str]], int]],
    load: Callable[[str], ModuleType],
    capsys: pytest.CaptureFixture[str],
) -> None:
    post = receiver(load)

    assert post(BODY, headers()) == 200
    assert "j/failed failed" in capsys.readouterr().out
    assert post(BODY + b" ", headers()) == 403
    assert post(BODY, headers() | {"webhook-signature": "v1,AAAA"}) == 403
    assert post(BODY, {}) == 403
    assert post(BODY, {"webhook-id": "j/failed"}) == 403


def test_an_empty_secret_is_an_error_of_the_receiver(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRETS", "")
    app = importlib.reload(load("lambda_app"))

    with pytest.raises(ValueError, match="not empty"):
        app.handler({"body": BODY.decode(), "headers": headers()}, None)


def test_a_lambda_without_headers_refuses(load: Callable[[str], ModuleType]) -> None:
    for event in ({"body": "{}"}, {"body": "{}", "headers": None}):
        assert importlib.reload(load("lambda_app")).handler(event, None) == {"statusCode": 403}


def test_messages_of_the_topic_are_read(
    load: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    app, text = load("subscriber_app"), BODY.decode()
    envelope = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:jobs", "Message": text}

    app.from_sns({"Records": [{"Sns": envelope}]}, None)
    app.from_sqs({"Records": [{"body": text}, {"body": json.dumps(envelope)}]}, None)

    assert capsys.readouterr().out == "j/failed failed\n" * 3
