"""Why a router has its route: every candidate, what it lost by, where the winner goes and where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.bgp.attributes import (
    BLACKHOLE,
    GRACEFUL_SHUTDOWN,
    NO_ADVERTISE,
    NO_EXPORT,
    NO_EXPORT_SUBCONFED,
)
from emulator.bgp.exporting import Withheld
from emulator.bgp.policy import Relation, learned_from
from emulator.units import seconds

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes
    from emulator.bgp.decision import Candidate
    from emulator.bgp.peer import Peer
    from emulator.bgp.speaker import Speaker
    from emulator.record.run import Json

WELL_KNOWN = {
    GRACEFUL_SHUTDOWN: "GRACEFUL_SHUTDOWN",
    BLACKHOLE: "BLACKHOLE",
    NO_EXPORT: "NO_EXPORT",
    NO_ADVERTISE: "NO_ADVERTISE",
    NO_EXPORT_SUBCONFED: "NO_EXPORT_SUBCONFED",
}
RELATIONS = {
    Relation.PROVIDER: "provider",
    Relation.PEER: "peer",
    Relation.CUSTOMER: "customer",
    Relation.INTERNAL: "internal",
    Relation.NONE: "none",
}
"""What the peer is to the router."""
_UPWARD = (Relation.PROVIDER, Relation.PEER)


def explain_route(speaker: Speaker, prefix: int, at: int, index: Json) -> Json:
    """Explain ``speaker``'s route for ``prefix`` as it stands, at the instant ``at`` (ns), as JSON.

    ``index`` (`journal.index_of`) names routers and prefixes. Instants and
    durations are in seconds; ``age_s`` is None for what was there at t = 0.
    """
    decision = speaker.why(prefix)
    lost = {id(candidate): step.value for candidate, step in decision.eliminated}
    routes = list(speaker.candidates.get(prefix, {}).values())
    routes.sort(key=lambda route: (route is not decision.best, route.peer))
    refused = [
        {"from": peer_of(speaker, peer, index), **route_of(attributes, index), "reason": refusal.value}
        for peer, attributes, refusal in speaker.refused(prefix)
    ]
    name, asn = index["routers"][speaker.router]
    return {
        "scenario": index["scenario"],
        "router": name,
        "asn": asn,
        "prefix": index["prefixes"][prefix],
        "at_s": seconds(at),
        "decided_by": decision.decided_by.value,
        "candidates": [_candidate(speaker, route, lost.get(id(route)), at, index) for route in routes],
        "refused": refused,
        **_advertised(speaker, prefix, decision.best, at, index),
    }


def peer_of(speaker: Speaker, peer: int, index: Json) -> Json:
    """Who is at the other end of session ``peer``; a negative one is the router itself."""
    if peer < 0:
        name, asn = index["routers"][speaker.router]
        kind = "originated here" if peer == -1 else "aggregate formed here"
        return {"router": name, "asn": asn, "relationship": None, "session": kind}
    session = speaker.peers[peer]
    return {
        "router": index["routers"][session.config.router][0],
        "asn": session.config.asn,
        "relationship": RELATIONS[session.config.relation],
        "session": "eBGP" if session.is_ebgp else "iBGP",
    }


def route_of(attributes: Attributes, index: Json) -> Json:
    """A route's attributes, with names for routers and well-known communities."""
    return {
        "as_path": list(attributes.as_path),
        "next_hop": index["routers"][attributes.next_hop][0],
        "local_pref": attributes.local_pref,
        "med": attributes.med,
        "origin": attributes.origin.name,
        "communities": [
            *(WELL_KNOWN.get(each, f"{each >> 16}:{each & 0xFFFF}") for each in attributes.communities),
            *(":".join(map(str, each)) for each in attributes.large_communities),
            *(f"0x{each:016x}" for each in attributes.extended_communities),
        ],
        "originator_id": attributes.originator_id,
        "cluster_list": list(attributes.cluster_list),
        "only_to_customer": attributes.only_to_customer,
    }


def _candidate(speaker: Speaker, route: Candidate, lost_by: str | None, at: int, index: Json) -> Json:
    is_interior = not route.is_ebgp and route.peer >= 0
    return {
        "best": lost_by is None,
        "lost_by": lost_by,
        "from": peer_of(speaker, route.peer, index),
        **route_of(route.attributes, index),
        "igp_cost": speaker.interior_cost(route.attributes.next_hop) if is_interior else None,
        "age_s": None if route.received_at < 0 else seconds(at - route.received_at),
    }


def _advertised(speaker: Speaker, prefix: int, best: Candidate | None, at: int, index: Json) -> Json:
    """Which peers have been sent the route, and why the others have not."""
    sent: list[Json] = []
    withheld: list[Json] = []
    for number, offer in speaker.offered(prefix):
        peer, to = speaker.peers[number], peer_of(speaker, number, index)
        if not isinstance(offer, Withheld):
            sent.append({"to": to, **route_of(offer, index)})
            continue
        believed = peer.adj_rib_out.get(prefix)
        is_waiting = offer is Withheld.WAITING or believed is not None
        withheld.append(
            {
                "to": to,
                "reason": _reason(speaker, peer, offer, best),
                "until_s": seconds(peer.timer_at) if is_waiting and peer.timer_at > at else None,
                "believes": None if believed is None else list(believed.as_path),
            }
        )
    return {"advertised": sent, "withheld": withheld}


def _reason(speaker: Speaker, peer: Peer, offer: Withheld, best: Candidate | None) -> str:
    """Say it, and for the relationships' policy which way the route would have to go."""
    if offer is Withheld.POLICY and best is not None and peer.config.relation in _UPWARD:
        source = learned_from(best.attributes, speaker.asn)
        if source in _UPWARD:
            towards = RELATIONS[peer.config.relation]
            return f"valley-free export: learned from a {RELATIONS[source]}, not for a {towards}"
    return offer.value


def summary_of(best: Candidate | None, speaker: Speaker, index: Json) -> Json | None:
    """A Loc-RIB entry in short, for a list of changes."""
    if best is None:
        return None
    found: dict[str, Any] = {"from": peer_of(speaker, best.peer, index), **route_of(best.attributes, index)}
    return found
