"""Routers and links as they are put together, numbered in the order they come."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from emulator.network.model import Link, Relationship, Router
from emulator.units import Duration

CROSS_CONNECT: Final = Duration(50_000)
"""One way between two routers of one city: some kilometres of metropolitan fibre."""


@dataclass(slots=True)
class Assembly:
    """The network so far."""

    routers: list[Router] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    at: dict[tuple[int, str], int] = field(default_factory=dict)
    """Router index by AS number and place: a city, or a POP's code."""
    _identifiers: set[int] = field(default_factory=set)

    def router(self, asn: int, place: str, city: str) -> int:
        """Add the router of ``asn`` at ``place`` in ``city``; give its index.

        Its router ID is a hash of its name, so that other networks do not
        change who wins a tie.
        """
        name = f"AS{asn}@{place}"
        identifier = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
        while identifier in self._identifiers or not identifier:
            identifier = (identifier + 1) % 2**32
        self._identifiers.add(identifier)
        index = len(self.routers)
        self.routers.append(Router(index, name, asn, identifier, city))
        self.at[asn, place] = index
        return index

    def link(
        self,
        ends: tuple[int, int],
        delay: int,
        relationship: Relationship,
        capacity_bps: float,
        segments: tuple[int, ...] = (),
    ) -> None:
        """Add a link; an internal one costs the IGP its delay in microseconds, rounded up."""
        igp_cost = max(1, -(-delay // 1000)) if relationship is Relationship.INTERNAL else 1
        link = Link(len(self.links), ends, Duration(delay), relationship, segments, capacity_bps, igp_cost)
        self.links.append(link)
