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


@dataclass(frozen=True, slots=True)
class Damping:
    """Route flap damping (RFC 2439): each flap adds a penalty that decays by half in ``half_life``."""

    half_life: Duration
    suppress: float = 2000.0
    reuse: float = 750.0
    max_suppress: Duration = Duration(3600 * SECOND)
    withdrawal_penalty: float = 1000.0

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
    """Factor drawn for each timer start (RFC 4271 section 10)."""
    mrai_scope: MraiScope = MraiScope.PEER
    mrai_on_withdrawals: bool = False
    """WRATE: withdrawals wait for the timer and start it."""
    sender_side_loop_detection: bool = False
    """Do not send a route to an AS that is already in its path."""
    ghost_flushing: bool = False
    """Withdraw at once when the new route is worse and must wait (Bremler-Barr et al., INFOCOM 2003)."""
    processing_delay: Delay = field(default_factory=Delay)
    tie_break: TieBreak = field(default_factory=TieBreak)
    damping: Damping | None = None
