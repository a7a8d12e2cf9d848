"""One-way delay of a route along fibre, in integer nanoseconds.

Light in silica fibre of group index 1.468 covers 204.2 km a millisecond, so no
round trip over a great circle of 100 km takes less than 0.979 ms. What a route
adds to that bound is modelled with a handful of constants for the whole world,
none of them for a region or for a pair of cities:

- a *slack* factor a kilometre of fibre, one on land and one at sea: slack
  loops, patching, dispersion compensation on older systems, detours of the duct;
- a fixed cost for each segment: amplifiers, regeneration, the metro ring;
- a fixed cost for each stay on a submarine cable, however many landings it
  passes by: terminal equipment and the way from the beach to the house where
  networks meet, at both ends;
- a fixed cost for each land border: national networks meet in a hub of one of
  the two countries, seldom where the fibre crosses.

The constants stay within what plant and equipment can account for. Measured
round trips between arbitrary hosts are longer still, because routing policy
does not take the shortest way; that share belongs to the routing that the
emulator runs on top. `emulator.network.calibration` compares both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from emulator.units import Duration

LIGHT_KM_PER_S: Final = 299_792.458
GROUP_INDEX: Final = 1.468
"""Of standard single-mode fibre (ITU-T G.652) at 1550 nm."""
FIBRE_KM_PER_MS: Final = LIGHT_KM_PER_S / GROUP_INDEX / 1000
"""204.2 km one way a millisecond."""
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """The constants of the delay of a route; durations are one way and never negative."""

    land_slack: float
    """Kilometres of light path a kilometre of land route, >= 1."""
    sea_slack: float
    """The same for submarine segments."""
    hop: Duration
    """Added for every segment."""
    landing: Duration
    """Added for every stay on a submarine cable: half where it is boarded, half where it is left."""
    border: Duration
    """Added for every land segment whose ends are in two countries."""
    end: Duration
    """Added once a route that has any segment: half at each end."""

    def land_delay(self, length_km: float, *, border: bool) -> Duration:
        """Nanoseconds one way over a land segment, rounded up."""
        return Duration(_fibre_ns(length_km * self.land_slack) + self.hop + self.border * border)

    def sea_delay(self, length_km: float) -> Duration:
        """Nanoseconds one way along a cable's trunk from one landing's branch to the next one's."""
        return Duration(_fibre_ns(length_km * self.sea_slack) + self.hop)

    def boarding_delay(self, branch_km: float) -> Duration:
        """Nanoseconds one way between a landing city and the trunk ``branch_km`` off the coast."""
        return Duration(_fibre_ns(branch_km * self.sea_slack) + (self.landing + 1) // 2)


def _fibre_ns(length_km: float) -> int:
    return math.ceil(length_km / FIBRE_KM_PER_MS * _NS_PER_MS)


CALIBRATED: Final = LatencyModel(
    land_slack=1.45,
    sea_slack=1.12,
    hop=Duration(100_000),
    landing=Duration(1_250_000),
    border=Duration(1_000_000),
    end=Duration(100_000),
)
"""The constants in use; ``python -m emulator.network.calibration`` reports how far off they are."""


def fibre_bound(distance_km: float) -> Duration:
    """The least one-way delay over ``distance_km`` of great circle, in nanoseconds, rounded down."""
    return Duration(math.floor(distance_km / FIBRE_KM_PER_MS * _NS_PER_MS))
