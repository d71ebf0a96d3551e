"""Webhooks over real sockets: how the sender handles receivers that are down, unusual, or hostile."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import trustme

from nowlater.outbound import client
from nowlater.outbound.client import send
from nowlater.outbound.http1 import MAX_BODY, USER_AGENT, TimeLimit, Unsent
from nowlater.outbound.reply import Reply
from nowlater.outbound.targets import Rules, Target, target
from tests import receiver
from tests.receiver import Behaviour, Receiver

LOCAL, PUBLIC = Rules(loopback=True), Rules()
BODY = b'{"id":"1"}'
#: For tests with an answer, more than any machine needs; for those without, which wait all of it.
AMPLE_S, SHORT_S = 2.0 * receiver.MAX_S, 1.0

HOOKS = Target("https", "hooks.example.com", 443, "/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Return what a client uses that trusts this authority and no other."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.configure_trust(context)
    return context


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return what a server uses that has a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def answering(*addresses: str) -> Callable[[str, int], list[str]]:
    """Return a resolver that knows these addresses for every name."""
    return lambda host, port: list(addresses)


def sent(to: Receiver, *plays: Behaviour, total_s: float = AMPLE_S, **options: Any) -> Reply:
    """Send a webhook to a receiver that behaves so; return the reply."""
    to.plays = list(plays) or to.plays
    return send(target(to.url(), LOCAL, ()), BODY, {}, LOCAL, total_s=total_s, **options)


def unsent(to: Receiver | Target, *plays: Behaviour, **options: Any) -> Unsent:
    """Send a webhook that gets no reply; return why."""
    if isinstance(to, Receiver):
        to.plays = list(plays) or to.plays
        to = target(to.url(), LOCAL, ())
        options["rules"] = LOCAL
    rules, options = options.pop("rules", PUBLIC), {"total_s": AMPLE_S} | options
    with pytest.raises(Unsent) as fault:
        send(to, BODY, {}, rules, **options)
    return fault.value


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver() as it:
        yield it


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """No test waits until the other end gives up."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < receiver.MAX_S


# ── what is sent ──────────────────────────────────────────────────────────────────────────────


def test_a_webhook_is_a_post_of_the_body_with_our_headers_and_the_callers(server: Receiver) -> None:
    to = target(server.url("/hook?a=1"), LOCAL, ())
    reply = send(
        to, BODY, {"webhook-id": "1", "Content-Type": "application/json"}, LOCAL, total_s=AMPLE_S
    )

    (got,) = server.requests
    assert (got.method, got.path, got.body) == ("POST", "/hook?a=1", BODY)
    assert got.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": str(len(BODY)),
        "webhook-id": "1",
        "content-type": "application/json",
    }
    assert (reply.status, reply.size, reply.excerpt) == (200, 9, "thank you")
    assert 0 <= reply.latency_ms < receiver.MAX_S * 1000


def test_a_large_body_arrives_whole(server: Receiver) -> None:
    body = bytes(range(256)) * 4096

    assert send(target(server.url(), LOCAL, ()), body, {}, LOCAL, total_s=AMPLE_S).status == 200
    assert server.requests[0].body == body


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": "1\r\nX-Injected: 1"},
        {"webhook-id": "1\n"},
        {"webhook-id": "1\x00"},
        {"webhook-id": "ü"},
        {"x\r\nX-Injected": "1"},
        {"x: y": "1"},
        {"": "1"},
        {"Host": "other.example.com"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"connection": "keep-alive"},
    ],
)
def test_a_header_that_changes_the_request_is_not_sent(
    server: Receiver, headers: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="must not be sent"):
        send(target(server.url(), LOCAL, ()), BODY, headers, LOCAL, total_s=AMPLE_S)

    assert server.connections == 0


@pytest.mark.parametrize("path", ["/ HTTP/1.1\r\nX-Injected: 1", "/a b", "/\n", "/ü"])
def test_a_path_that_no_url_has_is_not_sent(server: Receiver, path: str) -> None:
    with pytest.raises(ValueError, match="must come from"):
        send(Target("http", "localhost", server.port, path), BODY, {}, LOCAL, total_s=AMPLE_S)

    assert server.connections == 0


# ── what is answered ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 204, 299, 304, 400, 404, 410, 500, 503, 599])
def test_a_status_is_a_reply_whatever_it_is(server: Receiver, status: int) -> None:
    assert sent(server, receiver.answer(status)).status == status


def test_an_empty_answer_is_a_reply(server: Receiver) -> None:
    reply = sent(server, receiver.empty)

    assert (reply.status, reply.size, reply.excerpt, reply.retry_after_s) == (200, 0, None, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["http://127.0.0.1:{}/", "//localhost:{}/", "/elsewhere"])
def test_a_redirect_is_not_followed(server: Receiver, status: int, to: str) -> None:
    with Receiver() as elsewhere:
        reply = sent(server, receiver.redirect(to.format(elsewhere.port), status))

        assert reply.status == status
        assert (server.connections, elsewhere.connections) == (1, 0)


def test_a_retry_after_is_given_in_seconds(server: Receiver) -> None:
    then = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    in_an_hour = sent(server, receiver.busy(format_datetime(then, usegmt=True), 503))
    left_s = (then - datetime.now(UTC)).total_seconds()

    assert left_s - 1 <= (in_an_hour.retry_after_s or 0) <= 3600
    assert sent(server, receiver.busy("120")).retry_after_s == 120
    assert sent(server, receiver.busy("soon")).retry_after_s is None


def test_a_chunked_answer_is_put_together(server: Receiver) -> None:
    head = receiver.OK_HEAD + b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = sent(server, receiver.raw(head, b"5;a=b\r\nthank\r\n", b"4\r\n you\r\n0\r\n\r\n"))

    assert (reply.size, reply.excerpt) == (9, "thank you")


@pytest.mark.parametrize("size", ["-1", "-5", "x", "", "+5", "0x5", "5_0", "f" * 9])
def test_a_chunk_with_an_invalid_size_ends_the_body(server: Receiver, size: str) -> None:
    head = receiver.OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    reply = sent(server, receiver.raw(head, size.encode() + b"\r\n", b"x" * 100_000))

    assert (reply.status, reply.size) == (200, 0)


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 2\r\n\r\nok",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_an_answer_is_over_at_its_end_though_the_connection_stays(
    server: Receiver, answer: bytes
) -> None:
    reply = sent(server, receiver.raw(receiver.OK_HEAD + answer, pause_s=receiver.MAX_S))

    assert reply.size == 2


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_over_at_its_head(server: Receiver, status: int) -> None:
    head = f"HTTP/1.1 {status} -\r\nContent-Length: 5\r\n\r\n".encode()
    reply = sent(server, receiver.raw(head, pause_s=receiver.MAX_S))

    assert (reply.status, reply.size) == (status, 0)


def test_an_answer_may_come_after_interim_ones(server: Receiver) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"

    assert sent(server, receiver.raw(*interim, b"HTTP/1.1 202 Accepted\r\n\r\n")).status == 202


def test_an_answer_may_have_bare_line_feeds_and_no_reason(server: Receiver) -> None:
    reply = sent(server, receiver.raw(b"HTTP/1.0 429\nretry-AFTER:  7 \n\nslow"))

    assert (reply.status, reply.retry_after_s) == (429, 7)


