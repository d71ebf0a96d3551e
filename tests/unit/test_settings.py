"""The settings of a deployment, which it reads from its environment."""

import msgspec
import pytest

from nowlater.outbound.targets import Rules
from nowlater.runtime.environment import set_variables
from nowlater.settings import from_environment

ENVIRONMENT = {
    "NOWLATER_TABLE": "table",
    "NOWLATER_BUCKET": "bucket",
    "NOWLATER_TOPIC": "topic",
    "NOWLATER_ON_TIME_QUEUE": "on-time",
    "NOWLATER_FLEXIBLE_QUEUE": "flexible",
    "NOWLATER_WEBHOOK_QUEUE": "webhooks",
    "NOWLATER_CALLBACK_PORTS": "443,8443",
    "NOWLATER_LOOPBACK_CALLBACKS": "false",
    "NOWLATER_PUBLIC_URL": "",
    "NOWLATER_FLEXIBLE_WITHIN_S": "259200",
    "NOWLATER_WORK_TIMEOUT_S": "300",
    "NOWLATER_DIAGNOSTICS": "false",
    "NOWLATER_ON_TIME_CONCURRENCY": "8",
    "NOWLATER_FLEXIBLE_CONCURRENCY": "2",
    "NOWLATER_SHARDS": "1",
    "NOWLATER_OWNER_WAITING": "10000",
    "NOWLATER_OWNER_UPLOADS_GIB": "50",
}


def test_settings_are_read_from_variables_of_their_names() -> None:
    read = from_environment(ENVIRONMENT | {"PATH": "/bin", "NOWLATER_SOMETHING_ELSE": "x"})

    assert (read.table, read.bucket, read.topic) == ("table", "bucket", "topic")
    assert (read.on_time_queue, read.flexible_queue) == ("on-time", "flexible")
    assert (read.flexible_within_s, read.work_timeout_s, read.shards) == (259200, 300, 1)
    assert read.concurrency == {"on-time": 8, "flexible": 2}
    assert read.public_url == ""
    assert read.diagnostics is False
    assert read.webhook_queue == "webhooks"
    assert (read.worker, read.master_secret) == ("", "")


def test_callbacks_may_use_the_ports_that_the_template_says() -> None:
    assert from_environment(ENVIRONMENT).callback_rules == Rules(frozenset({443, 8443}))


def test_callbacks_may_be_on_this_machine_where_the_template_says_so() -> None:
    changed = ENVIRONMENT | {"NOWLATER_LOOPBACK_CALLBACKS": "true"}

    assert from_environment(changed).callback_rules.loopback


def test_tokens_are_taken_where_the_template_names_whose_and_for_whom() -> None:
    named = {"NOWLATER_JWT_ISSUER": "https://id.example.com", "NOWLATER_JWT_AUDIENCE": "api"}
    read = from_environment(ENVIRONMENT | named)

    assert (read.jwt_issuer, read.jwt_audience) == ("https://id.example.com", "api")
    assert from_environment(ENVIRONMENT).jwt_issuer == ""


def test_an_issuer_without_an_audience_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="jwt_audience"):
        from_environment(ENVIRONMENT | {"NOWLATER_JWT_ISSUER": "https://id.example.com"})


def test_diagnostics_are_on_where_the_template_says_true() -> None:
    assert from_environment(ENVIRONMENT | {"NOWLATER_DIAGNOSTICS": "true"}).diagnostics


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_is_missing_is_named(name: str) -> None:
    rest = {k: v for k, v in ENVIRONMENT.items() if k != name}
    with pytest.raises(msgspec.ValidationError, match=name.removeprefix("NOWLATER_").lower()):
        from_environment(rest)


def test_a_number_is_a_number() -> None:
    with pytest.raises(msgspec.ValidationError, match="shards"):
        from_environment(ENVIRONMENT | {"NOWLATER_SHARDS": "many"})


def test_operations_get_the_environment_that_the_template_gives_them() -> None:
    environment = {"NOWLATER_OPERATIONS_ENVIRONMENT": '{"MODEL": "small", "PATH": "/opt"}\n'}
    environment["PATH"] = "/bin"
    set_variables(environment)

    assert (environment["MODEL"], environment["PATH"]) == ("small", "/opt")


def test_operations_may_get_no_environment() -> None:
    environment: dict[str, str] = {}
    set_variables(environment)

    assert environment == {}


@pytest.mark.parametrize("value", ["[]", '{"MODEL": 1}', "MODEL=small"])
def test_what_is_no_object_of_strings_is_refused(value: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        set_variables({"NOWLATER_OPERATIONS_ENVIRONMENT": value})
