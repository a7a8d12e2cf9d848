"""Longest-prefix match against its definition and against netaddr."""

from __future__ import annotations

import ipaddress

import hypothesis.strategies as st
import netaddr  # type: ignore[import-untyped]
import pytest
from hypothesis import given

from emulator.forwarding.lpm import resolve


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw an address and prefixes, most of them covering it or missing it by one bit."""
    version = draw(st.sampled_from([4, 6]))
    width = 32 if version == 4 else 128
    value = draw(st.integers(0, 2**width - 1))
    address = ipaddress.ip_address(value.to_bytes(width // 8, "big"))
    prefixes = []
    for length, flipped in draw(
        st.lists(st.tuples(st.integers(0, width), st.none() | st.integers(0, width - 1)), max_size=12)
    ):
        network = value if flipped is None else value ^ (1 << flipped)
        network = network >> (width - length) << (width - length)
        prefixes.append(f"{ipaddress.ip_address(network.to_bytes(width // 8, 'big'))}/{length}")
    other = ["::/0", "2001:db8::/32"] if version == 4 else ["0.0.0.0/0", "192.0.2.0/24"]
    prefixes += draw(st.lists(st.sampled_from(other), unique=True))
    return str(address), draw(st.permutations(prefixes))


@given(tables())
def test_equals_the_definition(table: tuple[str, list[str]]) -> None:
    """Exactly the covering prefixes; lengths never grow; equal prefixes stay in order."""
    address, prefixes = table
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]

    found = resolve(address, prefixes)

    covering = [i for i, network in enumerate(networks) if ipaddress.ip_address(address) in network]
    assert found == tuple(sorted(covering, key=lambda i: -networks[i].prefixlen))


@given(tables())
def test_agrees_with_netaddr(table: tuple[str, list[str]]) -> None:
    """A second opinion that shares no code with ipaddress."""
    address, prefixes = table
    unique = list(dict.fromkeys(prefixes))

    found = [netaddr.IPNetwork(unique[i]) for i in resolve(address, unique)]

    assert found == netaddr.all_matching_cidrs(address, unique)[::-1]


def test_an_address_falls_under_the_provider_prefix_then_its_cover() -> None:
    """The shape the steering strategies use."""
    prefixes = ["203.0.113.0/24", "198.51.100.0/24", "203.0.112.0/22", "2001:db8::/32"]

    assert resolve("203.0.113.7", prefixes) == (0, 2)
    assert resolve("203.0.112.7", prefixes) == (2,)
    assert resolve("2001:db8::1", prefixes) == (3,)
    assert resolve("192.0.2.1", prefixes) == ()


@pytest.mark.parametrize(
    ("address", "prefix"), [("nowhere", "::/0"), ("::1", "10.0.0.1/8"), ("::1", "10.0.0.0/33"), ("::1", "")]
)
def test_what_is_no_address_or_prefix_is_refused(address: str, prefix: str) -> None:
    """Host bits and impossible lengths included."""
    with pytest.raises(ValueError, match=r"does not appear|has host bits|not permitted|nowhere"):
        resolve(address, [prefix])
