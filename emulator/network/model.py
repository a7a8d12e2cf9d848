"""The network every other part works on: routers, links, and what links ride on.

Plain immutable values. Routers, links, segments, POPs and client groups are
numbered from 0 in the order of their tuples, so later parts keep their state in
arrays; names are for people and files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.units import Duration


class Relationship(Enum):
    """What the two ASes at the ends of a link are to each other."""

    NONE = "none"
    """No relationship given: routes are exported to all (permit-all)."""
    CUSTOMER_PROVIDER = "customer-provider"
    """The first end buys transit from the second."""
    PEER = "peer"
    """Settlement-free peers."""
    INTERNAL = "internal"
    """Both ends are in one AS: an IGP adjacency, no eBGP."""


class Kind(Enum):
    """What an AS does."""

    LAB = "lab"
    TRANSIT = "transit"
    ACCESS = "access"
    CDN = "cdn"


@dataclass(frozen=True, slots=True)
class City:
    """A place where routers stand. ``country`` is ISO 3166-1 alpha-2; degrees north and east."""

    name: str
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of fibre between two cities that one cut severs: a shared-risk group.

    ``cable`` is the submarine cable's name, or None on land. ``length_km`` is
    the route's length, not the great circle's.
    """

    index: int
    ends: tuple[str, str]
    length_km: float
    cable: str | None = None

    @property
    def name(self) -> str:
        """``SEA-ME-WE-4: Jeddah - Djibouti``, or ``land: Paris - Lyon``."""
        return f"{self.cable or 'land'}: {self.ends[0]} - {self.ends[1]}"


@dataclass(frozen=True, slots=True)
class AutonomousSystem:
    """An AS and its role."""

    asn: int
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Router:
    """A BGP speaker: in the world one an (AS, city). ``router_id`` breaks ties, unique within a run."""

    index: int
    name: str
    asn: int
    router_id: int
    city: str | None = None
    originates: tuple[str, ...] = ()
    """Prefixes (text) it announces from the start."""


@dataclass(frozen=True, slots=True)
class Link:
    """A point-to-point link between two routers.

    ``delay`` is one way. ``segments`` are the indices of the fibre segments it
    rides on, in order from the first end; empty within a building or in a lab.
    ``capacity_bps`` is per direction.
    """

    index: int
    ends: tuple[int, int]
    delay: Duration
    relationship: Relationship
    segments: tuple[int, ...] = ()
    capacity_bps: float = math.inf
    igp_cost: int = 1
    """Metric of an INTERNAL link; unused otherwise."""

    def other(self, router: int) -> int:
        """The end that is not ``router``."""
        first, second = self.ends
        return second if router == first else first


@dataclass(frozen=True, slots=True)
class Pop:
    """A CDN point of presence: the router that announces, and what it can serve."""

    index: int
    code: str
    city: str
    router: int
    capacity_rps: float = math.inf


@dataclass(frozen=True, slots=True)
class ClientGroup:
    """The clients of one access network in one city; ``weight`` is its share of the demand's mass.

    ``last_mile`` is the median access RTT that a request adds to the path's.
    """

    index: int
    name: str
    router: int
    asn: int
    city: str
    country: str
    weight: float
    last_mile: Duration


@dataclass(frozen=True)
class Network:
    """Everything above, joined. Built once, then read-only."""

    routers: tuple[Router, ...]
    links: tuple[Link, ...]
    systems: tuple[AutonomousSystem, ...] = ()
    segments: tuple[Segment, ...] = ()
    cities: dict[str, City] = field(default_factory=dict)
    pops: tuple[Pop, ...] = ()
    groups: tuple[ClientGroup, ...] = ()

    @cached_property
    def router_by_name(self) -> dict[str, Router]:
        """Routers by name."""
        return {router.name: router for router in self.routers}

    @cached_property
    def system_by_asn(self) -> dict[int, AutonomousSystem]:
        """ASes by number."""
        return {system.asn: system for system in self.systems}

    @cached_property
    def links_of(self) -> tuple[tuple[int, ...], ...]:
        """For each router the indices of its links, ascending."""
        incident: list[list[int]] = [[] for _ in self.routers]
        for link in self.links:
            for end in link.ends:
                incident[end].append(link.index)
        return tuple(tuple(links) for links in incident)

    def links_between(self, first: int, second: int) -> tuple[int, ...]:
        """The links that join two routers, ascending."""
        return tuple(link for link in self.links_of[first] if self.links[link].other(first) == second)

    def neighbors(self, router: int) -> tuple[int, ...]:
        """The routers at the other ends of a router's links, each once, in the links' order."""
        return tuple(dict.fromkeys(self.links[link].other(router) for link in self.links_of[router]))

    @cached_property
    def routers_of(self) -> dict[int, tuple[int, ...]]:
        """For each AS number the indices of its routers, ascending."""
        members: dict[int, list[int]] = {}
        for router in self.routers:
            members.setdefault(router.asn, []).append(router.index)
        return {asn: tuple(routers) for asn, routers in members.items()}

    @cached_property
    def links_on_segment(self) -> tuple[tuple[int, ...], ...]:
        """For each segment the links that go dark with it."""
        riding: list[list[int]] = [[] for _ in self.segments]
        for link in self.links:
            for segment in dict.fromkeys(link.segments):
                riding[segment].append(link.index)
        return tuple(tuple(links) for links in riding)
