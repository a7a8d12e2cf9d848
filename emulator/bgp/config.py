"""How a speaker is set: timers, options and the values they draw from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from emulator.bgp.decision import TieBreak
from emulator.bgp.policy import PermitAll, Policy
from emulator.units import SECOND, Duration

if TYPE_CHECKING:
    import random

    from emulator.bgp.rov import Roas


@dataclass(frozen=True, slots=True)
class Delay:
    """A duration, or a distribution of durations.

    ``kind`` is ``constant`` (low), ``uniform`` ([low, high]) or ``lognormal``
    (median ``low``, shape ``sigma``).
    """

    kind: str = "constant"
    low: Duration = Duration(0)
    high: Duration = Duration(0)
    sigma: float = 0.0

    @property
    def is_zero(self) -> bool:
        """Whether it is always nothing."""
        return self.kind == "constant" and self.low == 0

    def draw(self, rng: random.Random) -> Duration:
        """One value, in nanoseconds; a constant draws nothing."""
        if self.kind == "constant":
            return self.low
        if self.kind == "uniform":
            return Duration(rng.randint(self.low, self.high))
        return Duration(round(self.low * math.exp(rng.gauss(0.0, self.sigma))))


class MraiScope(Enum):
    """What one MRAI timer covers (RFC 4271 9.2.1.1 leaves it to the implementation)."""

    PEER = "peer"
    PREFIX = "prefix"
    FULL_TABLE = "full-table"
    """A timer a peer that never rests, as a full table always has something for it to hold back."""


class WithdrawalRule(Enum):
    """Which withdrawals wait for MRAI (RFC 4271 9.2.1.1 lets them pass)."""

    FREE = "free"
    """None."""
    WITH_PENDING = "with-pending"
    """Those that come while an announcement to the peer is held: they go with it (FRR 8.4)."""
    WAIT = "wait"
    """All: WRATE."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate (RFC 4271 9.2.2.2) originated while a more specific prefix is in the Loc-RIB.

    No AS_SET is formed (RFC 6472, 9774): the path is empty and ATOMIC_AGGREGATE
    is set where contributing paths were lost.
    """

    prefix: int
    contributors: frozenset[int]
    summary_only: bool = False
    """The contributors are not advertised."""


@dataclass(frozen=True, slots=True)
class Damping:
    """Route flap damping (RFC 2439): each flap adds a penalty that decays by half in ``half_life``."""

    half_life: Duration
    suppress: float = 2000.0
    reuse: float = 750.0
    max_suppress: Duration = Duration(3600 * SECOND)
    withdrawal_penalty: float = 1000.0
    readvertisement_penalty: float = 0.0
    """For an announcement of what had been withdrawn."""
    attribute_change_penalty: float = 0.0
    """For an announcement that replaces another one."""

    @property
    def ceiling(self) -> float:
        """RFC 2439 4.2: the penalty that takes ``max_suppress`` to decay to ``reuse``."""
        return self.reuse * math.pow(2.0, self.max_suppress / self.half_life)

    def decayed(self, penalty: float, elapsed: int) -> float:
        """``penalty`` after ``elapsed`` nanoseconds."""
        return penalty * math.pow(2.0, -elapsed / self.half_life)

    def time_to_reuse(self, penalty: float) -> Duration:
        """How long until ``penalty`` has decayed to the reuse threshold."""
        if penalty <= self.reuse:
            return Duration(0)
        return Duration(math.ceil(self.half_life * math.log2(penalty / self.reuse)))


@dataclass(frozen=True, slots=True)
class SpeakerConfig:
    """One speaker's settings; a scenario's ``bgp:`` section, resolved."""

    policy: Policy = field(default_factory=PermitAll)
    mrai: Duration = Duration(0)
    """MinRouteAdvertisementInterval towards eBGP peers (RFC 4271 9.2.1.1)."""
    ibgp_mrai: Duration = Duration(0)
    mrai_jitter: tuple[float, float] = (1.0, 1.0)
    """Factor drawn for each timer start (RFC 4271 section 10); once for each that never rests."""
    mrai_scope: MraiScope = MraiScope.PEER
    withdrawals: WithdrawalRule = WithdrawalRule.FREE
    withdrawal_starts_mrai: bool = False
    """A withdrawal sent starts the interval too; always so with `WithdrawalRule.WAIT`."""
    mrai_clock: Duration = Duration(0)
    """Granularity of the clock that measures MRAI: an interval ends MRAI less the whole ticks elapsed
    since the last UPDATE (FRR: 1 s). 0: exact."""
    mrai_clock_phase: Duration | None = None
    """How far that clock is into a tick at t = 0; None: drawn, for routers have been up for odd times."""
    batch_delay: Duration = Duration(0)
    """From the first change to the decision process: what comes meanwhile is decided with it (FRR's
    best-path queue: 50 ms)."""
    first_advertisement_delay: Duration = Duration(0)
    """From Established to the first advertisement (FRR: 1.1 s)."""
    echo: bool = True
    """Advertise a route to the peer that it was learned from (RFC 4271 9.1.3 leaves it open)."""
    sender_side_loop_detection: bool = False
    """Do not send a route to an AS that is already in its path."""
    ghost_flushing: bool = False
    """Withdraw at once when the new route is worse and must wait (Bremler-Barr et al., INFOCOM 2003)."""
    processing_delay: Delay = field(default_factory=Delay)
    tie_break: TieBreak = field(default_factory=TieBreak)
    damping: Damping | None = None
    cluster_id: int | None = None
    """Of a route reflector (RFC 4456); None: its BGP identifier."""
    enforce_first_as: bool = True
    """RFC 4271 6.3: what an eBGP peer sends must begin with its AS, unless it is a route server."""
    honor_blackhole: bool = False
    """RFC 7999: traffic to prefixes with the community is discarded, and they stay inside the AS."""
    require_policy: bool = False
    """RFC 8212: without a policy nothing is accepted from, or sent to, an eBGP peer."""
    honor_graceful_shutdown: bool = True
    """RFC 8326 4.1: routes that carry the community get LOCAL_PREF 0 on import."""
    roas: Roas | None = None
    """Validated ROA payloads (RFC 6811); None: origins are not validated."""
    drop_invalid: bool = True
    """Where origins are validated, refuse what is Invalid."""
    aggregates: tuple[Aggregate, ...] = ()
