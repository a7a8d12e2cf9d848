"""Longest-prefix match: which announced prefixes an address falls under (RFC 1812 5.2.4.3, RFC 4632 5.1)."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def resolve(address: str, prefixes: Sequence[str]) -> tuple[int, ...]:
    """Find the indices of the ``prefixes`` that cover ``address``, longest first.

    That is the order a router tries them in, see `Destination.prefixes`. IPv4
    and IPv6 do not cover each other; a prefix that is given twice keeps the
    order given. Raises ``ValueError`` for text that is no address, or no prefix
    (host bits set included).
    """
    parsed = ipaddress.ip_address(address)
    version, value, width = parsed.version, int(parsed), parsed.max_prefixlen
    covering = [
        (-length, index)
        for index, (family, network, length) in enumerate(map(_parse, prefixes))
        if family == version and (value ^ network) >> (width - length) == 0
    ]
    return tuple(index for _, index in sorted(covering))


@lru_cache(maxsize=4096)
def _parse(prefix: str) -> tuple[int, int, int]:
    """IP version, network address as an integer, prefix length."""
    network = ipaddress.ip_network(prefix)
    return network.version, int(network.network_address), network.prefixlen
