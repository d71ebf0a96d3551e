"""Sends webhooks to hosts chosen by callers, and only to public addresses.

A name is resolved once, all its addresses are checked, and the connection goes to one of them: so a
name that resolves differently later (DNS rebinding) has no effect. Redirects are not followed.
"""

import functools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from ipaddress import ip_address

from nowlater.outbound.http1 import TimeLimit, exchange, request
from nowlater.outbound.reply import Headers, Reply
from nowlater.outbound.targets import Rules, Target, is_public

#: The addresses of a name to which a connection is attempted; all addresses are checked.
MAX_ADDRESSES = 3

type Resolve = Callable[[str, int], Iterable[str]]


def resolve(host: str, port: int) -> list[str]:
    """Return all IPv4 and IPv6 addresses of a name; raises OSError."""
    # As bytes: Python would encode text with IDNA, and the checked name is plain ASCII.
    entries = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in entries]


def send(
    target: Target,
    body: bytes,
    headers: Headers,
    rules: Rules,
    *,
    total_s: float,
    resolve: Resolve = resolve,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """POST a body to a target; return the reply, whatever its status.

    The time limit `total_s` includes the look-up of the name. Raises Unsent if no reply came, and
    ValueError for headers that cannot be sent.
    """
    message = request(target, body, headers)
    limit = TimeLimit(total_s)
    try:
        addresses = _checked_addresses(target, rules, resolve, limit)
        with _connect(target, addresses, limit) as plain:
            if target.scheme == "http":
                return exchange(plain, message, limit)
            with _secure(plain, target.host, tls or default_tls(), limit) as secured:
                return exchange(secured, message, limit)
    except TimeoutError as fault:
        raise limit.timed_out() from fault


@functools.cache
def default_tls() -> ssl.SSLContext:
    """Return the TLS settings of connections: TLS 1.2 or newer, the system's authorities."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _checked_addresses(
    target: Target, rules: Rules, resolve: Resolve, limit: TimeLimit
) -> list[str]:
    """Return IPv4 addresses of a target; raises Unsent if any of its addresses is not allowed."""
    limit.phase = "looking up the name"
    try:
        addresses = list(_in_time(lambda: resolve(target.host, target.port), limit))
    except TimeoutError:
        raise
    except OSError as fault:
        raise limit.unsent("unresolved", f"{target.host} has no address.") from fault
    is_allowed = _is_loopback if rules.loopback and target.is_loopback else is_public
    if not all(map(is_allowed, addresses)):
        # The address is not named: our resolver may know names that the caller must not see.
        sentence = f"{target.host} has an address that is not public."
        raise limit.unsent("address-refused", sentence)
    over_ipv4 = [address for address in addresses if ":" not in address]
    if not over_ipv4:
        raise limit.unsent("unresolved", f"{target.host} has no IPv4 address.")
    return over_ipv4[:MAX_ADDRESSES]


def _in_time[T](call: Callable[[], T], limit: TimeLimit) -> T:
    """Return the result of a call in a thread; raises TimeoutError, and then the thread goes on."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except BaseException as fault:
            result.set_exception(fault)

    threading.Thread(target=run, daemon=True).start()
    return result.result(limit.remaining_s())


def _connect(target: Target, addresses: list[str], limit: TimeLimit) -> socket.socket:
    """Return a connection to the first address that accepts one; they share the remaining time."""
    limit.phase = "connecting"
    for position, address in enumerate(addresses):
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            plain.settimeout(limit.remaining_s() / (len(addresses) - position))
            plain.connect((address, target.port))
            _check_peer(plain, address, limit)
        except OSError:
            plain.close()
        except BaseException:
            plain.close()
            raise
        else:
            return plain
    limit.remaining_s()
    sentence = f"{target.host} does not accept connections on port {target.port}."
    raise limit.unsent("unreachable", sentence)


def _check_peer(plain: socket.socket, address: str, limit: TimeLimit) -> None:
    if plain.getpeername()[0] != address:
        raise limit.unsent("address-refused", "The connection is not to the address looked up.")


def _secure(
    plain: socket.socket, host: str, tls: ssl.SSLContext, limit: TimeLimit
) -> ssl.SSLSocket:
    limit.phase = "agreeing on TLS"
    plain.settimeout(limit.remaining_s())
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except TimeoutError:
        raise
    except ssl.SSLCertVerificationError as fault:
        sentence = f"The certificate of {host} is not valid: {fault.verify_message}."
        raise limit.unsent("tls", sentence) from fault
    except OSError as fault:
        reason = getattr(fault, "reason", None) or "the connection was closed"
        raise limit.unsent("tls", f"The TLS handshake with {host} failed: {reason}.") from fault


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback
