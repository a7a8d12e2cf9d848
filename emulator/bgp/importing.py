"""What becomes of a route on its way in: loop checks, leaks, origins, policy (RFC 4271 9.1.1, 9.1.2).

`accept` is a pure function of the route as received: whoever wants to know
later why a route was refused asks it again.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import BLACKHOLE, DEFAULT_LOCAL_PREF, GRACEFUL_SHUTDOWN, NO_EXPORT
from emulator.bgp.messages import Role
from emulator.bgp.rules import Validity

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes, Community
    from emulator.bgp.peer import Peer
    from emulator.bgp.speaker import Speaker


class Refusal(Enum):
    """Why a route that was received is no candidate; the value says so, with its RFC."""

    FAMILY = "its address family was not negotiated (RFC 4760)"
    FIRST_AS = "AS_PATH does not begin with the peer's AS (RFC 4271 6.3)"
    AS_LOOP = "our own AS is in its AS_PATH (RFC 4271 9.1.2)"
    ORIGINATOR_LOOP = "we are its ORIGINATOR_ID (RFC 4456 8)"
    CLUSTER_LOOP = "our own cluster is in its CLUSTER_LIST (RFC 4456 8)"
    NO_POLICY = "no import policy for an eBGP peer (RFC 8212)"
    ROUTE_LEAK = "a route leak by its Only to Customer attribute (RFC 9234 5)"
    INVALID_ORIGIN = "its origin AS is Invalid (RFC 6811)"
    POLICY = "import policy"
    DAMPED = "suppressed by flap damping (RFC 2439)"


_DOWNHILL: Final = (Role.PROVIDER, Role.RS)
"""Our role towards customers and route-server clients: they send up, so OTC must be absent."""
_FROM_ABOVE: Final = (Role.CUSTOMER, Role.RS_CLIENT, Role.PEER)
"""Our role towards those whose routes may only go down from here."""


def accept(  # noqa: PLR0911 - a reason each
    speaker: Speaker, peer: Peer, prefix: int, attributes: Attributes
) -> Attributes | Refusal:
    """Post-policy attributes of what ``peer`` sent, or why it is refused.

    The checks come in the order of `Refusal`.
    """
    if peer.is_partial and not speaker.speaks(peer, prefix):
        return Refusal.FAMILY
    if not peer.is_ebgp:
        return _accept_internal(speaker, peer, prefix, attributes)
    refusal = _fault(speaker, peer, attributes)
    if refusal is not None:
        return refusal
    found = _without_interior(attributes)
    if peer.config.role is not None:
        marked = _only_to_customer(found, peer.config.role, peer.config.asn)
        if marked is None:
            return Refusal.ROUTE_LEAK
        found = marked
    if speaker.config.roas is not None and _has_wrong_origin(speaker, prefix, attributes):
        return Refusal.INVALID_ORIGIN
    if peer.policy is not None:
        accepted = peer.policy.accept(found, prefix, peer.config, speaker.asn)
        if accepted is None:
            return Refusal.POLICY
        found = accepted
    if peer.is_draining or attributes.communities:
        found = _by_community(speaker, peer, found)
    return found


def _fault(speaker: Speaker, peer: Peer, attributes: Attributes) -> Refusal | None:
    """What is wrong with an eBGP route before policy is asked, if anything."""
    as_path, config = attributes.as_path, peer.config
    if (
        speaker.config.enforce_first_as
        and as_path[:1] != (config.asn,)
        and config.role is not Role.RS_CLIENT  # a route server adds nothing: RFC 7947 2.2.2.1
    ):
        return Refusal.FIRST_AS
    if speaker.asn in as_path and as_path.count(speaker.asn) > config.allow_own_as:
        return Refusal.AS_LOOP
    if speaker.config.require_policy and not peer.has_policy:
        return Refusal.NO_POLICY
    return None


def _has_wrong_origin(speaker: Speaker, prefix: int, attributes: Attributes) -> bool:
    """RFC 6811: whether it is Invalid where that is reason enough; no path, no origin."""
    roas, as_path = speaker.config.roas, attributes.as_path
    if roas is None or not speaker.config.drop_invalid:
        return False
    return roas.validity(prefix, as_path[-1] if as_path else None) is Validity.INVALID


def _accept_internal(
    speaker: Speaker, peer: Peer, prefix: int, attributes: Attributes
) -> Attributes | Refusal:
    """Over iBGP: RFC 4456 section 8's loop checks; policy only where the session has one of its own."""
    as_path, config = attributes.as_path, peer.config
    if speaker.asn in as_path and as_path.count(speaker.asn) > config.allow_own_as:
        return Refusal.AS_LOOP
    if attributes.originator_id is not None and attributes.originator_id == speaker.router_id:
        return Refusal.ORIGINATOR_LOOP
    if speaker.reflects and speaker.cluster_id in attributes.cluster_list:
        return Refusal.CLUSTER_LOOP
    if config.policy is None:
        return attributes
    accepted = config.policy.accept(attributes, prefix, config, speaker.asn)
    return Refusal.POLICY if accepted is None else accepted


def _without_interior(attributes: Attributes) -> Attributes:
    """Drop what must not come over eBGP: LOCAL_PREF (RFC 4271 5.1.5), RFC 4456's two (RFC 7606 7.9, 7.10)."""
    if (
        attributes.local_pref == DEFAULT_LOCAL_PREF
        and attributes.originator_id is None
        and not attributes.cluster_list
    ):
        return attributes
    return replace(attributes, local_pref=DEFAULT_LOCAL_PREF, originator_id=None, cluster_list=())


def _only_to_customer(attributes: Attributes, role: Role, neighbor_as: int) -> Attributes | None:
    """RFC 9234 section 5, ingress: None is a leak; what comes from above or aside is marked."""
    marked_by = attributes.only_to_customer
    if marked_by is None:
        return replace(attributes, only_to_customer=neighbor_as) if role in _FROM_ABOVE else attributes
    if role in _DOWNHILL or (role is Role.PEER and marked_by != neighbor_as):
        return None
    return attributes


def _by_community(speaker: Speaker, peer: Peer, attributes: Attributes) -> Attributes:
    """Graceful shutdown's LOCAL_PREF 0 (RFC 8326 4.1), blackhole's scope (RFC 7999 3.2).

    Who shuts a session down also marks what came over it (RFC 8326 4.2), so that
    those who hear of it from here turn elsewhere before it goes.
    """
    communities = attributes.communities
    if peer.is_draining:
        communities = _with(communities, GRACEFUL_SHUTDOWN)
    if speaker.config.honor_blackhole and BLACKHOLE in communities:
        communities = _with(communities, NO_EXPORT)
    is_last = peer.is_draining or (
        speaker.config.honor_graceful_shutdown and GRACEFUL_SHUTDOWN in communities
    )
    if not is_last and communities is attributes.communities:
        return attributes
    return replace(attributes, communities=communities, local_pref=0 if is_last else attributes.local_pref)


def _with(communities: tuple[Community, ...], another: Community) -> tuple[Community, ...]:
    """``communities`` with ``another`` among them; the same tuple where it is there already."""
    return communities if another in communities else tuple(sorted((*communities, another)))
