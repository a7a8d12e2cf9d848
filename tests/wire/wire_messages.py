"""Random messages of every kind, for the properties of the codec. A new kind of value has to join here."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import (
    BOTH_FAMILIES,
    Capabilities,
    EndOfRib,
    Family,
    GracefulRestart,
    Keepalive,
    Notification,
    Open,
    Role,
    RouteRefresh,
)
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    BITS,
    Aggregator,
    MpReach,
    MpUnreach,
    OtherRouteRefresh,
    PathAttributes,
    Segment,
    UnknownAttribute,
    UpdateMessage,
    WirePrefix,
)
from emulator.wire.session import Session, Style

WORDS = st.integers(0, 0xFFFFFFFF)
ASNS = st.one_of(st.integers(1, 0xFFFF), st.integers(1, 0xFFFFFFFF))
FAMILIES = st.sampled_from(BOTH_FAMILIES)
SESSIONS = st.builds(Session, four_octet_as=st.booleans(), is_ebgp=st.just(False))
STYLES = st.builds(
    Style,
    one_parameter=st.booleans(),
    capability_order=st.permutations((1, 2, 9, 64, 65, 73)).map(tuple),
    attribute_order=st.permutations((1, 2, 3, 4, 8, 14, 15, 99)).map(tuple),
    extended_length=st.lists(st.sampled_from((1, 2, 8, 14, 15)), unique=True).map(tuple),
)


@st.composite
def prefixes(draw: st.DrawFn, family: Family) -> WirePrefix:
    """A prefix of ``family``; its host bits are zero."""
    bits = BITS[family]
    length = draw(st.integers(0, bits))
    return WirePrefix(family, draw(st.integers(0, 2**length - 1)) << (bits - length), length)


def prefix_lists(family: Family, size_min: int = 0) -> st.SearchStrategy[tuple[WirePrefix, ...]]:
    """Some prefixes of ``family``."""
    return st.lists(prefixes(family), min_size=size_min, max_size=8).map(tuple)


def segments(kinds: tuple[SegmentKind, ...]) -> st.SearchStrategy[Segment]:
    """A segment of one of ``kinds``."""
    return st.builds(Segment, st.sampled_from(kinds), st.lists(ASNS, min_size=1, max_size=6).map(tuple))


PLAIN = segments((SegmentKind.AS_SEQUENCE, SegmentKind.AS_SET))
CONFEDERATION = st.builds(
    Segment,
    st.sampled_from((SegmentKind.AS_CONFED_SEQUENCE, SegmentKind.AS_CONFED_SET)),
    st.lists(st.integers(1, 0xFFFF), min_size=1, max_size=4).map(tuple),
)
"""Member ASes of two octets: AS4_PATH cannot carry longer ones (RFC 6793 section 3)."""
PATHS = st.tuples(st.lists(CONFEDERATION, max_size=2).map(tuple), st.lists(PLAIN, max_size=3).map(tuple)).map(
    lambda parts: parts[0] + parts[1]
)
UNKNOWN = st.builds(
    UnknownAttribute, st.sampled_from((0x80, 0xC0, 0xE0)), st.just(99), st.binary(max_size=300)
).map(lambda each: each._replace(flags=each.flags | (0x10 if len(each.value) > 255 else 0)))


def tuples_of(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    """None, one or several."""
    return st.lists(values, max_size=4).map(tuple)


@st.composite
def path_attributes(draw: st.DrawFn, *, has_next_hop: bool) -> PathAttributes:
    """Attributes with all that is mandatory and any of the rest."""
    return PathAttributes(
        origin=draw(st.sampled_from(Origin)),
        as_path=draw(PATHS),
        next_hop=draw(st.integers(1, 0xDFFFFFFF)) if has_next_hop else None,
        med=draw(st.none() | WORDS),
        local_pref=draw(st.none() | WORDS),
        atomic_aggregate=draw(st.booleans()),
        aggregator=draw(st.none() | st.builds(Aggregator, ASNS, WORDS)),
        communities=draw(tuples_of(WORDS)),
        originator_id=draw(st.none() | WORDS),
        cluster_list=draw(tuples_of(WORDS)),
        extended_communities=draw(tuples_of(st.integers(0, 2**64 - 1))),
        large_communities=draw(tuples_of(st.tuples(WORDS, WORDS, WORDS))),
        only_to_customer=draw(st.none() | WORDS),
        unknown=draw(st.lists(UNKNOWN, max_size=1).map(tuple)),
    )


@st.composite
def next_hops(draw: st.DrawFn, family: Family) -> tuple[int, ...]:
    """As MP_REACH_NLRI has them: IPv6 perhaps with a link-local one."""
    address = st.integers(1, 2 ** BITS[family] - 1)
    count = draw(st.integers(1, 2)) if family is Family.IPV6 else 1
    return tuple(draw(address) for _ in range(count))


@st.composite
def reaches(draw: st.DrawFn) -> MpReach:
    """MP_REACH_NLRI of either family."""
    family = draw(FAMILIES)
    return MpReach(family, draw(next_hops(family)), draw(prefix_lists(family)))


@st.composite
def unreaches(draw: st.DrawFn) -> MpUnreach:
    """MP_UNREACH_NLRI of either family."""
    family = draw(FAMILIES)
    return MpUnreach(family, draw(prefix_lists(family, 1)))


@st.composite
def updates(draw: st.DrawFn) -> UpdateMessage:
    """An UPDATE that says something."""
    nlri = draw(prefix_lists(Family.IPV4))
    reach = draw(st.none() | reaches())
    unreach = draw(st.none() | unreaches())
    withdrawn = draw(prefix_lists(Family.IPV4, 0 if nlri or reach or unreach else 1))
    attributes = draw(path_attributes(has_next_hop=bool(nlri))) if nlri or reach else None
    return UpdateMessage(withdrawn, attributes, nlri, reach, unreach)


@st.composite
def graceful_restarts(draw: st.DrawFn) -> GracefulRestart:
    """The capability with both families in either state; decoded in AFI order."""
    state = {family: draw(st.sampled_from(("absent", "kept", "lost"))) for family in BOTH_FAMILIES}
    return GracefulRestart(
        restart_time=draw(st.integers(0, 4095)),
        restarting=draw(st.booleans()),
        preserved=tuple(family for family in BOTH_FAMILIES if state[family] == "kept"),
        not_preserved=tuple(family for family in BOTH_FAMILIES if state[family] == "lost"),
        notification=draw(st.booleans()),
    )


CAPABILITIES = st.builds(
    Capabilities,
    families=st.lists(FAMILIES, unique=True).map(tuple),
    four_octet_as=st.none() | ASNS,
    route_refresh=st.booleans(),
    graceful_restart=st.none() | graceful_restarts(),
    role=st.none() | st.sampled_from(Role),
    unknown=st.one_of(
        st.just(()),
        st.tuples(st.tuples(st.just(70), st.just(b""))),
        st.tuples(st.tuples(st.just(1), st.just(struct.pack("!HBB", 25, 0, 70)))),
        st.tuples(st.tuples(st.just(73), st.binary(max_size=20))),
    ),
)
OPENS = st.builds(
    Open,
    asn=st.integers(1, 0xFFFF),
    hold_time=st.just(0) | st.integers(3, 0xFFFF),
    router_id=st.integers(1, 0xFFFFFFFF),
    capabilities=CAPABILITIES,
)
OTHERS = st.one_of(
    OPENS,
    st.just(Keepalive()),
    st.builds(Notification, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=300)),
    st.builds(RouteRefresh, FAMILIES),
    st.builds(EndOfRib, FAMILIES),
    st.builds(OtherRouteRefresh, st.integers(3, 0xFFFF), st.integers(0, 255), st.integers(0, 255)),
)
MESSAGES = st.one_of(updates(), OTHERS)
