"""The addresses that a webhook may go to, and the many that it may not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.outbound.targets import RefusedUrl, Rules, Target, is_public, target

PUBLIC, LOCAL = Rules(), Rules(loopback=True)
OWN = (
    "api.nowlater.example.com",
    "ab12cd.execute-api.eu-central-1.amazonaws.com",
    "localhost:8080",
)

# ── hosts ─────────────────────────────────────────────────────────────────────────────────────

#: Addresses as everybody writes them: `is_public` decides.
INNER_IPV4 = {
    "0.0.0.0": "this host",
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "100.64.0.1": "shared by carriers (CGNAT)",
    "100.100.100.200": "Alibaba's metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "Azure's metadata",
    "169.254.0.1": "link-local",
    "169.254.169.254": "metadata of AWS and others",
    "169.254.170.2": "credentials of ECS",
    "169.254.100.1": "inside of a Lambda",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.8": "protocol assignments",
    "192.0.0.192": "Oracle's metadata",
    "192.0.0.9": "protocol assignments, though global",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relay",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
}
INNER_IPV6 = {
    "::": "unspecified",
    "::1": "loopback",
    "::10.0.0.1": "IPv4-compatible",
    "::127.0.0.1": "IPv4-compatible",
    "::8.8.8.8": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:a9fe:a9fe": "IPv4-mapped 169.254.169.254",
    "::ffff:8.8.8.8": "IPv4-mapped, though of a public one",
    "::ffff:0:127.0.0.1": "IPv4-translated",
    "64:ff9b::a9fe:a9fe": "NAT64 of 169.254.169.254",
    "64:ff9b::8.8.8.8": "NAT64",
    "64:ff9b:1::10.0.0.1": "NAT64 of a network's own",
    "100::1": "discard-only",
    "2001::1": "Teredo",
    "2001:0:53aa:64c:0:0:5601:5601": "Teredo of 169.254.169.254",
    "2001:1::1": "port control, though global",
    "2001:2::1": "benchmarking",
    "2001:20::1": "ORCHIDv2",
    "2001:db8::1": "documentation",
    "2002:a9fe:a9fe::1": "6to4 of 169.254.169.254",
    "2002:7f00:1::": "6to4 of loopback",
    "2002:808:808::1": "6to4, though of a public one",
    "3fff::1": "documentation",
    "4000::1": "not allocated",
    "5f00::1": "segment routing",
    "fc00::1": "unique local (ULA)",
    "fd00:ec2::254": "AWS metadata, unique local (ULA)",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local with a zone",
    "2606:4700::1111%1": "public with a zone",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast, though global",
}
NO_ADDRESS = (
    "",
    " ",
    "localhost",
    "8.8.8",
    "8.8.8.8 ",
    "08.8.8.8",
    "8.8.8.8/32",
    "134744072",
    "8.8.8.256",
)
OUTER = {
    "1.1.1.1": "Cloudflare",
    "8.8.8.8": "Google",
    "9.255.255.255": "before private",
    "11.0.0.1": "after private",
    "100.63.255.255": "before CGNAT",
    "100.128.0.1": "after CGNAT",
    "172.32.0.1": "after private",
    "192.88.98.1": "before 6to4 relays",
    "223.255.255.254": "before multicast",
    "52.94.236.248": "an AWS service",
    "2606:4700:4700::1111": "Cloudflare",
    "2a00:1450:4001:82a::200e": "Google",
}
#: Spellings on which readers differ: inet_aton takes most for 127.0.0.1 or 169.254.169.254.
ODD_HOSTS = {
    "127.1": "short form",
    "127.0.1": "short form",
    "0": "short form of 0.0.0.0",
    "2130706433": "decimal",
    "2852039166": "decimal of 169.254.169.254",
    "017700000001": "octal",
    "0177.0.0.1": "octal",
    "0177.0.0.01": "octal",
    "127.0.0.01": "octal, or decimal with a zero",
    "00000177.0.0.1": "octal with zeros",
    "0x7f000001": "hex",
    "0X7F000001": "hex in capitals",
    "0x7f.1": "hex and short",
    "0x7f.0x0.0x0.0x1": "hex",
    "0xa9.0xfe.0xa9.0xfe": "hex of 169.254.169.254",
    "0xa9.254.0251.254": "mixed",
    "169.254.43518": "short form of 169.254.169.254",
    "127.0.0.1.": "with a dot at its end",
    "127.0.0.1.0": "five numbers",
    "127..0.1": "an empty number",
    "127.0.0.256": "no byte",
    "383.0.0.1": "overflows to 127",
    "example.com.127.0.0.0x1": "ends in a number",
    "1.2.3.4.5": "ends in a number",
    "example.0x7f": "ends in a number",
    "example.com.": "a dot at its end",
    "localhost.": "a dot at its end",
    ".example.com": "an empty label",
    "example..com": "an empty label",
    "-example.com": "a label that starts with a hyphen",
    "example-.com": "a label that ends with a hyphen",
    f"{'a' * 64}.com": "a label too long",
    f"{'a.' * 126}example": "a name too long",
    "": "no host",
    "127%2e0%2e0%2e1": "percent-encode the rest",
    "%6c%6f%63alhost": "percent-encode the rest",
    "example.com%00.evil.com": "a zero byte, percent-encoded",
    "exa$mple.com": "not a letter",
    "example.com,127.0.0.1": "two hosts",
    "127.0.0.1;example.com": "two hosts",
}
NO_ASCII_HOSTS = {
    "１２７.0.0.1": "full-width digits",
    "①②⑦.⓪.⓪.①": "circled digits",
    "127。0。0。1": "ideographic dots",
    "127．0．0．1": "full-width dots",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ": "circled letters",
    "ｌｏｃａｌｈｏｓｔ": "full-width letters",
    "loc\u00adalhost": "a soft hyphen",
    "local\u200bhost": "a zero-width space",
    "localhoſt": "a long s",
    "١٢٧.0.0.1": "Arabic digits",
    "bücher.example.com": "a good name, which has an ASCII form",
    "evil.com\u2044.example.com": "a slash that is none",
}
IPV6_HOSTS = (
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[fe80::1%25eth0]",
    "[fd00:ec2::254]",
    "[64:ff9b::7f00:1]",
    "[2606:4700::1111]",
    "[v1.a]",
)
INNER_NAMES = {
    "localhost": "this machine",
    "LOCALHOST": "this machine",
    "foo.localhost": "this machine (RFC 6761)",
    "localhost.localdomain": "this machine, as Linux names it",
    "printer.local": "mDNS (RFC 6762)",
    "ip-10-0-0-1.ec2.internal": "EC2",
    "ip-10-0-0-1.eu-central-1.compute.internal": "EC2",
    "metadata.google.internal": "Google's metadata",
    "kubernetes.docker.internal": "Docker",
    "internal": "a domain alone",
    "router.home.arpa": "a home (RFC 8375)",
    "1.0.0.127.in-addr.arpa": "reverse DNS",
    "nas.lan": "a home",
    "wiki.corp": "an office",
    "kubernetes": "without a dot",
    "intranet": "without a dot",
    "ip6-localhost": "this machine, as Debian names it",
}  # fmt: skip


def refused(url: str, rules: Rules = PUBLIC) -> str:
    """Return the sentence by which a URL is refused."""
    with pytest.raises(RefusedUrl) as refusal:
        target(url, rules, OWN)
    return str(refusal.value)


@pytest.mark.parametrize("address", [*INNER_IPV4, *INNER_IPV6, *NO_ADDRESS])
def test_what_is_not_globally_routable_unicast_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTER)
def test_globally_routable_unicast_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("rules", [PUBLIC, LOCAL], ids=["public", "local"])
@pytest.mark.parametrize("host", sorted({*INNER_IPV4} - {"127.0.0.1", "127.255.255.254"}))
def test_an_address_that_is_not_public_is_refused(host: str, rules: Rules) -> None:
    assert "not a public address" in refused(f"https://{host}/hook", rules)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.254"])
def test_the_machine_itself_is_refused_unless_the_rules_allow_it(host: str) -> None:
    assert "not a public" in refused(f"https://{host}/hook")
    assert target(f"http://{host}:9000/hook", LOCAL, OWN).is_loopback


@pytest.mark.parametrize("rules", [PUBLIC, LOCAL], ids=["public", "local"])
@pytest.mark.parametrize("host", ODD_HOSTS)
def test_a_host_that_readers_read_differently_is_refused(host: str, rules: Rules) -> None:
    assert "neither a name nor an address" in refused(f"https://{host}/hook", rules)


@pytest.mark.parametrize("rules", [PUBLIC, LOCAL], ids=["public", "local"])
@pytest.mark.parametrize("host", NO_ASCII_HOSTS)
def test_a_host_that_is_not_ascii_is_refused(host: str, rules: Rules) -> None:
    assert "xn-- form" in refused(f"https://{host}/hook", rules)


@pytest.mark.parametrize("rules", [PUBLIC, LOCAL], ids=["public", "local"])
@pytest.mark.parametrize("host", IPV6_HOSTS)
def test_an_ipv6_address_is_refused(host: str, rules: Rules) -> None:
    assert "only over IPv4" in refused(f"https://{host}/hook", rules)


@pytest.mark.parametrize("host", INNER_NAMES)
def test_a_name_that_leads_inwards_is_refused(host: str) -> None:
    assert "not a public name" in refused(f"https://{host}/hook")


@pytest.mark.parametrize(
    "host",
    [*OWN[:2], OWN[0].upper(), "Api.NowLater.example.com", f"{OWN[0]}:443", f"{OWN[0]}:8443"],
)
def test_our_own_host_is_refused_in_any_spelling(host: str) -> None:
    assert "belongs to this API" in refused(f"https://{host}/async/echo")


@pytest.mark.parametrize(
    "own", ["hooks.example.com.", "HOOKS.example.com", "hooks.example.com:443"]
)
def test_our_own_host_is_known_in_any_spelling(own: str) -> None:
    with pytest.raises(RefusedUrl, match="belongs to this API"):
        target("https://hooks.example.com/", PUBLIC, [own])


# ── URLs ──────────────────────────────────────────────────────────────────────────────────────

#: URL → what the refusal says.
HOSTILE_URLS = {
    "http://hooks.example.com/": "only by https",
    "ftp://hooks.example.com/": "only by https",
    "file:///etc/passwd": "only by https",
    "gopher://hooks.example.com/_GET": "only by https",
    "wss://hooks.example.com/": "only by https",
    "dict://127.0.0.1:11211/stats": "only by https",
    "httpss://hooks.example.com/": "only by https",
    "http://127.0.0.1/": "only by https",
    "": "not an absolute URL",
    "https": "not an absolute URL",
    "https:hooks.example.com": "not an absolute URL",
    "https:/hooks.example.com/": "not an absolute URL",
    "//hooks.example.com/": "not an absolute URL",
    "/hook": "not an absolute URL",
    "hooks.example.com": "not an absolute URL",
    "javascript:alert(1)": "not an absolute URL",
    "data:text/plain,x": "not an absolute URL",
    "1https://hooks.example.com/": "not an absolute URL",
    "https://[::1/": "not an absolute URL",
    "https://::1/": "not an absolute URL",
    "https://hooks.example.com:443:80/": "not an absolute URL",
    "https://[::1]hooks.example.com/": "not an absolute URL",
    "https:///hooks.example.com/": "neither a name nor an address",
    "https://?hooks.example.com/": "neither a name nor an address",
    "https://user@hooks.example.com/": "names a user",
    "https://user:secret@hooks.example.com/": "names a user",
    "https://@hooks.example.com/": "names a user",
    "https://hooks.example.com@127.0.0.1/": "names a user",
    "https://hooks.example.com:443@127.0.0.1:80/": "names a user",
    "https://a@b@hooks.example.com/": "names a user",
    "https://hooks.example.com/#": "fragment",
    "https://hooks.example.com/hook#part": "fragment",
    "https://hooks.example.com#@127.0.0.1/": "fragment",
    "https://hooks.example.com\\@127.0.0.1/": "backslashes",
    "https:\\\\hooks.example.com/": "backslashes",
    "https://hooks.example.com/a\\b": "backslashes",
    "https://hooks.example.com /": "spaces",
    " https://hooks.example.com/": "spaces",
    "https://hooks.example.com/a b": "spaces",
    "https://hooks.example.com/\n": "spaces",
    "https://hooks.example.com/ HTTP/1.1\r\nX-Injected: 1": "spaces",
    "https://hooks.example.com\r\n/": "spaces",
    "https://hooks.exa\tmple.com/": "spaces",
    "https://hooks.example.com/\x00": "printable ASCII",
    "https://hooks.example.com/\x7f": "printable ASCII",
    "https://hooks.example.com/ü": "percent-encode the rest",
    "https://hooks.example.com/\ud800": "percent-encode the rest",
    "https://hooks.example.com:80/": "use port 443",
    "https://hooks.example.com:22/": "use port 443",
    "https://hooks.example.com:8443/": "use port 443",
    "https://hooks.example.com:/": "number from 1",
    "https://hooks.example.com:0/": "number from 1",
    "https://hooks.example.com:0443/": "number from 1",
    "https://hooks.example.com:65536/": "number from 1",
    "https://hooks.example.com:65979/": "number from 1",
    "https://hooks.example.com:-443/": "not an absolute URL",
    "https://hooks.example.com:4x/": "not an absolute URL",
    f"https://hooks.example.com/{'a' * 2048}": "the maximum is",
}  # fmt: skip

GOOD_URLS = {
    "https://hooks.example.com": Target("https", "hooks.example.com", 443, "/"),
    "https://hooks.example.com/": Target("https", "hooks.example.com", 443, "/"),
    "HTTPS://Hooks.Example.COM/Hook": Target("https", "hooks.example.com", 443, "/Hook"),
    "https://hooks.example.com:443/a": Target("https", "hooks.example.com", 443, "/a"),
    "https://example.com?a=1": Target("https", "example.com", 443, "/?a=1"),
    "https://example.com/a?b=c&d[]=%0d%0a": Target(
        "https", "example.com", 443, "/a?b=c&d[]=%0d%0a"
    ),
    "https://example.com/@user:80/../x": Target("https", "example.com", 443, "/@user:80/../x"),
    "https://example.com/?u=http://127.0.0.1/": Target(
        "https", "example.com", 443, "/?u=http://127.0.0.1/"
    ),
    "https://xn--bcher-kva.example.com/": Target("https", "xn--bcher-kva.example.com", 443, "/"),
    "https://example.xn--p1ai/": Target("https", "example.xn--p1ai", 443, "/"),
    "https://my_hook.example.com/": Target("https", "my_hook.example.com", 443, "/"),
    "https://127.0.0.1.nip.io/": Target("https", "127.0.0.1.nip.io", 443, "/"),
    "https://localhost.example.com/": Target("https", "localhost.example.com", 443, "/"),
    "https://notlocal.example.com/": Target("https", "notlocal.example.com", 443, "/"),
    "https://mylan.de/": Target("https", "mylan.de", 443, "/"),
    "https://8.8.8.8/": Target("https", "8.8.8.8", 443, "/"),
    f"https://example.com/{'a' * 2028}": Target("https", "example.com", 443, f"/{'a' * 2028}"),
}


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused_with_what_to_send_instead(url: str) -> None:
    assert HOSTILE_URLS[url] in refused(url)


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_public_https_url_is_taken_apart(url: str) -> None:
    assert target(url, PUBLIC, OWN) == GOOD_URLS[url]
    assert target(url, LOCAL, OWN) == GOOD_URLS[url]


def test_the_tables_are_as_long_as_the_world_is_hostile() -> None:
    hosts = (INNER_IPV4, INNER_IPV6, ODD_HOSTS, NO_ASCII_HOSTS, IPV6_HOSTS, INNER_NAMES)

    assert sum(map(len, hosts)) + len(HOSTILE_URLS) >= 60


# ── rules ─────────────────────────────────────────────────────────────────────────────────────


def test_a_port_that_the_rules_allow_is_used() -> None:
    rules = Rules(ports=frozenset({443, 8443}))

    assert target("https://example.com:8443/", rules, OWN).authority == "example.com:8443"
    assert "use port 443 or 8443" in refused("https://example.com:80/", rules)
    assert "only by https" in refused("http://example.com:8443/", rules)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com/", "example.com"),
        ("https://example.com:443/", "example.com"),
        ("http://localhost/", "localhost"),
        ("http://localhost:80/", "localhost"),
        ("http://localhost:443/", "localhost:443"),
        ("https://localhost:80/", "localhost:80"),
        ("http://127.0.0.1:9000/", "127.0.0.1:9000"),
    ],
)
def test_the_authority_has_a_port_where_it_is_not_the_schemes_own(url: str, authority: str) -> None:
    assert target(url, LOCAL, OWN).authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "ftp://localhost/",
        "http://foo.localhost/",
        "http://localhost.localdomain/",
        "http://[::1]:9000/",
        "http://127.1:9000/",
        "http://0x7f000001:9000/",
        "http://0.0.0.0:9000/",
        "http://169.254.169.254/",
        "https://10.0.0.1/",
        "http://localhost.:9000/",
        "http://user@localhost:9000/",
    ],
)
def test_loopback_allows_nothing_else_more(url: str) -> None:
    assert refused(url, LOCAL)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "LocalHost:8080"])
def test_our_own_port_is_refused_on_the_local_stack_too(host: str) -> None:
    assert "belongs to this API" in refused(f"http://{host}/async/echo", LOCAL)


# ── properties ────────────────────────────────────────────────────────────────────────────────


@given(st.ip_addresses())
def test_no_address_is_public_that_is_not_global(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert is_public(str(address)) <= (address.is_global and not address.is_multicast)


@given(
    st.ip_addresses(v=4),
    st.sampled_from(["::{}", "::ffff:{}", "64:ff9b::{}", "64:ff9b:1::{}", "::ffff:0:{}"]),
)
def test_no_ipv6_address_that_carries_an_ipv4_one_is_public(
    address: ipaddress.IPv4Address, prefix: str
) -> None:
    assert not is_public(prefix.format(address))


@given(st.ip_addresses(v=4), st.integers(min_value=0, max_value=2**80 - 1))
def test_no_6to4_address_is_public(address: ipaddress.IPv4Address, rest: int) -> None:
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80) | rest)))


@st.composite
def spellings(draw: st.DrawFn, address: int) -> str:
    """Return one of the spellings that inet_aton reads as this IPv4 address."""
    count = draw(st.integers(1, 4))
    parts = [address >> (24 - 8 * i) & 255 for i in range(count - 1)]
    parts.append(address & (2 ** (32 - 8 * (count - 1)) - 1))
    zeros = st.integers(0, 5).map(lambda n: "0" * n)
    return ".".join(
        draw(
            st.sampled_from(
                [f"{part}", f"0{draw(zeros)}{part:o}", f"0x{draw(zeros)}{part:x}", f"0X{part:X}"]
            )
        )
        for part in parts
    )


@given(st.sampled_from([0x7F000001, 0xA9FEA9FE, 0x0A000001, 0]).flatmap(spellings))
def test_no_spelling_of_an_inner_address_passes(host: str) -> None:
    assert refused(f"https://{host}/")


@given(st.text(max_size=60) | st.text("htps:/@.[]%#?\\ 0127x-a", max_size=40))
def test_no_url_is_too_strange(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.example.com/", f"http://{text}"):
        for rules in (PUBLIC, LOCAL):
            try:
                found = target(url, rules, OWN)
            except RefusedUrl:
                continue
            assert found.is_loopback or "." in found.host
            assert found.path_and_query.startswith("/")
