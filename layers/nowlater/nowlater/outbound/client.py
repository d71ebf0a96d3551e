"""Sends webhooks: to whoever a caller named, and to no address that is not public.

Names are resolved once, every address is vetted, and the connection goes to one of these very
addresses: so a name that changes between look-ups gains nothing. Redirects are not followed.
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

#: Addresses of a name that are tried; all are vetted.
TRIED = 3

type Resolve = Callable[[str, int], Iterable[str]]


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a name, IPv6 too; raises OSError."""
    # As bytes: what is text goes through IDNA first, and has passed as plain ASCII already.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def send(
    target: Target,
    body: bytes,
    headers: Headers,
    rules: Rules,
    *,
    total_s: float = 15,
    resolve: Resolve = resolve,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """POST a body to a target, and return the reply, whatever its status.

    All of it, the look-up included, takes `total_s` at most. Raises Unsent where there is no
    reply, and ValueError for headers that cannot be sent.
    """
    message = request(target, body, headers)
    limit = TimeLimit(total_s)
    try:
        addresses = _vetted(target, rules, resolve, limit)
        with _connected(target, addresses, limit) as plain:
            if target.scheme == "http":
                return exchange(plain, message, limit)
            with _secured(plain, target.host, tls or default_tls(), limit) as secured:
                return exchange(secured, message, limit)
    except TimeoutError as fault:
        raise limit.is_up() from fault


@functools.cache
def default_tls() -> ssl.SSLContext:
    """Return what connections are secured by: TLS 1.2 or newer, the system's authorities."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _vetted(target: Target, rules: Rules, resolve: Resolve, limit: TimeLimit) -> list[str]:
    """Return the IPv4 addresses of a target; if one address is bad, the whole name is."""
    limit.doing = "looking up the name"
    try:
        addresses = list(_in_time(lambda: resolve(target.host, target.port), limit))
    except TimeoutError:
        raise
    except OSError as fault:
        raise limit.unsent("unresolved", f"{target.host} has no address.") from fault
    is_allowed = _is_loopback if rules.loopback and target.is_loopback else is_public
    if not all(map(is_allowed, addresses)):
        # Which one stays unpublished: the look-up may see more than the caller can.
        sentence = f"{target.host} has an address that is not public."
        raise limit.unsent("address-refused", sentence)
    over_ipv4 = [address for address in addresses if ":" not in address]
    if not over_ipv4:
        raise limit.unsent("unresolved", f"{target.host} has no IPv4 address.")
    return over_ipv4[:TRIED]


def _in_time[T](look_up: Callable[[], T], limit: TimeLimit) -> T:
    """Return what a call returns that knows no time limit; raises TimeoutError, and leaves it."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(look_up())
        except BaseException as fault:
            answer.set_exception(fault)

    threading.Thread(target=run, daemon=True).start()
    return answer.result(limit.left_s())


def _connected(target: Target, addresses: list[str], limit: TimeLimit) -> socket.socket:
    """Return a connection to the first address that takes one; they share the time that is left."""
    limit.doing = "connecting"
    for position, address in enumerate(addresses):
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            plain.settimeout(limit.left_s() / (len(addresses) - position))
            plain.connect((address, target.port))
            _check_peer(plain, address, limit)
        except OSError:
            plain.close()
        except BaseException:
            plain.close()
            raise
        else:
            return plain
    limit.left_s()
    sentence = f"Nothing accepts connections at {target.host}, port {target.port}."
    raise limit.unsent("unreachable", sentence)


def _check_peer(plain: socket.socket, address: str, limit: TimeLimit) -> None:
    if plain.getpeername()[0] != address:
        raise limit.unsent("address-refused", "The connection is not to the address looked up.")


def _secured(
    plain: socket.socket, host: str, tls: ssl.SSLContext, limit: TimeLimit
) -> ssl.SSLSocket:
    limit.doing = "agreeing on TLS"
    plain.settimeout(limit.left_s())
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except TimeoutError:
        raise
    except ssl.SSLCertVerificationError as fault:
        sentence = f"The certificate of {host} is not valid: {fault.verify_message}."
        raise limit.unsent("tls", sentence) from fault
    except OSError as fault:
        why = getattr(fault, "reason", None) or "the connection was closed"
        raise limit.unsent("tls", f"{host} does not agree on TLS: {why}.") from fault


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback
