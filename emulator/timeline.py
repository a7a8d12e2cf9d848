"""What happens during a run, as data: events, and the actions they consist of.

Names are resolved to indices by then. A repair is an event of its own, so every
event has one instant; the sim applies the actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes
    from emulator.units import Duration, Instant


@dataclass(frozen=True, slots=True)
class Originate:
    """A router announces a prefix, to all its peers or to those in the ASes ``only_to``."""

    router: int
    prefix: int
    only_to: frozenset[int] | None = None
    carrying: Attributes | None = None
    """Whose MED and communities the announcement carries; None: it carries none."""


@dataclass(frozen=True, slots=True)
class StopOriginating:
    """A router withdraws a prefix."""

    router: int
    prefix: int


@dataclass(frozen=True, slots=True)
class StopExporting:
    """Routers withdraw everything from their peers in ``asn``, or with ``repair`` announce it again."""

    routers: tuple[int, ...]
    asn: int
    repair: bool = False


@dataclass(frozen=True, slots=True)
class LinksDown:
    """Links go dark (or, with ``repair``, light up): a cut. Cuts of one link add up."""

    links: tuple[int, ...]
    repair: bool = False
    segments: tuple[int, ...] = ()
    """The fibre segments cut, for the map."""


@dataclass(frozen=True, slots=True)
class RoutersDown:
    """Routers fail with all their sessions and state, or with ``repair`` come back empty."""

    routers: tuple[int, ...]
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Routers stay in BGP and forward nothing."""

    routers: tuple[int, ...]
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Degrade:
    """Delay and loss (one way, both directions) on a network's path between two of its routers.

    They are spread over the links of the IGP path that is in use when the event
    comes, in proportion to delay, so traffic that crosses part of it suffers
    part of it. Without ``between`` every link into the network gets all of it.
    ``links`` names links instead of a network.
    """

    asn: int
    between: tuple[int, int] | None
    delay: Duration
    loss: float
    links: tuple[int, ...] = ()
    repair: bool = False


@dataclass(frozen=True, slots=True)
class ResetSession:
    """The first router resets its BGP session with the second (Cease/4); it comes back."""

    routers: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ShutSessions:
    """Of each pair the first router shuts its sessions with the second down (Cease/2), or up again.

    ``message`` goes with the NOTIFICATION (RFC 9003). Shutdowns of one session add up.
    """

    pairs: tuple[tuple[int, int], ...]
    message: str = ""
    repair: bool = False


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """The first router asks the second to send everything again (ROUTE-REFRESH, RFC 2918)."""

    routers: tuple[int, int]


@dataclass(frozen=True, slots=True)
class RestartBgp:
    """A router's BGP process is gone for as long as ``takes``, with graceful restart where negotiated."""

    router: int
    takes: Duration


@dataclass(frozen=True, slots=True)
class Drain:
    """Graceful shutdown (RFC 8326) of a router's eBGP sessions, of those with ``peer`` only, or its end."""

    router: int
    peer: int | None = None
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Leak:
    """A router exports everything to everybody (RFC 7908), until it is repaired."""

    router: int
    repair: bool = False


Action = (
    Originate
    | StopOriginating
    | StopExporting
    | LinksDown
    | RoutersDown
    | Blackhole
    | Degrade
    | ResetSession
    | ShutSessions
    | RefreshSession
    | RestartBgp
    | Drain
    | Leak
)

FAULTS = (
    LinksDown,
    RoutersDown,
    Blackhole,
    Degrade,
    StopOriginating,
    StopExporting,
    ResetSession,
    ShutSessions,
    RestartBgp,
    Drain,
    Leak,
)
"""What counts as a fault for the before/during/after of the client metrics, unless it is a repair."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the timeline. ``index`` is its place there; repairs are numbered after them."""

    index: int
    at: Instant
    kind: str
    label: str
    actions: tuple[Action, ...]
    repairs: int | None = None
    """The index of the event that this one repairs."""

    @property
    def is_fault(self) -> bool:
        """Whether it breaks something."""
        return (
            self.repairs is None
            and self.kind != "repair"
            and any(isinstance(a, FAULTS) for a in self.actions)
        )