def test_an_answer_counts_though_the_request_was_not_read() -> None:
    def refuses(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\n\r\n")
        closing.wait(0.1)
        receiver.reset(connection, closing)

    with Receiver(plays=[refuses], reads=False) as server:
        to = target(server.url(), LOCAL, ())
        reply = send(to, bytes(20_000_000), {}, LOCAL, total_s=AMPLE_S)

    assert reply.status == 413


# ── what is no answer ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("play", "says"),
    [
        (receiver.reset, "connection"),
        (receiver.raw(), "closed without a response"),
        (receiver.half_a_head, "head of the response is incomplete"),
        (receiver.raw(receiver.OK_HEAD), "head of the response is incomplete"),
        (receiver.raw(receiver.OK_HEAD + b"\r"), "head of the response is incomplete"),
        (receiver.raw(b"HTTP/1.1 200"), "not HTTP"),
        (receiver.raw(b"HTTP/1.1 100 Continue\r\n\r\n"), "closed without a response"),
        (receiver.raw(b"<html>hello</html>\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "not HTTP"),
        (receiver.raw(b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/2 200 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/0.9 200 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/1.1 20 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/1.1 2000 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/1.1 700 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/1.1 -200 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"HTTP/1.1 000 OK\r\n\r\n"), "not HTTP"),
        (receiver.raw(b"\x00\xff" * 100), "not HTTP"),
        (receiver.answer(101), "not requested"),
        (receiver.endless_head, "more than 32 KB"),
        (receiver.endless_line, "more than 32 KB"),
        (receiver.endless_continue, "more than 32 KB"),
        (receiver.forever(b"", b"x" * 1000), "more than 32 KB"),
    ],
)
def test_an_incomplete_or_invalid_head_is_no_answer(
    server: Receiver, play: Behaviour, says: str
) -> None:
    fault = unsent(server, play)

    assert fault.kind == "broken"
    assert says in fault.sentence


@pytest.mark.parametrize(
    "play",
    [
        receiver.hang,
        receiver.slow_loris,
        receiver.slow_continue,
        receiver.forever(b"", b"H", pause_s=0.05),
    ],
)
def test_a_head_that_does_not_come_in_time_is_no_answer(server: Receiver, play: Behaviour) -> None:
    fault = unsent(server, play, total_s=SHORT_S)

    assert (fault.kind, fault.sentence) == (
        "timed-out",
        "The time limit of 1 s ended while waiting for the response.",
    )
    assert SHORT_S * 1000 <= fault.latency_ms < receiver.MAX_S * 1000


def test_a_receiver_that_reads_nothing_is_waited_for_no_longer() -> None:
    with Receiver(plays=[receiver.hang], reads=False) as server:
        to = target(server.url(), LOCAL, ())
        with pytest.raises(Unsent, match=r"ended while sending\.") as fault:
            send(to, bytes(20_000_000), {}, LOCAL, total_s=SHORT_S)

    assert fault.value.kind == "timed-out"


def test_a_receiver_that_floods_us_while_it_reads_nothing_gets_no_longer() -> None:
    with Receiver(plays=[receiver.endless_body], reads=False) as server:
        to = target(server.url(), LOCAL, ())
        with pytest.raises(Unsent, match="ended while sending"):
            send(to, bytes(20_000_000), {}, LOCAL, total_s=SHORT_S)


# ── bodies that do not end well ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("play", [receiver.large, receiver.endless_body], ids=["10 MB", "endless"])
def test_of_a_large_body_only_the_start_is_read(server: Receiver, play: Behaviour) -> None:
    reply = sent(server, play)

    assert (reply.status, reply.size, reply.excerpt) == (200, MAX_BODY, "x" * 256)


def test_of_endless_chunks_only_the_start_is_read(server: Receiver) -> None:
    reply = sent(server, receiver.endless_chunks)

    assert (reply.status, 0 < reply.size < MAX_BODY) == (200, True)


def test_a_compressed_bomb_is_not_unpacked(server: Receiver) -> None:
    reply = sent(server, receiver.bomb)

    assert (reply.status, reply.excerpt) == (200, None)
    assert reply.size < MAX_BODY


def test_the_status_counts_though_the_body_drips_on(server: Receiver) -> None:
    reply = sent(server, receiver.dripping_body, total_s=3 * SHORT_S)

    assert reply.status == 200
    assert (reply.excerpt or "").startswith("drip drip")
    assert reply.latency_ms < 3 * SHORT_S * 1000


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n64\r\n"],
)
def test_the_status_counts_though_the_body_breaks_off(server: Receiver, head: bytes) -> None:
    reply = sent(server, receiver.raw(receiver.OK_HEAD + head + b"half"))

    assert (reply.status, reply.size) == (200, 4)


def test_the_status_counts_though_the_connection_is_reset(server: Receiver) -> None:
    def play(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(receiver.OK_HEAD + b"Content-Length: 100\r\n\r\n")
        closing.wait(0.2)
        receiver.reset(connection, closing)

    assert sent(server, play).status == 200


# ── names and addresses ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "bad",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "0.0.0.0"),
        *("::1", "::10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
        *("fd00:ec2::254", "fe80::1%eth0", "ff0e::1"),
    ],
)
@pytest.mark.parametrize("rules", [PUBLIC, LOCAL], ids=["public", "local"])
def test_a_name_with_one_forbidden_address_is_refused(
    server: Receiver, bad: str, rules: Rules
) -> None:
    to = Target("https", "hooks.example.com", server.port, "/")
    for addresses in ([bad], ["8.8.8.8", bad], [bad, "8.8.8.8"], ["8.8.8.8"] * 20 + [bad]):
        fault = unsent(to, resolve=answering(*addresses), rules=rules)

        assert fault.kind == "address-refused"
        assert bad not in fault.sentence
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"])
def test_a_spelling_of_loopback_that_got_this_far_is_refused_by_its_address(host: str) -> None:
    assert unsent(Target("https", host, 443, "/")).kind == "address-refused"


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.1", "2606:4700::1111", "169.254.169.254"])
def test_a_loopback_name_leads_to_loopback_alone(server: Receiver, address: str) -> None:
    to = target(server.url(host="localhost"), LOCAL, ())
    fault = unsent(to, rules=LOCAL, resolve=answering("127.0.0.1", address))

    assert (fault.kind, server.connections) == ("address-refused", 0)


def test_a_loopback_target_is_refused_where_the_rules_do_not_allow_it(server: Receiver) -> None:
    to = target(server.url(host="localhost"), LOCAL, ())

    assert unsent(to, rules=PUBLIC).kind == "address-refused"
    assert server.connections == 0


def test_a_name_that_changes_is_looked_up_once_and_the_vetted_address_is_used() -> None:
    looks: list[str] = []

    def changing(host: str, port: int) -> list[str]:
        looks.append(host)
        return ["127.0.0.2"] if len(looks) == 1 else ["127.0.0.1"]

    with Receiver(host="127.0.0.2") as vetted, Receiver(port=vetted.port) as other:
        to = target(vetted.url(host="localhost"), LOCAL, ())
        reply = send(to, BODY, {}, LOCAL, total_s=AMPLE_S, resolve=changing)

        assert (reply.status, looks) == (200, ["localhost"])
        assert (vetted.connections, other.connections) == (1, 0)
        assert vetted.requests[0].headers["host"] == f"localhost:{vetted.port}"


def test_the_next_address_is_tried_where_one_takes_no_connection(server: Receiver) -> None:
    reply = sent(server, resolve=answering("127.0.0.3", "127.0.0.4", "127.0.0.1"))

    assert (reply.status, server.connections) == (200, 1)


def test_the_number_of_addresses_that_are_tried_is_limited(server: Receiver) -> None:
    addresses = [f"127.0.1.{n}" for n in range(1, 1 + client.MAX_ADDRESSES)]
    fault = unsent(server, resolve=answering(*addresses, "127.0.0.1"))

    assert (fault.kind, server.connections) == ("unreachable", 0)


def test_an_address_is_connected_to_over_ipv4(server: Receiver) -> None:
    assert sent(server, resolve=answering("::1", "127.0.0.1")).status == 200
    assert unsent(server, resolve=answering("::1")).sentence == "127.0.0.1 has no IPv4 address."


def test_a_port_without_a_listener_is_unreachable() -> None:
    with Receiver() as server:
        to = target(server.url(), LOCAL, ())

    fault = unsent(to, rules=LOCAL)
    assert fault.kind == "unreachable"
    assert f"127.0.0.1 does not accept connections on port {to.port}" in fault.sentence


def test_an_address_that_takes_connections_too_slowly_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        fault = unsent(Target("http", "127.0.0.1", port, "/"), rules=LOCAL, total_s=SHORT_S)
        for one in waiting:
            one.close()

    assert (fault.kind, "while connecting" in fault.sentence) == ("timed-out", True)


def test_a_connection_to_another_address_than_the_vetted_one_is_refused(server: Receiver) -> None:
    # Linux takes 0.0.0.0 for loopback: the address of the peer shows it, whatever let it pass.
    to = Target("http", "hooks.example.com", server.port, "/")
    with pytest.raises(Unsent, match="not to the address") as fault:
        client._connect(to, ["0.0.0.0"], TimeLimit(AMPLE_S))

    assert fault.value.kind == "address-refused"


def test_a_name_without_an_address_is_unresolved() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert unsent(HOOKS, resolve=unknown).kind == "unresolved"
    assert unsent(HOOKS, resolve=answering()).kind == "unresolved"


def test_a_look_up_that_does_not_end_is_waited_for_no_longer() -> None:
    over = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        over.wait(receiver.MAX_S)
        return ["8.8.8.8"]

    fault = unsent(HOOKS, resolve=slow, total_s=SHORT_S)
    over.set()

    assert (fault.kind, "looking up the name" in fault.sentence) == ("timed-out", True)


def test_the_system_resolver_returns_all_addresses() -> None:
    assert client.resolve("127.0.0.1", 443) == ["127.0.0.1"]
    assert "127.0.0.1" in client.resolve("localhost", 443)


# ── TLS ───────────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_for_the_name_is_accepted(authority: trustme.CA) -> None:
    with Receiver(tls=certified(authority, "localhost")) as server:
        to = target(server.url(host="localhost"), LOCAL, ())
        reply = send(to, BODY, {}, LOCAL, total_s=AMPLE_S, tls=trusting(authority))

    assert reply.status == 200
    assert server.requests[0].body == BODY


def test_the_server_gets_the_name_before_it_shows_its_certificate(authority: trustme.CA) -> None:
    names: list[str | None] = []
    context = certified(authority, "localhost")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with Receiver(tls=context) as server:
        sent_to = target(server.url(host="localhost"), LOCAL, ())
        send(sent_to, BODY, {}, LOCAL, total_s=AMPLE_S, tls=trusting(authority))

    assert names == ["localhost"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("other.example.com", "not valid for 'localhost'"), ("*.localhost", "not valid for")],
)
def test_a_certificate_for_another_name_is_refused(
    authority: trustme.CA, name: str, says: str
) -> None:
    with Receiver(tls=certified(authority, name)) as server:
        to = target(server.url(host="localhost"), LOCAL, ())
        fault = unsent(to, rules=LOCAL, tls=trusting(authority))

        assert (fault.kind, server.requests) == ("tls", [])
        assert says in fault.sentence


