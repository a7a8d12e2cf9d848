"""Addresses for a network that has none: the emulator numbers routers and links, wires need octets.

The plan is a function of indices alone, so a capture of a simulated run and the
same network on real daemons carry the same addresses, and adding a router or a
link renumbers nothing before it.

======== ========================== ==========================================
what     IPv4                       IPv6
======== ========================== ==========================================
links    /31 out of 100.64.0.0/11   /127, a /64 each out of 3fff:0::/32
routers  /32 out of 100.96.0.0/11   /128 out of 3fff:1::/32
======== ========================== ==========================================

100.64.0.0/10 is shared address space (RFC 6598) and 3fff::/20 is for
documentation (RFC 9637): neither is routed on the Internet, and scenarios, which
announce private, documentation or benchmarking prefixes, have no use for them.
/31 is RFC 3021, /127 with a /64 to itself RFC 6164. The first end of a link has
the even address.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.errors import InputError

if TYPE_CHECKING:
    from emulator.network.model import Network

IPAddress = IPv4Address | IPv6Address

LINKS_MAX: Final = 2**20
"""/31 in a /11."""
ROUTERS_MAX: Final = 2**21 - 1
"""Addresses in a /11 without its first."""
PREFIX_LENGTH: Final = {Family.IPV4: 31, Family.IPV6: 127}
"""Of a link's subnet."""
_LINKS_V4: Final = int(IPv4Address("100.64.0.0"))
_ROUTERS_V4: Final = int(IPv4Address("100.96.0.0"))
_LINKS_V6: Final = int(IPv6Address("3fff::"))
_ROUTERS_V6: Final = int(IPv6Address("3fff:1::"))
_SUBNET_V6: Final = 64
_LOCAL_UNICAST: Final = 0x02
"""First octet of a MAC address that nobody's hardware has (IEEE 802: locally administered, unicast)."""


class AddressPlan:
    """The addresses of one network's links and routers; a side is 0 or 1, the place in `Link.ends`."""

    def __init__(self, network: Network) -> None:
        """Raise `InputError` where the network is larger than the ranges."""
        for what, count, most in (
            ("links", len(network.links), LINKS_MAX),
            ("routers", len(network.routers), ROUTERS_MAX),
        ):
            if count > most:
                message = f"the address plan has room for {most:,} {what}, got {count:,}"
                raise InputError(message)
        self._network = network

    def link_address(self, link: int, side: int, family: Family) -> IPAddress:
        """Return the address of the interface at one side of link number ``link``."""
        self._check_side(side)
        if family is Family.IPV4:
            return IPv4Address(_LINKS_V4 + 2 * link + side)
        return IPv6Address(_LINKS_V6 + (link << _SUBNET_V6) + side)

    def interface_address(self, link: int, router: int, family: Family) -> IPAddress:
        """`link_address` at the end where ``router`` is."""
        return self.link_address(link, self.side(link, router), family)

    def side(self, link: int, router: int) -> int:
        """Return the side of ``link`` that ``router`` is at; ValueError where it is at neither."""
        return self._network.links[link].ends.index(router)

    def loopback(self, router: int, family: Family) -> IPAddress:
        """Return the address of router number ``router`` itself, the one that iBGP sessions use."""
        if family is Family.IPV4:
            return IPv4Address(_ROUTERS_V4 + router + 1)
        return IPv6Address(_ROUTERS_V6 + router + 1)

    def mac(self, link: int, side: int) -> bytes:
        """Six octets: 02, the side (1 or 2), the link's number."""
        self._check_side(side)
        return bytes((_LOCAL_UNICAST, side + 1)) + link.to_bytes(4, "big")

    def router_mac(self, router: int) -> bytes:
        """Six octets: 02, 03, the router's number; of a router as such, without an interface."""
        return bytes((_LOCAL_UNICAST, 3)) + router.to_bytes(4, "big")

    @staticmethod
    def _check_side(side: int) -> None:
        if side not in {0, 1}:
            message = f"a link has sides 0 and 1, got {side}"
            raise ValueError(message)


def mac_text(mac: bytes) -> str:
    """``02:01:00:00:00:07``."""
    return ":".join(f"{octet:02x}" for octet in mac)
