"""The address plan: every link and router has its own addresses, the same ones in every run."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest

from emulator.bgp.messages import BOTH_FAMILIES, Family
from emulator.errors import InputError
from emulator.network.model import Link, Network, Relationship, Router
from emulator.units import MILLISECOND
from emulator.wire.addresses import LINKS_MAX, AddressPlan, mac_text


def chain(routers: int) -> Network:
    """Routers in a row."""
    return Network(
        tuple(Router(index, f"r{index}", 65_000 + index, index + 1) for index in range(routers)),
        tuple(
            Link(index, (index, index + 1), MILLISECOND, Relationship.NONE) for index in range(routers - 1)
        ),
    )


def test_the_documented_addresses() -> None:
    """Link 0 and router 0 have the first addresses of their ranges; a side adds one."""
    plan = AddressPlan(chain(3))

    assert [plan.link_address(0, side, Family.IPV4) for side in (0, 1)] == [
        IPv4Address("100.64.0.0"), IPv4Address("100.64.0.1")
    ]  # fmt: skip
    assert plan.link_address(1, 1, Family.IPV6) == IPv6Address("3fff:0:0:1::1")
    assert plan.loopback(0, Family.IPV4) == IPv4Address("100.96.0.1")
    assert plan.loopback(2, Family.IPV6) == IPv6Address("3fff:1::3")
    assert mac_text(plan.mac(1, 0)) == "02:01:00:00:00:01"
    assert plan.interface_address(1, 2, Family.IPV4) == plan.link_address(1, 1, Family.IPV4)


def test_no_two_interfaces_or_routers_share_an_address() -> None:
    """2,000 links: all addresses differ, those of a link share a subnet, links and routers do not mix."""
    plan = AddressPlan(chain(2001))
    for family, links, length in (
        (Family.IPV4, IPv4Network("100.64.0.0/11"), 31),
        (Family.IPV6, IPv6Network("3fff::/32"), 127),
    ):
        ends = [[plan.link_address(link, side, family) for side in (0, 1)] for link in range(2000)]
        routers = [plan.loopback(router, family) for router in range(2001)]
        network = IPv4Network if family is Family.IPV4 else IPv6Network

        assert len({address for pair in ends for address in pair} | set(routers)) == 2 * 2000 + 2001
        assert all(address in links for pair in ends for address in pair)
        assert not any(address in links for address in routers)
        for first, second in ends:
            assert network(f"{first}/{length}").network_address == first
            assert second in network(f"{first}/{length}")
    macs = {plan.mac(link, side) for link in range(2000) for side in (0, 1)}
    macs |= {plan.router_mac(router) for router in range(2001)}
    assert len(macs) == 2 * 2000 + 2001


def test_a_network_beyond_the_ranges_is_refused() -> None:
    """2^20 links of two addresses fill a /11."""
    link = Link(0, (0, 1), MILLISECOND, Relationship.NONE)

    with pytest.raises(InputError, match="1,048,576 links"):
        AddressPlan(Network(chain(2).routers, (link,) * (LINKS_MAX + 1)))
    with pytest.raises(ValueError, match="sides 0 and 1"):
        AddressPlan(chain(2)).link_address(0, 2, BOTH_FAMILIES[0])