def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    with Receiver(tls=certified(trustme.CA(), "localhost")) as server:
        to = target(server.url(host="localhost"), LOCAL, ())

        for context in (trusting(authority), None):
            fault = unsent(to, rules=LOCAL, tls=context)
            assert (fault.kind, server.requests) == ("tls", [])
            assert "certificate of localhost is not valid" in fault.sentence


def test_an_expired_certificate_is_refused(authority: trustme.CA) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=past).configure_cert(context)
    with Receiver(tls=context) as server:
        to = target(server.url(host="localhost"), LOCAL, ())

        assert "expired" in unsent(to, rules=LOCAL, tls=trusting(authority)).sentence


def test_default_tls_verifies_certificates_and_is_made_once() -> None:
    context = client.default_tls()

    assert context is client.default_tls()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


@pytest.mark.parametrize(
    "play",
    [
        receiver.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        receiver.raw(),
        receiver.reset,
        receiver.forever(b"", b"x" * 1000),
    ],
)
def test_a_receiver_without_tls_is_a_failure_of_kind_tls(play: Behaviour) -> None:
    def after_hello(connection: socket.socket, closing: threading.Event) -> None:
        connection.recv(1)
        play(connection, closing)

    with Receiver(plays=[after_hello], reads=False) as server:
        to = Target("https", "localhost", server.port, "/")
        fault = unsent(to, rules=LOCAL)

    assert (fault.kind, "The TLS handshake with" in fault.sentence) == ("tls", True)


