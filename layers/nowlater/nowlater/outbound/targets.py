"""Where a webhook may go: public https addresses, and nothing that leads back into our own house."""

import functools
import re
from collections.abc import Collection
from typing import Any

import msgspec

LONGEST_URL = 2048
_DEFAULT_PORTS = {"https": 443, "http": 80}
_EXAMPLE = "https://hooks.example.com/nowlater"

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+)://([^/?#]*+)([^#]*+)(#.*)?")
_AUTHORITY = re.compile(r"(?>(.*@)?)(\[[^\]]*+\]|[^:\[\]]*+)(?::([0-9]*+))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#: An address as every reader reads it: without octal, hex and short forms, on which they differ.
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
#: The last label starts with a letter, as top-level domains do; others may be read as an address.
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")

#: Domains that resolve inwards, or as the asker's own network likes: RFC 6761, 6762 and 8375,
#: ICANN's `.internal`, and what homes and offices have always used.
_INWARD = re.compile(
    r"(?:.*\.)?(?:arpa|corp|home|internal|intranet|lan|local|localdomain|localhost|private)"
)

#: What is allocated to unicast (IANA's registries). IPv6 beyond it is reserved, or IPv4 in disguise.
_UNICAST = ("0.0.0.0/0", "2000::/3")
#: What lies in there, and is something else, whatever the version of `ipaddress` says of it.
_SPECIAL = (
    "168.63.129.16/32",  # metadata of Azure, where tests may run
    "192.0.0.0/24",  # protocol assignments, Oracle's metadata among them
    "192.88.99.0/24",  # 6to4 relays
    "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "3fff::/20",  # documentation
)


class RefusedUrl(ValueError):
    """Nothing is sent to this URL; the sentence says what to send instead."""


class Rules(msgspec.Struct, frozen=True):
    """What a deployment allows: the ports of https, and, on the local stack alone, loopback.

    `loopback` allows http and https to localhost and 127.0.0.0/8, on any port, and nothing else.
    """

    ports: frozenset[int] = frozenset({443})
    loopback: bool = False


class Target(msgspec.Struct, frozen=True):
    """A URL that may be sent to, in the parts that a request is made of; the host in small letters."""

    scheme: str
    host: str
    port: int
    path_and_query: str

    @property
    def authority(self) -> str:
        """The `Host` of a request: with the port, where it is not the scheme's own."""
        is_usual = self.port == _DEFAULT_PORTS[self.scheme]
        return self.host if is_usual else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether this is the machine itself, by its plain names."""
        return is_loopback(self.host)


def target(url: str, rules: Rules, own_hosts: Collection[str]) -> Target:
    """Return the parts of a URL that webhooks may go to; raises RefusedUrl.

    `own_hosts` are the names of this API, as in a `Host` header; one that ends in `*` is the start of
    names. A name that passes may still resolve to an address that is refused: whoever connects asks
    `is_public` about each.
    """
    scheme, host, port, path_and_query = _parts(url)
    default = _DEFAULT_PORTS.get(scheme, 443)
    found = Target(scheme, host, _port(port, default), path_and_query)
    if rules.loopback and scheme in _DEFAULT_PORTS and found.is_loopback:
        ours = {_split(own) for own in own_hosts}
        if any(is_loopback(name) and (number or default) == found.port for name, number in ours):
            raise _own()
        return found
    if scheme != "https":
        raise RefusedUrl(f"Webhooks are sent by https alone: send a URL such as {_EXAMPLE}.")
    _check_host(host)
    if any(_is_own(host, _split(own)[0]) for own in own_hosts):
        raise _own()
    if found.port not in rules.ports:
        allowed = " or ".join(map(str, sorted(rules.ports)))
        raise RefusedUrl(f"Webhooks are not sent to port {found.port}: use port {allowed}.")
    return found


def is_public(address: str) -> bool:
    """Tell whether an IP address is globally routable unicast, and no other address in disguise.

    That is less than `is_global`, which passes multicast, and IPv6 addresses that carry an IPv4
    one (IPv4-compatible, NAT64, 6to4, Teredo). What is no address is not public.
    """
    from ipaddress import ip_address  # 1 ms, for URLs with an address in them and senders alone

    try:
        found = ip_address(address)
    except ValueError:
        return False
    # A zone (fe80::1%eth0) names an interface of our own machine.
    if "%" in address or not found.is_global or found.is_multicast:
        return False
    unicast, special = _networks()
    return any(found in net for net in unicast) and not any(found in net for net in special)


def is_loopback(host: str) -> bool:
    """Tell whether this is a plain name of the machine itself."""
    return host == "localhost" or bool(_IPV4.fullmatch(host) and host.startswith("127."))


def _parts(url: str) -> tuple[str, str, str | None, str]:
    """Return scheme, host, port and path with query, as written but for the case."""
    if len(url) > LONGEST_URL:
        raise RefusedUrl(f"The URL has {len(url)} characters, and {LONGEST_URL} are the most.")
    if not re.fullmatch(r"[!-\[\]-~]*", url):
        raise RefusedUrl(
            "A URL is printable ASCII, without spaces and backslashes: "
            "write the host in its xn-- form, and the rest percent-encoded."
        )
    split = _URL.fullmatch(url)
    place = split and _AUTHORITY.fullmatch(split[2])
    if not split or not place:
        raise RefusedUrl(f"This is not an absolute URL: send one such as {_EXAMPLE}.")
    if place[1] is not None:
        raise RefusedUrl("The URL names a user: leave that out, and check the signature instead.")
    if split[4] is not None:
        raise RefusedUrl("The URL has a fragment, which is never sent: leave out what follows #.")
    rest = split[3] if split[3].startswith("/") else f"/{split[3]}"
    return split[1].lower(), place[2].lower(), place[3], rest


def _port(written: str | None, default: int) -> int:
    if written is None:
        return default
    if not _PORT.fullmatch(written) or int(written) > 65535:
        raise RefusedUrl("A port is a number from 1 to 65535: correct it, or leave it out.")
    return int(written)


def _check_host(host: str) -> None:
    """Raise RefusedUrl unless a host is a public address, or a name that may have one."""
    if _IPV4.fullmatch(host):
        if not is_public(host):
            raise RefusedUrl(f"{host} is not a public address: use one that is, or a name.")
    elif host.startswith("["):
        raise RefusedUrl("Webhooks are sent over IPv4 alone: use a name that has an IPv4 address.")
    elif not _NAME.fullmatch(host):
        raise RefusedUrl(
            "The host is neither a name nor an address of four plain decimal numbers: "
            "use a name such as hooks.example.com, without a dot at its end."
        )
    elif "." not in host or _INWARD.fullmatch(host):
        raise RefusedUrl(f"{host[:100]} is not a public name: use one such as hooks.example.com.")


def _split(authority: str) -> tuple[str, int | None]:
    """Return name and port of a `Host` header's value."""
    name, _, port = authority.lower().partition(":")
    return name.removesuffix("."), int(port) if port.isdecimal() else None


def _is_own(host: str, own: str) -> bool:
    return host.startswith(own[:-1]) if own.endswith("*") else host == own


def _own() -> RefusedUrl:
    return RefusedUrl("The URL is this API's own: webhooks are sent to a service of yours.")


@functools.cache
def _networks() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    from ipaddress import ip_network

    return tuple(map(ip_network, _UNICAST)), tuple(map(ip_network, _SPECIAL))
