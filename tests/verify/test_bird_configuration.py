"""What BIRD prints is read right: lines as BIRD 2.0.12 printed them."""

from __future__ import annotations

from emulator.bgp.attributes import Origin
from emulator.verify.daemons.base import RibEntry
from emulator.verify.daemons.bird import parse_routes

PRINTED = """\
Table master4:
10.0.1.0/24          unicast [p0 22:05:13.881] * (100) [AS65009i]
\tvia 100.64.0.5 on l2
\tType: BGP univ
\tBGP.origin: IGP
\tBGP.as_path: 65002 65002 4200000009
\tBGP.next_hop: 100.64.0.5
\tBGP.med: 50
\tBGP.local_pref: 300
\tBGP.community: (64500,1) (64500,7)
\tBGP.large_community: (65000, 1, 3) (64500, 9, 1)
10.0.0.0/24          blackhole [origin4 22:05:12.841] * (200)
\tType: static univ
\tBGP.local_pref: 400
10.0.3.0/24          unreachable [p1 22:05:13.881 from 100.96.0.2] * (100/-) [AS65003?]
\tType: BGP univ
\tBGP.origin: Incomplete
\tBGP.as_path: 65003
\tBGP.next_hop: 100.96.0.2
\tBGP.local_pref: 100

Table master6:
2001:db8::/48        unicast [p0 22:05:13.881] * (100) [AS65002?]
\tvia 3fff:0:0:2::1 on l2
\tType: BGP univ
\tBGP.origin: Incomplete
\tBGP.as_path: 65002
\tBGP.next_hop: 3fff:0:0:2::1 fe80::1
\tBGP.local_pref: 100
"""


def test_best_routes_are_read_from_what_bird_prints() -> None:
    """All attributes; a link-local next hop is left out, and an unreachable route is none."""
    assert parse_routes(PRINTED.splitlines()) == {
        "10.0.1.0/24": RibEntry(
            as_path=(65002, 65002, 4200000009),
            next_hop="100.64.0.5",
            local_pref=300,
            med=50,
            communities=(64500 << 16 | 1, 64500 << 16 | 7),
            large_communities=((64500, 9, 1), (65000, 1, 3)),
        ),
        "10.0.0.0/24": RibEntry((), None, local_pref=400),
        "2001:db8::/48": RibEntry((65002,), "3fff:0:0:2::1", origin=Origin.INCOMPLETE),
    }
