"""One end of a session: what the peer is, what it sent, what was sent to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.bgp.messages import BOTH_FAMILIES
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes
    from emulator.bgp.messages import Family, Role
    from emulator.bgp.policy import Policy, Relation
    from emulator.units import Duration


@dataclass(frozen=True, slots=True)
class MaxPrefixes:
    """How many prefixes a peer may send (RFC 4486 section 4), and what follows when it sends more."""

    limit: int
    restart_after: Duration | None = None
    """The session, closed with Cease/1, is opened again after so long; None: never, until reset by hand."""
    warn_only: bool = False


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """The peer as configured: its AS, its router's index and identifier, what it is to us."""

    asn: int
    router: int
    router_id: int
    relation: Relation
    policy: Policy | None = None
    """Import and export policy of this session; None: the speaker's."""
    families: tuple[Family, ...] = BOTH_FAMILIES
    """What is negotiated at most (RFC 4760)."""
    is_client: bool = False
    """The peer is a client of this route reflector (RFC 4456)."""
    next_hop_self: bool = True
    """iBGP: give our own address as NEXT_HOP of routes learned over eBGP. Reflected routes keep theirs."""
    role: Role | None = None
    """Our role towards the peer (RFC 9234); None: the capability is not sent and OTC is not looked at."""
    strict_role: bool = False
    """Refuse a peer that sends no role."""
    max_prefixes: MaxPrefixes | None = None
    allow_own_as: int = 0
    """How often our own AS may appear in a path that the peer sends (RFC 4271 9.1.2 with 0)."""


@dataclass(slots=True)
class Peer:
    """A session's state within the speaker.

    ``adj_rib_in`` holds routes pre-policy, as received; post-policy ones are the
    speaker's candidates. ``adj_rib_out`` holds what was sent last; ``pending``
    the prefixes whose latest state waits for the MRAI timer, in the order they
    changed.
    """

    index: int
    config: PeerConfig
    is_ebgp: bool
    is_up: bool = False
    is_muted: bool = False
    """Administratively sent nothing: all that was announced is withdrawn."""
    adj_rib_in: dict[int, Attributes] = field(default_factory=dict)
    adj_rib_out: dict[int, Attributes] = field(default_factory=dict)
    pending: dict[int, None] = field(default_factory=dict)
    mrai_until: int = LONG_AGO
    """Instant the per-peer MRAI timer expires."""
    mrai_until_prefix: dict[int, int] = field(default_factory=dict)
    """The same for each prefix, where the scope is the prefix."""
    timer_at: int = LONG_AGO
    """Instant of the wake-up already asked for."""

    def clear(self) -> None:
        """Forget everything: the session is down."""
        self.is_up = False
        self.adj_rib_in.clear()
        self.adj_rib_out.clear()
        self.reset_timers()

    def reset_timers(self) -> None:
        """Idle all timers, as they are long after the last message."""
        self.pending.clear()
        self.mrai_until_prefix.clear()
        self.mrai_until = self.timer_at = LONG_AGO


@dataclass(slots=True)
class Flaps:
    """Damping state of one (peer, prefix): RFC 2439 figure of merit."""

    penalty: float = 0.0
    at: int = 0
    is_suppressed: bool = False
