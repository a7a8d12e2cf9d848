"""OPENs: what is offered, what two offers come to, and the code of every refusal (RFC 4271 6.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bgp.liveness import SessionConfig
from emulator.bgp.messages import (
    BOTH_FAMILIES,
    Capabilities,
    Family,
    GracefulRestart,
    Notification,
    Open,
    Role,
)
from emulator.bgp.negotiation import Negotiated, make_open, negotiate
from emulator.bgp.peer import PeerConfig
from emulator.bgp.policy import Relation
from emulator.units import MINUTE, SECOND

GRACEFUL = GracefulRestart(120, preserved=BOTH_FAMILIES)
CONFIG = SessionConfig()
OURS, THEIRS = 65001, 4_200_000_002


def peer(**changes: Any) -> PeerConfig:  # noqa: ANN401
    """What we were told of the peer, AS 4200000002."""
    return replace(PeerConfig(THEIRS, 1, 2, Relation.NONE), **changes)


def opens(
    ours: SessionConfig = CONFIG,
    theirs: SessionConfig = CONFIG,
    **changes: Any,  # noqa: ANN401
) -> tuple[Open, Open]:
    """Our OPEN and the peer's."""
    back = PeerConfig(OURS, 0, 1, Relation.NONE)
    return make_open(OURS, 1, ours, peer(**changes)), make_open(THEIRS, 2, theirs, back)


def outcome(theirs: Open, **changes: Any) -> Negotiated | Notification:  # noqa: ANN401
    """What we make of the peer's OPEN."""
    return negotiate(opens(**changes)[0], theirs, CONFIG, peer(**changes))


def refusal(theirs: Open, **changes: Any) -> tuple[int, int]:  # noqa: ANN401
    """Code and subcode with which it is refused."""
    refused = outcome(theirs, **changes)
    assert isinstance(refused, Notification)
    return refused.code, refused.subcode


def their_open(**changes: Any) -> Open:  # noqa: ANN401
    """A peer's OPEN that is in order, changed."""
    return replace(opens()[1], **changes)


def capable(**changes: Any) -> Open:  # noqa: ANN401
    """The same with other capabilities."""
    theirs = their_open()
    return replace(theirs, capabilities=replace(theirs.capabilities, **changes))


def test_long_as_numbers_are_a_capability() -> None:
    """RFC 6793: AS_TRANS in the two-octet field, the number itself in the capability."""
    theirs = their_open()
    assert (theirs.asn, theirs.capabilities.four_octet_as) == (23456, THEIRS)


def test_the_common_case() -> None:
    """Two equal configurations: 90 s, 30 s, 8 minutes, everything both have."""
    assert outcome(their_open()) == Negotiated(
        hold_time=90 * SECOND,
        keepalive=30 * SECOND,
        send_hold_time=8 * MINUTE,
        families=BOTH_FAMILIES,
        four_octet_as=True,
        route_refresh=True,
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "hold_s", "keepalive_s"),
    [
        (SessionConfig(), SessionConfig(hold_time=30 * SECOND), 30, 10),  # a third of the lower hold time
        (SessionConfig(hold_time=180 * SECOND, keepalive=60 * SECOND), SessionConfig(), 90, 30),
        (SessionConfig(keepalive=5 * SECOND), SessionConfig(), 90, 5),
        (SessionConfig(keepalive=0, hold_time=240 * SECOND), SessionConfig(hold_time=240 * SECOND), 240, 80),
        (SessionConfig(keepalive=200 * SECOND), SessionConfig(), 90, 200),  # meant to starve the peer
        (SessionConfig(hold_time=0), SessionConfig(), 0, 0),
        (SessionConfig(keepalive=200 * SECOND), SessionConfig(hold_time=0), 0, 0),
    ],
)
def test_hold_time_and_keepalive(
    ours: SessionConfig, theirs: SessionConfig, hold_s: int, keepalive_s: int
) -> None:
    """Hold is the lower one; keepalives as set, at most a third of it, unless set higher on purpose."""
    us, them = opens(ours, theirs)
    agreed = negotiate(us, them, ours, peer())
    assert isinstance(agreed, Negotiated)
    assert (agreed.hold_time, agreed.keepalive) == (hold_s * SECOND, keepalive_s * SECOND)


def test_send_hold_time() -> None:
    """RFC 9687: the longer of 8 minutes and two hold times; as set; none without a hold time."""
    assert SessionConfig().send_hold(90 * SECOND) == 8 * MINUTE
    assert SessionConfig().send_hold(300 * SECOND) == 10 * MINUTE
    assert SessionConfig(send_hold_time=MINUTE).send_hold(90 * SECOND) == MINUTE
    assert SessionConfig().send_hold(0) == 0


@pytest.mark.parametrize(
    ("theirs", "code"),
    [
        (their_open(version=3), (2, 1)),
        (their_open(version=5), (2, 1)),
        (capable(four_octet_as=65009), (2, 2)),
        (capable(four_octet_as=0), (2, 2)),  # RFC 7607
        (capable(four_octet_as=23456), (2, 2)),
        (their_open(asn=0), (2, 2)),
        (their_open(capabilities=Capabilities()), (2, 2)),  # 23456 and nothing to say what it stands for
        (their_open(hold_time=1), (2, 6)),
        (their_open(hold_time=2), (2, 6)),
        (their_open(router_id=0), (2, 3)),
    ],
)
def test_refusals(theirs: Open, code: tuple[int, int]) -> None:
    """RFC 4271 6.2, 6793, 7607, 6286."""
    assert refusal(theirs) == code


def test_unsupported_version_names_ours() -> None:
    """RFC 4271 6.2: the data is the version we speak, two octets."""
    assert outcome(their_open(version=3)) == Notification(2, 1, b"\x00\x04")


def test_identifiers_may_be_shared_between_ases_only() -> None:
    """RFC 6286: an external peer may have our identifier, an internal one not."""
    assert isinstance(outcome(their_open(router_id=1)), Negotiated)
    inner = PeerConfig(OURS, 1, 1, Relation.INTERNAL)
    us, them = (make_open(OURS, 1, CONFIG, inner) for _ in range(2))
    assert negotiate(us, them, CONFIG, inner) == Notification(2, 3)


def test_families_are_what_both_speak() -> None:
    """RFC 4760 8; whoever lists nothing speaks IPv4 (RFC 5492 5: the data lists what was missed)."""
    only_ipv6 = capable(families=(Family.IPV6,))
    agreed = outcome(only_ipv6)
    assert isinstance(agreed, Negotiated)
    assert agreed.families == (Family.IPV6,)
    silent = outcome(capable(families=()))
    assert isinstance(silent, Negotiated)
    assert silent.families == (Family.IPV4,)
    refused = outcome(only_ipv6, families=(Family.IPV4,))
    assert refused == Notification(2, 7, b"\x01\x04\x00\x01\x00\x01")


PAIRS = {
    (Role.PROVIDER, Role.CUSTOMER),
    (Role.CUSTOMER, Role.PROVIDER),
    (Role.RS, Role.RS_CLIENT),
    (Role.RS_CLIENT, Role.RS),
    (Role.PEER, Role.PEER),
}


@pytest.mark.parametrize("ours", list(Role))
@pytest.mark.parametrize("theirs", list(Role))
def test_roles(ours: Role, theirs: Role) -> None:
    """RFC 9234 4.2: five pairs agree, the other twenty are a Role Mismatch."""
    result = outcome(capable(role=theirs), role=ours)
    if (ours, theirs) in PAIRS:
        assert isinstance(result, Negotiated)
        assert result.role is theirs
    else:
        assert result == Notification(2, 11)


def test_a_missing_role_matters_in_strict_mode_only() -> None:
    """RFC 9234 4.2; and who has none himself does not look."""
    assert isinstance(outcome(their_open(), role=Role.PEER), Negotiated)
    assert refusal(their_open(), role=Role.PEER, strict_role=True) == (2, 11)
    assert isinstance(outcome(capable(role=Role.PROVIDER)), Negotiated)


def test_graceful_restart_takes_two() -> None:
    """RFC 4724: the peer's capability counts if we have it too; routes stay for families it preserves."""
    with_it = SessionConfig(graceful_restart=GRACEFUL)
    for ours, theirs, expected in [
        (CONFIG, CONFIG, False),
        (with_it, CONFIG, False),
        (CONFIG, with_it, False),
        (with_it, with_it, True),
    ]:
        agreed = negotiate(*opens(ours, theirs), ours, peer())
        assert isinstance(agreed, Negotiated)
        assert agreed.retains_routes is expected


def test_restarting_is_said() -> None:
    """RFC 4724 section 3: the restart bit, and only families that the session speaks."""
    config = SessionConfig(graceful_restart=GRACEFUL)
    said = make_open(OURS, 1, config, peer(families=(Family.IPV4,)), restarting=True)
    assert said.capabilities.graceful_restart == GracefulRestart(
        120, restarting=True, preserved=(Family.IPV4,)
    )


@given(st.integers(3, 65535), st.integers(3, 65535), st.integers(1, 65535), st.integers(1, 65535))
def test_both_ends_agree(
    first_s: int, second_s: int, first_keepalive_s: int, second_keepalive_s: int
) -> None:
    """Whatever is configured, both ends come to the same hold time, families and send hold time."""
    first = SessionConfig(hold_time=first_s * SECOND, keepalive=first_keepalive_s * SECOND)
    second = SessionConfig(hold_time=second_s * SECOND, keepalive=second_keepalive_s * SECOND)
    us, them = opens(first, second)
    mine = negotiate(us, them, first, peer())
    its = negotiate(them, us, second, PeerConfig(OURS, 0, 1, Relation.NONE))
    assert isinstance(mine, Negotiated)
    assert isinstance(its, Negotiated)
    assert (mine.hold_time, mine.families) == (its.hold_time, its.families)
    assert mine.hold_time == min(first_s, second_s) * SECOND
