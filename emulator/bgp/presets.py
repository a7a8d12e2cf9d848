"""How particular routers are set as they come: timers, tie-breaks and habits, each with its source.

A preset is a speaker's and a session's settings with the fields set that its
system decides. What it is silent about is as in `SpeakerConfig` and
`SessionConfig`. Versions are named because habits change with them. What a
system does and no field can say stands in the preset's comment.

Sources: [frr] source of FRR 8.4; [bird] source of BIRD 2.0.12 and its guide,
https://bird.network.cz/?get_doc&v=20&f=bird-6.html#ss6.3; [gobgp] source of
GoBGP 3.10; [openbgpd] bgpd.conf(5) of OpenBGPD 7.7 and its source; [ios] and
[junos] the manuals at the addresses beside. (measured): seen on Debian 12's
packages, cliques of 3 to 6 ASes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.bgp.config import MraiScope, SpeakerConfig, WithdrawalRule
from emulator.bgp.decision import TieBreak
from emulator.bgp.liveness import SessionConfig
from emulator.units import MILLISECOND, SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEADY: Final = (1.0, 1.0)
_JITTERED: Final = (0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Preset:
    """A system as it comes."""

    version: str
    speaker: SpeakerConfig
    session: SessionConfig


# It compares MED in pairs in the order of arrival unless ``bgp deterministic-med`` is set; here every
# speaker goes by groups. From 10.6 on withdrawals obey the interval (FRRouting/frr pull request 20533).
_FRR: Final = Preset(
    "FRR 8.4, profile traditional",
    SpeakerConfig(
        mrai=Duration(0),  # [frr] bgpd.h BGP_DEFAULT_EBGP_ROUTEADV
        ibgp_mrai=Duration(0),  # [frr] bgpd.h BGP_DEFAULT_IBGP_ROUTEADV
        mrai_jitter=_STEADY,  # [frr] bgp_fsm.c bgp_adjust_routeadv
        mrai_scope=MraiScope.PEER,  # [frr] bgpd.h: t_routeadv is the peer's
        mrai_clock=SECOND,  # [frr] bgp_adjust_routeadv: difftime of bgp_clock(), a time_t
        # [frr] bgp_packet.c bgp_generate_updgrp_packets: nothing at all leaves while t_routeadv runs, but
        # only an announcement starts it
        withdrawals=WithdrawalRule.WITH_PENDING,
        withdrawal_starts_mrai=True,  # [frr] bgp_packet.c: last_update is that of any UPDATE
        batch_delay=Duration(50 * MILLISECOND),  # [frr] bgp_route.c: process_queue->spec.hold
        # [frr] bgp_updgrp.h: 1000 ms, and 50 ms for every established peer (measured: 1.1 s)
        first_advertisement_delay=Duration(1100 * MILLISECOND),
        # [frr] bgp_route.c subgroup_announce_check: the source matters for a peer set to ``solo`` only;
        # (measured: also where it is the only peer)
        echo=True,
        sender_side_loop_detection=False,  # [frr] neighbor sender-as-path-loop-detection is off
        # [frr] bgp_route.c bgp_path_info_cmp: "already selected" unless ``bgp bestpath compare-routerid``;
        # always-compare-med and missing-as-worst are off
        tie_break=TieBreak(incumbent=True),
        enforce_first_as=False,  # [frr] neighbor enforce-first-as is off
        require_policy=True,  # [frr] bgp_vty.c BGP_EBGP_REQUIRES_POLICY, since 7.4
        honor_graceful_shutdown=True,  # [frr] bgp_route.c bgp_update
    ),
    SessionConfig(
        hold_time=Duration(180 * SECOND),  # [frr] bgpd.h BGP_DEFAULT_HOLDTIME
        keepalive=Duration(60 * SECOND),  # [frr] bgpd.h BGP_DEFAULT_KEEPALIVE
        keepalive_jitter=_STEADY,  # (measured)
        hold_jitter=_STEADY,
        connect_retry=Duration(120 * SECOND),  # [frr] bgpd.h BGP_DEFAULT_CONNECT_RETRY
        connect_retry_jitter=_STEADY,
        idle_hold=SECOND,  # [frr] bgpd.h BGP_INIT_START_TIMER, doubled with every failure ...
        idle_hold_max=Duration(60 * SECOND),  # ... up to a minute: bgp_fsm.c bgp_stop
    ),
)

# It compares MED in pairs unless ``deterministic med`` is set. Its main loop may sleep for up to 3 s after
# a timer (measured), and it leaves Nagle's algorithm on: 40 ms steps that are not BGP's.
_BIRD: Final = Preset(
    "BIRD 2.0.12",
    SpeakerConfig(
        mrai=Duration(0),  # [bird] no such option
        ibgp_mrai=Duration(0),
        echo=False,  # [bird] bgp_preexport; (measured: a withdrawal where it had announced)
        sender_side_loop_detection=False,  # (measured)
        tie_break=TieBreak(),  # [bird] guide: prefer older off, med metric off, default bgp_med 0
        enforce_first_as=False,  # [bird] guide: enforce first as off
        require_policy=True,  # [bird] guide: an eBGP channel needs an import and an export policy
        # [bird] guide: it has the community's name for filters and does nothing by itself
        honor_graceful_shutdown=False,
    ),
    SessionConfig(
        hold_time=Duration(240 * SECOND),  # [bird] guide: hold time
        keepalive=Duration(80 * SECOND),  # [bird] guide: keepalive time, a third
        keepalive_jitter=_JITTERED,  # [bird] bgp_start_timer, for every timer (measured too)
        hold_jitter=_JITTERED,
        connect_retry=Duration(120 * SECOND),  # [bird] guide: connect retry time
        connect_retry_jitter=_JITTERED,
        idle_hold=Duration(60 * SECOND),  # [bird] guide: error wait time 60, 300
        idle_hold_max=Duration(300 * SECOND),
    ),
)

_GOBGP: Final = Preset(
    "GoBGP 3.10",
    SpeakerConfig(
        mrai=Duration(0),  # minimum-advertisement-interval is ignored: osrg/gobgp issue 2766; (measured)
        ibgp_mrai=Duration(0),
        echo=False,  # (measured)
        sender_side_loop_detection=True,  # [gobgp] server.go isASLoop; (measured)
        # [gobgp] destination.go compareByAge, eBGP only, unless external-compare-router-id; a missing MED
        # is 0, always-compare-med off
        tie_break=TieBreak(oldest=True),
        enforce_first_as=False,
        require_policy=False,  # [gobgp] the default of a policy is accept-route
        honor_graceful_shutdown=False,
    ),
    SessionConfig(
        hold_time=Duration(90 * SECOND),  # [gobgp] default.go DEFAULT_HOLDTIME
        keepalive=Duration(30 * SECOND),
        keepalive_jitter=_STEADY,  # (measured)
        connect_retry=Duration(120 * SECOND),  # [gobgp] default.go DEFAULT_CONNECT_RETRY
        # [gobgp] fsm.go holdtimeIdle, not lengthened; 30 s after an administrative reset
        idle_hold=Duration(5 * SECOND),
        idle_hold_max=Duration(5 * SECOND),
    ),
)

_OPENBGPD: Final = Preset(
    "OpenBGPD 7.7",
    SpeakerConfig(
        mrai=Duration(0),  # [openbgpd] no such option
        ibgp_mrai=Duration(0),
        echo=False,  # (measured)
        sender_side_loop_detection=False,  # (measured)
        tie_break=TieBreak(),  # [openbgpd] rde route-age ignore, rde med compare strict
        enforce_first_as=True,  # [openbgpd] enforce neighbor-as, yes towards eBGP neighbours
        require_policy=True,  # [openbgpd] filters: the default towards eBGP neighbours is deny
        honor_graceful_shutdown=False,  # [openbgpd] the rule stands in the example configuration only
    ),
    SessionConfig(
        hold_time=Duration(90 * SECOND),  # [openbgpd] holdtime
        keepalive=Duration(30 * SECOND),  # [openbgpd] session.c: a third of the hold time
        keepalive_jitter=(0.87, 1.13),  # (measured: 2.6 to 3.4 s around 3 s)
        connect_retry=Duration(120 * SECOND),  # [openbgpd] connect-retry
        idle_hold=Duration(30 * SECOND),  # [openbgpd] session.h INTERVAL_IDLE_HOLD_INITIAL, doubled ...
        idle_hold_max=Duration(3600 * SECOND),  # ... up to MAX_IDLE_HOLD
    ),
)

# Whether it sends a route back to where it came from, and the jitter of its interval, are not documented.
_IOS: Final = Preset(
    "Cisco IOS 15",
    SpeakerConfig(
        # [ios] neighbor advertisement-interval: 30 s external, 0 s internal
        # https://www.cisco.com/c/en/us/td/docs/ios-xml/ios/iproute_bgp/command/irg-cr-book/bgp-n1.html
        mrai=Duration(30 * SECOND),
        ibgp_mrai=Duration(0),
        mrai_scope=MraiScope.PEER,
        withdrawals=WithdrawalRule.FREE,  # not documented: as RFC 4271 9.2.1.1 has it
        # [ios] step 10 of the best path algorithm, and its note on a missing MED:
        # https://www.cisco.com/c/en/us/support/docs/ip/border-gateway-protocol-bgp/13753-25.html
        tie_break=TieBreak(incumbent=True),
        enforce_first_as=True,  # [ios] bgp enforce-first-as is on
        require_policy=False,  # IOS XR is the one that asks for a policy
        honor_graceful_shutdown=False,
    ),
    SessionConfig(
        # [ios] timers bgp: https://www.oreilly.com/library/view/cisco-ios-in/0596008694/re829.html
        hold_time=Duration(180 * SECOND),
        keepalive=Duration(60 * SECOND),
        connect_retry=Duration(120 * SECOND),  # RFC 4271 section 10
    ),
)

_JUNOS: Final = Preset(
    "Junos OS",
    SpeakerConfig(
        # [junos] out-delay, the nearest thing, is 0:
        # https://www.juniper.net/documentation/en_US/junos12.2/topics/reference/configuration-statement/out-delay-edit-protocols-bgp.html
        mrai=Duration(0),
        ibgp_mrai=Duration(0),
        # [junos] advertise-peer-as is off: not to the AS that it came from; any AS of the path here
        # https://www.juniper.net/documentation/en_US/junos12.3/topics/reference/configuration-statement/no-advertise-peer-as-edit-protocols-bgp.html
        echo=False,
        sender_side_loop_detection=True,
        # [junos] "currently active" among external paths, MED by groups, missing is 0:
        # https://www.juniper.net/documentation/en_US/junos12.3/topics/reference/general/routing-ptotocols-address-representation.html
        tie_break=TieBreak(incumbent=True),
        enforce_first_as=False,
        require_policy=False,  # [junos] default policies accept and export all active BGP routes
        honor_graceful_shutdown=False,
    ),
    SessionConfig(
        # [junos] hold-time 90, KEEPALIVEs a third of it:
        # https://www.juniper.net/documentation/en_US/junos12.2/topics/reference/configuration-statement/hold-time-edit-protocols-bgp.html
        hold_time=Duration(90 * SECOND),
        keepalive=Duration(30 * SECOND),
        connect_retry=Duration(120 * SECOND),  # RFC 4271 section 10
    ),
)

PRESETS: Final[Mapping[str, Preset]] = {
    "frr": _FRR,
    "bird": _BIRD,
    "gobgp": _GOBGP,
    "openbgpd": _OPENBGPD,
    "ios": _IOS,
    "junos": _JUNOS,
}
"""By the name that a scenario gives in ``like:``."""


def preset(name: str) -> Preset:
    """The preset called ``name``, one of `PRESETS`."""
    return PRESETS[name]
