"""What of a Loc-RIB route goes to a peer, and in which form (RFC 4271 9.1.3, 9.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import (
    BLACKHOLE,
    GRACEFUL_SHUTDOWN,
    NO_ADVERTISE,
    NO_EXPORT,
    NO_EXPORT_SUBCONFED,
    Attributes,
)
from emulator.bgp.messages import Role
from emulator.bgp.policy import announced_to, strip_own

if TYPE_CHECKING:
    from emulator.bgp.decision import Candidate
    from emulator.bgp.peer import Peer
    from emulator.bgp.speaker import Speaker


class Withheld(Enum):
    """Why a peer is not sent the route of the Loc-RIB; the value says so, with its RFC."""

    NO_ROUTE = "there is no route"
    SESSION_DOWN = "the session is down"
    MUTED = "nothing is announced to this AS, by order"
    FAMILY = "its address family was not negotiated (RFC 4760)"
    SPLIT_HORIZON = "it came from this peer"
    NO_ADVERTISE = "NO_ADVERTISE (RFC 1997)"
    NOT_REFLECTED = "it came over iBGP and is not sent on over iBGP (RFC 4271 9.2.1, RFC 4456 6)"
    SUMMARY_ONLY = "only the aggregate is announced (RFC 4271 9.2.2.2)"
    NO_EXPORT = "NO_EXPORT (RFC 1997)"
    BLACKHOLE = "a blackhole stays inside the AS (RFC 7999 3.2)"
    ONLY_TO = "its origin announces it to other ASes only"
    NO_POLICY = "no export policy for an eBGP peer (RFC 8212)"
    ONLY_TO_CUSTOMER = "Only to Customer: it may only go down (RFC 9234 5)"
    POLICY = "export policy"
    SENDER_SIDE_LOOP = "the peer's AS is in its AS_PATH: sender-side loop detection"
    WAITING = "it waits for the timer (RFC 4271 9.2.1.1)"


@dataclass(frozen=True, slots=True)
class Forms:
    """A Loc-RIB route as most peers hear it, made once for all of them."""

    internal: Attributes
    """Over iBGP, with next-hop-self."""
    external: Attributes
    """Over eBGP, where export policy changes nothing."""
    base: Attributes
    """What export policy towards eBGP sees: without the MED that a neighbour set."""
    only_to: frozenset[int] | None
    everywhere: Withheld | None
    """Why no peer at all may have it."""
    outside: Withheld | None
    """Why no eBGP peer may have it."""


_TO_BELOW: Final = (Role.PROVIDER, Role.PEER, Role.RS)
"""Our role towards those to whom a route goes marked as having started to descend."""
_UPHILL: Final = (Role.CUSTOMER, Role.PEER, Role.RS_CLIENT)
"""Our role towards those who must not hear of a marked route."""


def forms(speaker: Speaker, best: Candidate) -> Forms:
    """Work out what is common to all peers."""
    attributes = best.attributes
    base = attributes
    if attributes.med is not None and best.peer >= 0:
        # RFC 4271 5.1.4: a MED received is not propagated to other ASes
        base = replace(attributes, med=None)
    everywhere = outside = None
    if attributes.communities:
        everywhere, outside = _scope(speaker, attributes)
    internal = attributes
    if attributes.next_hop != speaker.router:
        internal = Attributes(
            attributes.as_path,
            speaker.router,
            attributes.local_pref,
            attributes.med,
            attributes.origin,
            attributes.communities,
            attributes.large_communities,
            attributes.extended_communities,
            attributes.originator_id,
            attributes.cluster_list,
            attributes.only_to_customer,
            attributes.aggregator,
            attributes.atomic_aggregate,
        )
    return Forms(
        internal,
        _external(speaker, base),
        base,
        announced_to(attributes, speaker.asn) if attributes.large_communities else None,
        everywhere,
        outside,
    )


def _scope(speaker: Speaker, attributes: Attributes) -> tuple[Withheld | None, Withheld | None]:
    """What the well-known communities forbid: to everybody, to eBGP peers."""
    communities = attributes.communities
    everywhere = Withheld.NO_ADVERTISE if NO_ADVERTISE in communities else None
    outside = None
    if speaker.config.honor_blackhole and BLACKHOLE in communities:
        outside = Withheld.BLACKHOLE
    elif NO_EXPORT in communities or NO_EXPORT_SUBCONFED in communities:
        outside = Withheld.NO_EXPORT
    return everywhere, outside


def _external(speaker: Speaker, attributes: Attributes) -> Attributes:
    """``attributes`` as an eBGP peer hears them: our AS in front, what is interior left out.

    LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST stay inside (RFC 4271 5.1.5, RFC
    4456 8), and of the extended communities those that are not transitive (RFC 4360 2).
    """
    large = attributes.large_communities
    extended = attributes.extended_communities
    return Attributes(
        (speaker.asn, *attributes.as_path),
        speaker.router,
        med=attributes.med,
        origin=attributes.origin,
        communities=attributes.communities,
        large_communities=strip_own(attributes, speaker.asn) if large else large,
        extended_communities=tuple(c for c in extended if not c >> 62 & 1) if extended else extended,
        only_to_customer=attributes.only_to_customer,
        aggregator=attributes.aggregator,
        atomic_aggregate=attributes.atomic_aggregate,
    )


def export(  # noqa: PLR0911 - a reason each, in the order of `Withheld`
    speaker: Speaker, peer: Peer, prefix: int
) -> Attributes | Withheld:
    """What ``peer`` should hear of ``prefix`` now, or why it hears nothing."""
    best = speaker.loc_rib.get(prefix)
    if best is None:
        return Withheld.NO_ROUTE
    if peer.is_muted:
        return Withheld.MUTED
    if peer.is_partial and not speaker.speaks(peer, prefix):
        return Withheld.FAMILY
    form = speaker.forms[prefix]
    if form.everywhere is not None:
        return form.everywhere
    if speaker.suppressed and prefix in speaker.suppressed:
        return Withheld.SUMMARY_ONLY
    if not peer.is_ebgp:
        return _export_internal(speaker, peer, prefix, best, form)
    if form.outside is not None:
        return form.outside
    if best.peer == peer.index and not peer.echoes:
        return Withheld.SPLIT_HORIZON
    if form.only_to is not None and peer.config.asn not in form.only_to:
        return Withheld.ONLY_TO
    return _export_external(speaker, peer, prefix, form)


def _export_internal(
    speaker: Speaker, peer: Peer, prefix: int, best: Candidate, form: Forms
) -> Attributes | Withheld:
    """Over iBGP: what came over eBGP or was originated here; a route reflector also what clients sent."""
    found = form.internal
    if best.is_ebgp:
        if not peer.config.next_hop_self:
            found = best.attributes
    elif best.peer >= 0:
        if best.peer == peer.index:
            return Withheld.SPLIT_HORIZON
        source = speaker.peers[best.peer].config
        if not (source.is_client or peer.config.is_client):
            return Withheld.NOT_REFLECTED
        found = _reflected(speaker, best.attributes, source.router_id)
    policy = peer.config.policy
    if policy is None or speaker.is_leaking:
        return found
    allowed = policy.export(found, prefix, peer.config, speaker.asn)
    return Withheld.POLICY if allowed is None else allowed


def _reflected(speaker: Speaker, attributes: Attributes, sender: int) -> Attributes:
    """RFC 4456 section 8: who brought it in, and that it passed our cluster; NEXT_HOP stays (section 10)."""
    originator = attributes.originator_id
    return replace(
        attributes,
        originator_id=sender if originator is None else originator,
        cluster_list=(speaker.cluster_id, *attributes.cluster_list),
    )


def _export_external(speaker: Speaker, peer: Peer, prefix: int, form: Forms) -> Attributes | Withheld:
    """Over eBGP: RFC 8212, RFC 9234, policy, sender-side loop detection, graceful shutdown."""
    config = peer.config
    if speaker.config.require_policy and not peer.has_policy:
        return Withheld.NO_POLICY
    if config.role in _UPHILL and form.base.only_to_customer is not None:
        return Withheld.ONLY_TO_CUSTOMER
    found = form.external
    if peer.policy is not None and not speaker.is_leaking:
        allowed = peer.policy.export(form.base, prefix, config, speaker.asn)
        if allowed is None:
            return Withheld.POLICY
        if allowed is not form.base:
            found = _external(speaker, allowed)
    if speaker.config.sender_side_loop_detection and config.asn in found.as_path:
        return Withheld.SENDER_SIDE_LOOP
    if config.role in _TO_BELOW and found.only_to_customer is None:
        found = replace(found, only_to_customer=speaker.asn)
    if peer.is_draining and GRACEFUL_SHUTDOWN not in found.communities:
        found = replace(found, communities=tuple(sorted((*found.communities, GRACEFUL_SHUTDOWN))))
    return found
