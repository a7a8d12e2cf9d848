"""A scenario with all its names resolved: what the sim runs. `build` makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.bgp.messages import Family
from emulator.bgp.wiring import Wiring, wire
from emulator.igp import IgpConfig
from emulator.units import HOUR, Duration

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.liveness import SessionConfig
    from emulator.clients.config import ClientConfig
    from emulator.fleet.config import FleetConfig
    from emulator.forwarding.history import Destination
    from emulator.network.asgraph.graph import AsGraph
    from emulator.network.model import ClientGroup, Network, Pop
    from emulator.timeline import Event, Originate


@dataclass(frozen=True, slots=True)
class Prefix:
    """An announced prefix: its number everywhere inside, its text at the edge, what it is for."""

    index: int
    text: str
    role: str = "lab"
    """``shared``, ``cover``, ``provider AS1299``, ``pop SIN`` or ``lab``."""

    @property
    def family(self) -> Family:
        """Its address family."""
        return Family.IPV6 if ":" in self.text else Family.IPV4


@dataclass(frozen=True, slots=True)
class Protocol:
    """How routers behave: one speaker config and one session config a router."""

    speakers: tuple[SpeakerConfig, ...]
    sessions: tuple[SessionConfig, ...]
    igp: IgpConfig = field(default_factory=IgpConfig)
    fib_install_delay: Duration = Duration(0)
    wiring: Wiring | None = None
    """All sessions with their settings; None: iBGP in a full mesh, and every session as its speaker."""
    sessions_apart: dict[tuple[int, int], SessionConfig] = field(default_factory=dict)
    """Ends, by router and peer number, that are not set as their router's others."""

    def session(self, router: int, peer: int) -> SessionConfig:
        """How the end of a session is set."""
        return self.sessions_apart.get((router, peer), self.sessions[router])


@dataclass(frozen=True, eq=False)
class Ases:
    """The AS graph that a plan's network of full speakers was made from, for what is told of every AS.

    Its routers and links are the nodes and links of ``graph``; the fields mean what `FleetPlan` says.
    """

    graph: AsGraph
    delays: npt.NDArray[np.int64]
    pops: tuple[Pop, ...]
    collectors: tuple[int, ...]
    weight: npt.NDArray[np.float64] | None
    destinations: tuple[Destination, ...]
    duration: Duration


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs.

    ``settle_by_messages`` is `settle: simulate`. ``originations`` hold before
    t = 0. ``clients`` is None for a network without client groups, ``ases`` for
    one that is not made from an AS graph.
    """

    name: str
    seed: int
    network: Network
    prefixes: tuple[Prefix, ...]
    destinations: tuple[Destination, ...]
    originations: tuple[Originate, ...]
    protocol: Protocol
    timeline: tuple[Event, ...]
    duration: Duration
    settle_by_messages: bool = False
    settle_limit: Duration = Duration(24 * HOUR)
    clients: ClientConfig | None = None
    expectations: tuple[Any, ...] = ()
    list_routes: bool = True
    inputs: dict[str, str] = field(default_factory=dict)
    """Input file name -> SHA-256."""
    ases: Ases | None = None

    @property
    def has_ipv6(self) -> bool:
        """Whether a prefix is IPv6."""
        return any(prefix.family is Family.IPV6 for prefix in self.prefixes)

    def family_of(self, prefix: int) -> Family:
        """The address family of the prefix numbered ``prefix``."""
        return self.prefixes[prefix].family

    @property
    def wiring(self) -> Wiring:
        """All sessions, and how each end of them is set."""
        return self.protocol.wiring or wire(self.network)


@dataclass(frozen=True, eq=False)
class FleetPlan:
    """Everything a run on an AS graph needs: a `Plan` whose network is in arrays.

    Routers are the nodes of ``graph``, links its links, wherever indices stand.
    ``delays`` (L,) int64 ns, one way. ``prepend`` (S,) int8: how often more a node
    puts its AS in front over a slot. ``sessions`` holds for every session.
    ``collectors`` are nodes that only listen: what they hear is recorded.
    ``weight`` (N,) float64 is how many clients an AS stands for in catchments.
    """

    name: str
    seed: int
    graph: AsGraph
    delays: npt.NDArray[np.int64]
    prepend: npt.NDArray[np.int8]
    prefixes: tuple[Prefix, ...]
    destinations: tuple[Destination, ...]
    originations: tuple[Originate, ...]
    speakers: FleetConfig
    sessions: SessionConfig
    fib_install_delay: Duration
    timeline: tuple[Event, ...]
    duration: Duration
    pops: tuple[Pop, ...] = ()
    groups: tuple[ClientGroup, ...] = ()
    collectors: tuple[int, ...] = ()
    weight: npt.NDArray[np.float64] | None = None
    settle_by_messages: bool = False
    settle_limit: Duration = Duration(24 * HOUR)
    clients: ClientConfig | None = None
    expectations: tuple[Any, ...] = ()
    list_routes: bool = True
    inputs: dict[str, str] = field(default_factory=dict)
