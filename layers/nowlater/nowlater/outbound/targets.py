"""The URLs that webhooks may be sent to: public https addresses outside our own network and API."""

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
#: An address that all parsers read alike: without octal, hexadecimal and short forms.
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
#: The last label starts with a letter, as top-level domains do; others could be read as an address.
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")

#: Domains that resolve within a private network: RFC 6761, 6762 and 8375, ICANN's `.internal`, and
#: those that homes and offices commonly use.
_PRIVATE_DOMAIN = re.compile(
    r"(?:.*\.)?(?:arpa|corp|home|internal|intranet|lan|local|localdomain|localhost|private)"
)

#: Ranges allocated to unicast (IANA's registries). Other IPv6 is reserved, or carries an IPv4 address.
_UNICAST = ("0.0.0.0/0", "2000::/3")
#: Ranges within these that are not public; some versions of `ipaddress` call them global.
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
    """No webhook may be sent to this URL; the text says what is wrong and what to use instead."""


class Rules(msgspec.Struct, frozen=True):
    """The targets that a deployment allows: https on some ports, and loopback on the local stack only.

    `loopback` also allows http and https to localhost and 127.0.0.0/8, on any port.
    """

    ports: frozenset[int] = frozenset({443})
    loopback: bool = False


class Target(msgspec.Struct, frozen=True):
    """The parts of an allowed URL; the host is in lower case."""

    scheme: str
    host: str
    port: int
    path_and_query: str

    @property
    def authority(self) -> str:
        """The `Host` of a request: with the port, unless it is the scheme's default."""
        is_usual = self.port == _DEFAULT_PORTS[self.scheme]
        return self.host if is_usual else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is a loopback name or address."""
        return is_loopback(self.host)


def target(url: str, rules: Rules, own_hosts: Collection[str]) -> Target:
    """Return the parts of a URL that webhooks may be sent to; raises RefusedUrl.

    `own_hosts` are the hosts of this API, as in a `Host` header; one that ends in `*` is a prefix. An
    allowed name may still resolve to a private address: the client checks each with `is_public`.
    """
    scheme, host, port, path_and_query = _parts(url)
    default = _DEFAULT_PORTS.get(scheme, 443)
    parts = Target(scheme, host, _port(port, default), path_and_query)
    if rules.loopback and scheme in _DEFAULT_PORTS and parts.is_loopback:
        own = {_split(own_host) for own_host in own_hosts}
        if any(is_loopback(name) and (number or default) == parts.port for name, number in own):
            raise _refused_own_url()
        return parts
    if scheme != "https":
        raise RefusedUrl(f"Webhooks are sent only by https: use a URL such as {_EXAMPLE}.")
    _check_host(host)
    if any(_is_own(host, _split(own_host)[0]) for own_host in own_hosts):
        raise _refused_own_url()
    if parts.port not in rules.ports:
        allowed = " or ".join(map(str, sorted(rules.ports)))
        raise RefusedUrl(f"Webhooks are not sent to port {parts.port}: use port {allowed}.")
    return parts


def is_public(address: str) -> bool:
    """Tell whether a text is a globally routable unicast IP address that embeds no other address.

    That is stricter than `is_global`, which accepts multicast, and IPv6 addresses that carry an IPv4
    one (IPv4-compatible, NAT64, 6to4, Teredo).
    """
    from ipaddress import (
        ip_address,  # takes 1 ms, and only URLs with an address and senders need it
    )

    try:
        ip = ip_address(address)
    except ValueError:
        return False
    # A zone (fe80::1%eth0) names an interface of our own machine.
    if "%" in address or not ip.is_global or ip.is_multicast:
        return False
    unicast, special = _networks()
    return any(ip in net for net in unicast) and not any(ip in net for net in special)


def is_loopback(host: str) -> bool:
    """Tell whether a host is `localhost` or an address of 127.0.0.0/8."""
    return host == "localhost" or bool(_IPV4.fullmatch(host) and host.startswith("127."))


def _parts(url: str) -> tuple[str, str, str | None, str]:
    """Return scheme, host (both in lower case), port and path with query; raises RefusedUrl."""
    if len(url) > LONGEST_URL:
        raise RefusedUrl(f"The URL has {len(url)} characters; the maximum is {LONGEST_URL}.")
    if not re.fullmatch(r"[!-\[\]-~]*", url):
        raise RefusedUrl(
            "A URL must be printable ASCII without spaces and backslashes: "
            "write the host in its xn-- form, and percent-encode the rest."
        )
    split = _URL.fullmatch(url)
    authority = split and _AUTHORITY.fullmatch(split[2])
    if not split or not authority:
        raise RefusedUrl(f"This is not an absolute URL: use one such as {_EXAMPLE}.")
    if authority[1] is not None:
        raise RefusedUrl("The URL names a user: remove it, and check the signature instead.")
    if split[4] is not None:
        raise RefusedUrl("The URL has a fragment, which is never sent: remove it from # on.")
    path_and_query = split[3] if split[3].startswith("/") else f"/{split[3]}"
    return split[1].lower(), authority[2].lower(), authority[3], path_and_query


def _port(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise RefusedUrl("A port must be a number from 1 to 65535: correct or remove it.")
    return int(text)


def _check_host(host: str) -> None:
    """Raise RefusedUrl unless a host is a public address, or a name that may have one."""
    if _IPV4.fullmatch(host):
        if not is_public(host):
            raise RefusedUrl(f"{host} is not a public address: use a public one, or a name.")
    elif host.startswith("["):
        raise RefusedUrl("Webhooks are sent only over IPv4: use a name that has an IPv4 address.")
    elif not _NAME.fullmatch(host):
        raise RefusedUrl(
            "The host is neither a name nor an address of four decimal numbers: "
            "use a name such as hooks.example.com, without a dot at its end."
        )
    elif "." not in host or _PRIVATE_DOMAIN.fullmatch(host):
        raise RefusedUrl(f"{host[:100]} is not a public name: use one such as hooks.example.com.")


def _split(authority: str) -> tuple[str, int | None]:
    """Return the name and the port of a `Host` header's value."""
    name, _, port = authority.lower().partition(":")
    return name.removesuffix("."), int(port) if port.isdecimal() else None


def _is_own(host: str, own: str) -> bool:
    return host.startswith(own[:-1]) if own.endswith("*") else host == own


def _refused_own_url() -> RefusedUrl:
    return RefusedUrl("The URL belongs to this API: use the URL of a service of yours.")


@functools.cache
def _networks() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    from ipaddress import ip_network

    return tuple(map(ip_network, _UNICAST)), tuple(map(ip_network, _SPECIAL))
