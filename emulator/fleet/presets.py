"""How the speakers of a whole Internet are set, where nobody can know each: calibrated on beacons.

A preset gives shares of ASes, not settings of a system; `emulator.bgp.presets`
has those. One router stands for an AS here, so an interval stands for all that
slows an AS down, the timers and queues between its own routers included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from emulator.bgp.config import Delay, MraiScope
from emulator.units import MILLISECOND, SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FleetPreset:
    """Settings of an AS graph.

    ``mrai`` maps an interval to the share of ASes that have it, in the order in
    which they are drawn. ``doubtful_as_peerings``: the graph is cleaned first, see
    `emulator.network.asgraph.doubtful`; without that, hunting is twice too long.
    """

    mrai: Mapping[Duration, float]
    mrai_jitter: tuple[float, float] = (0.75, 1.0)
    mrai_scope: MraiScope = MraiScope.PEER
    withdrawals_wait: bool = False
    link_delay: Delay = field(default_factory=Delay)
    doubtful_as_peerings: bool = False


# RIS beacons (AS12654) of 2019-07-01 at route-views2, on CAIDA's graph of that day.
#
# 30 s: Cisco IOS's interval for eBGP peers; 0: Junos's, Arista's, BIRD's and most software's. Of 43 sessions
# to route-views2 15 send in steps of 30 to 31 s and nothing in between, and no other step stands out.
# No jitter: those steps are alike, for five minutes on end.
# Timers never rest: a router with a full table has something for each peer in every interval, so that a lone
# announcement meets them anywhere in their run. It is what gives announcements their tail.
# Withdrawals wait: those 15 send them at the same ticks as announcements (WRATE, RFC 4271 9.2.1.1 leaves it
# open); with withdrawals that pass, all but a few peers of a model have lost the route within seconds, and
# none of the reference's rows can be had.
# Calibrated: the share of 30 s, on 7 beacons; from 45 to 55 % it fits them about as well. That there is no
# jitter and no class of minutes was also settled with the figures in view, so the figures on these beacons
# are no forecast for others. scenarios/measured/beacons.md has them, and what falls short.
INTERNET_2019: Final = FleetPreset(
    mrai={Duration(30 * SECOND): 0.45, Duration(0): 0.55},
    mrai_jitter=(1.0, 1.0),
    mrai_scope=MraiScope.FULL_TABLE,
    withdrawals_wait=True,
    link_delay=Delay("lognormal", Duration(20 * MILLISECOND), sigma=1.0),
    doubtful_as_peerings=True,
)

PRESETS: Final[Mapping[str, FleetPreset]] = {"internet-2019": INTERNET_2019}
"""By the name that `like:` gives."""