def test_a_handshake_that_does_not_end_is_waited_for_no_longer() -> None:
    dripping = receiver.forever(b"\x16\x03\x03\x40\x00", b"\x02", pause_s=0.05)
    for play in (receiver.hang, dripping):
        with Receiver(plays=[play], reads=False) as server:
            to = Target("https", "localhost", server.port, "/")
            fault = unsent(to, rules=LOCAL, total_s=SHORT_S)

        assert (fault.kind, "agreeing on TLS" in fault.sentence) == ("timed-out", True)


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (receiver.hang, "timed-out"),
        (receiver.slow_loris, "timed-out"),
        (receiver.half_a_head, "broken"),
        (receiver.reset, "broken"),
        (receiver.endless_head, "broken"),
    ],
)
def test_the_bounds_hold_over_tls_too(authority: trustme.CA, play: Behaviour, kind: str) -> None:
    with Receiver(plays=[play], tls=certified(authority, "localhost")) as server:
        to = target(server.url(host="localhost"), LOCAL, ())
        total_s = SHORT_S if kind == "timed-out" else AMPLE_S
        fault = unsent(to, rules=LOCAL, tls=trusting(authority), total_s=total_s)

    assert fault.kind == kind


def test_of_an_endless_body_over_tls_only_the_start_is_read(authority: trustme.CA) -> None:
    tls = certified(authority, "localhost")
    with Receiver(plays=[receiver.endless_body], tls=tls) as server:
        to = target(server.url(host="localhost"), LOCAL, ())
        reply = send(to, BODY, {}, LOCAL, total_s=AMPLE_S, tls=trusting(authority))

    assert (reply.status, reply.size) == (200, MAX_BODY)
