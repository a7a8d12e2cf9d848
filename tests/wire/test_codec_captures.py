"""What BIRD, FRR, GoBGP and OpenBGPD really sent (captures/README.md), read and said again."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import BOTH_FAMILIES, EndOfRib, Family, Keepalive, Notification, Open
from emulator.bgp.reason import shutdown_text
from emulator.wire.codec import decode, encode, split
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    Aggregator,
    Message,
    PathAttributes,
    Segment,
    UnknownAttribute,
    UpdateMessage,
    WirePrefix,
    address_text,
    parse_address,
    parse_prefix,
    prefix_text,
)
from emulator.wire.session import Session, Style

FOLDER = Path(__file__).parent / "captures"
SESSIONS = {"source": Session(), "four": Session(), "two": Session(four_octet_as=False)}
MP = (14, 15)
STYLES = {
    "bird": Style(extended_length=MP),
    "frr": Style(
        one_parameter=False,
        capability_order=(1, 128, 2, 70, 65, 6, 69, 73, 64, 71),
        attribute_order=(14, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 32, 16, 17, 18),
        extended_length=(2, 14, 15, 17),
    ),
    "gobgp": Style(
        capability_order=(2, 73, 1, 65, 5),
        attribute_order=(1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 99, 14, 15, 17, 18),
    ),
    "openbgpd": Style(
        attribute_order=(1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 32, 99, 14, 15), extended_length=MP
    ),
}
"""How each daemon packs what it says."""
STREAMS = [(daemon, session) for daemon in STYLES for session in SESSIONS]
OWN = {"192.0.2.0/24", "2001:db8:2::/48"}
TOLD = {"198.51.100.0/24", "203.0.113.128/25", "2001:db8:100::/48"}
ATTRIBUTE_FLAGS = {"bird": 0xE0, "frr": 0xE0, "gobgp": 0xC0, "openbgpd": 0xE0}
"""Of attribute 99, passed on unread: GoBGP does not set Partial (RFC 4271 section 5 says one should)."""
NEXT_HOPS = {"bird": "10.64.0.1", "frr": "10.64.0.1", "gobgp": "10.64.0.2", "openbgpd": "10.64.0.1"}
"""Of the IPv4 routes told by 10.64.0.1: on a shared subnet only GoBGP puts itself in (RFC 4271 5.1.3)."""


@cache
def stream(daemon: str, session: str) -> tuple[bytes, ...]:
    """The messages of a session, as octets."""
    lines = (FOLDER / f"{daemon}.hex").read_text(encoding="ascii").splitlines()
    octets = bytes.fromhex(dict(line.split() for line in lines)[session])
    messages, rest = split(octets)
    assert rest == b""
    return messages


def decoded(daemon: str, session: str) -> list[Message]:
    """The same, read."""
    return [decode(octets, SESSIONS[session]) for octets in stream(daemon, session)]


def updates(daemon: str, session: str) -> list[UpdateMessage]:
    """The UPDATEs of a session, End-of-RIB left out."""
    return [message for message in decoded(daemon, session) if isinstance(message, UpdateMessage)]


@pytest.mark.parametrize(("daemon", "session"), STREAMS)
def test_said_again(daemon: str, session: str) -> None:
    """Every message of every daemon is re-encoded octet by octet, given how the daemon packs."""
    again = [encode(message, SESSIONS[session], STYLES[daemon]) for message in decoded(daemon, session)]

    assert [octets.hex() for octets in again] == [octets.hex() for octets in stream(daemon, session)]


@pytest.mark.parametrize(("daemon", "session"), STREAMS)
def test_nothing_is_malformed(daemon: str, session: str) -> None:
    """No daemon sent anything that RFC 7606 has a word for."""
    assert [message.malformed for message in updates(daemon, session) if message.malformed] == []


@pytest.mark.parametrize(
    ("daemon", "hold_time", "unknown", "restart"),
    [
        ("bird", 240, [70, 71], (120, False)),
        ("frr", 180, [128, 70, 6, 69, 73, 71], (120, True)),
        ("gobgp", 90, [73, 5], None),
        ("openbgpd", 90, [], (0, True)),
    ],
)
def test_open(daemon: str, hold_time: int, unknown: list[int], restart: tuple[int, bool] | None) -> None:
    """AS 65002, 10.0.0.2, both families, four-octet AS and route refresh, and what each adds."""
    message = decoded(daemon, "four")[0]

    assert isinstance(message, Open)
    capabilities = message.capabilities
    assert (message.asn, message.hold_time, address_text(Family.IPV4, message.router_id)) == (
        65002,
        hold_time,
        "10.0.0.2",
    )
    assert (capabilities.families, capabilities.four_octet_as, capabilities.route_refresh) == (
        BOTH_FAMILIES,
        65002,
        True,
    )
    assert [code for code, _ in capabilities.unknown] == unknown
    graceful = capabilities.graceful_restart
    assert (graceful and (graceful.restart_time, graceful.restarting)) == restart


@pytest.mark.parametrize("session", ["four", "two"])
@pytest.mark.parametrize("daemon", list(STYLES))
def test_attributes(daemon: str, session: str) -> None:
    """What was told comes through whole, to a two-octet speaker by AS4_PATH (RFC 6793)."""
    prefix = parse_prefix("198.51.100.0/24")
    (message, *_) = [each for each in updates(daemon, session) if prefix in each.announced]

    assert message.attributes is not None
    expected = PathAttributes(
        origin=Origin.EGP,
        as_path=(Segment(SegmentKind.AS_SEQUENCE, (65002, 4200000777, 65100, 4200000888)),),
        next_hop=parse_address(NEXT_HOPS[daemon]),
        atomic_aggregate=True,
        aggregator=Aggregator(4200000888, parse_address("10.0.0.9")),
        communities=((65100 << 16) + 7, (65100 << 16) + 8),
        extended_communities=(0x0002FDE800000064,),
        large_communities=((4200000777, 1, 2), (4200000777, 3, 4)),
        unknown=(UnknownAttribute(ATTRIBUTE_FLAGS[daemon], 99, b"opaque"),),
        partial=(17, 18) if (daemon, session) == ("openbgpd", "two") else (),
    )
    assert message.attributes == expected


@pytest.mark.parametrize("session", ["four", "two"])
@pytest.mark.parametrize("daemon", list(STYLES))
def test_routes(daemon: str, session: str) -> None:
    """Both families: all prefixes are announced, and those that were withdrawn are gone at the end."""
    rib: dict[WirePrefix, tuple[int, ...]] = {}
    seen: list[str] = []
    for message in updates(daemon, session):
        for prefix in message.all_withdrawn:
            del rib[prefix]
        for prefix in message.announced:
            rib[prefix] = message.next_hops(prefix)
            seen.append(prefix_text(prefix))

    assert set(seen) == OWN | TOLD
    assert {prefix_text(prefix) for prefix in rib} == OWN
    assert rib[parse_prefix("192.0.2.0/24")] == (parse_address("10.64.0.2"),)


@pytest.mark.parametrize("daemon", ["bird", "frr"])
def test_ipv6_next_hops(daemon: str) -> None:
    """Global and link-local address of the daemon's own route (RFC 2545 section 3)."""
    prefix = parse_prefix("2001:db8:2::/48")
    (message, *_) = [each for each in updates(daemon, "source") if prefix in each.announced]
    first, second = message.next_hops(prefix)

    assert address_text(Family.IPV6, first) == "fd00::2"
    assert address_text(Family.IPV6, second).startswith("fe80::")


def test_end_of_rib() -> None:
    """BIRD ends its first transfer with one for each family (RFC 4724), after the routes."""
    kinds = [message.family for message in decoded("bird", "source") if isinstance(message, EndOfRib)]

    assert kinds == [Family.IPV4, Family.IPV6]


@pytest.mark.parametrize(("daemon", "session"), STREAMS)
def test_order_of_a_session(daemon: str, session: str) -> None:
    """OPEN, KEEPALIVE, and at the end the NOTIFICATION of the daemon that is shut down: a Cease."""
    first, second, *_, last = decoded(daemon, session)

    assert (type(first), type(second)) == (Open, Keepalive)
    assert isinstance(last, Notification)
    assert (last.code, last.subcode in (2, 3)) == (6, True)
    assert shutdown_text(last) == ("bgpd shutting down" if daemon == "openbgpd" else None)
