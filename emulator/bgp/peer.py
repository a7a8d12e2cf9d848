"""One end of a session: what the peer is, what it sent, what was sent to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.bgp.messages import BOTH_FAMILIES
from emulator.bgp.policy import PermitAll
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.bgp.attributes import Attributes
    from emulator.bgp.config import SpeakerConfig
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
    mrai_run: tuple[int, int] | None = None
    """Period and phase (ns) of the MRAI timer, if it never rests: it expires ``phase`` after t = 0, and every
    ``period`` before and after. None: the interval, from t = 0."""
    allow_own_as: int = 0
    """How often our own AS may appear in a path that the peer sends (RFC 4271 9.1.2 with 0)."""


@dataclass(slots=True)
class Peer:
    """A session's state within the speaker.

    ``adj_rib_in`` holds routes pre-policy, as received; post-policy ones are the
    speaker's candidates. ``adj_rib_out`` holds what was sent last; ``pending``
    the prefixes to be looked at, or that wait for the MRAI timer, in the order
    they changed.
    """

    index: int
    config: PeerConfig
    is_ebgp: bool
    policy: Policy | None = None
    """What routes go through over eBGP, None where everything passes as it is."""
    has_policy: bool = True
    """For RFC 8212: somebody has said what passes."""
    echoes: bool = True
    """A route goes back to the peer that it was learned from."""
    mrai: int = 0
    """MinRouteAdvertisementInterval towards the peer, ns."""
    mrai_run: tuple[int, int] = (0, 0)
    """Period and phase of a timer that never rests."""
    families: tuple[Family, ...] = BOTH_FAMILIES
    """What the session carries."""
    is_partial: bool = False
    """It may not carry some of the speaker's prefixes."""
    is_up: bool = False
    is_muted: bool = False
    """Administratively sent nothing: all that was announced is withdrawn."""
    is_draining: bool = False
    """RFC 8326: the session is about to be shut down."""
    adj_rib_in: dict[int, Attributes] = field(default_factory=dict)
    adj_rib_out: dict[int, Attributes] = field(default_factory=dict)
    stale: dict[int, None] = field(default_factory=dict)
    """RFC 4724: prefixes kept from the session before, until they are heard of again or swept."""
    pending: dict[int, Any] = field(default_factory=dict)
    resend: dict[int, None] | None = None
    """RFC 2918: prefixes to be sent even if nothing has changed, where there are any."""
    is_opening: bool = False
    """Nothing has been sent since the session came up."""
    owes_end_of_rib: bool = False
    quiet_until: int = LONG_AGO
    """Instant of the first advertisement of the session."""
    last_update: int = LONG_AGO
    """Instant of the last UPDATE that counts for MRAI."""
    mrai_until: int = LONG_AGO
    """Instant the per-peer MRAI timer expires."""
    mrai_until_prefix: dict[int, int] = field(default_factory=dict)
    """The same for each prefix, where the scope is the prefix."""
    timer_at: int = LONG_AGO
    """Instant of the wake-up already asked for."""
    excess: int = 0
    """Announcements beyond a limit that only warns."""

    def clear(self, *, retain: bool = False) -> None:
        """The session is down: forget all, or with ``retain`` all but what it had sent."""
        self.is_up = False
        self.adj_rib_out.clear()
        self.resend = None
        self.reset_timers()
        if retain:
            for prefix in self.stale:
                del self.adj_rib_in[prefix]
            self.stale = dict.fromkeys(self.adj_rib_in)
        else:
            self.adj_rib_in.clear()
            self.stale.clear()

    def reset_timers(self) -> None:
        """Idle all timers, as they are long after the last message."""
        self.is_opening = self.owes_end_of_rib = False
        self.pending.clear()
        self.mrai_until_prefix.clear()
        self.mrai_until = self.timer_at = self.last_update = self.quiet_until = LONG_AGO


def make_peers(configs: Sequence[PeerConfig], speaker: SpeakerConfig, asn: int) -> list[Peer]:
    """Settle what each session's and the speaker's settings say together; ``asn`` is the speaker's."""
    return [_make_peer(index, configs, speaker, asn) for index in range(len(configs))]


def _make_peer(index: int, configs: Sequence[PeerConfig], speaker: SpeakerConfig, asn: int) -> Peer:
    config = configs[index]
    is_ebgp = config.asn != asn
    mrai = speaker.mrai if is_ebgp else speaker.ibgp_mrai
    policy = speaker.policy if config.policy is None else config.policy
    return Peer(
        index,
        config,
        is_ebgp,
        policy=None if isinstance(policy, PermitAll) else policy,
        has_policy=config.policy is not None or not isinstance(policy, PermitAll),
        echoes=speaker.echo,
        mrai=mrai,
        mrai_run=(mrai, 0) if config.mrai_run is None else config.mrai_run,
        families=config.families,
    )
