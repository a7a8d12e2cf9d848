"""Aggregates (RFC 4271 9.2.2.2) without AS_SET (RFC 6472, RFC 9774).

An aggregate is a route of ours, there while a contributor is in the Loc-RIB.
What matches it and nothing more specific is discarded here (RFC 4632 5.1), or
it would follow a default route back to where it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import OWN_LOCAL_PREF, Attributes
from emulator.bgp.decision import Candidate

if TYPE_CHECKING:
    from emulator.bgp.config import Aggregate
    from emulator.bgp.speaker import Speaker

AGGREGATED: Final = -2
"""`Candidate.peer` of an aggregate."""


def refresh(speaker: Speaker, changed: dict[int, None], now: int) -> None:
    """Bring the aggregates in line with the Loc-RIB after the routes of ``changed`` have changed."""
    for aggregate in speaker.config.aggregates:
        if not any(prefix in aggregate.contributors for prefix in changed):
            continue
        routes = speaker.candidates.setdefault(aggregate.prefix, {})
        old, attributes = routes.get(AGGREGATED), _attributes(speaker, aggregate)
        if attributes is None:
            if old is not None:
                del routes[AGGREGATED]
                speaker.is_dirty(aggregate.prefix)
        elif old is None or old.attributes != attributes:
            routes[AGGREGATED] = Candidate(attributes, AGGREGATED, False, speaker.router_id, now)
            speaker.is_dirty(aggregate.prefix)
    _suppress(speaker)


def _attributes(speaker: Speaker, aggregate: Aggregate) -> Attributes | None:
    """The aggregate's attributes, None while nothing contributes.

    The path begins here. Where that loses ASes of a contributor's path,
    ATOMIC_AGGREGATE says so. ORIGIN is the least certain of the contributors'.
    Their communities are not taken over: they were meant for other prefixes.
    """
    parts = [
        speaker.loc_rib[prefix].attributes
        for prefix in sorted(aggregate.contributors)
        if prefix in speaker.loc_rib
    ]
    if not parts:
        return None
    return Attributes(
        (),
        speaker.router,
        OWN_LOCAL_PREF,
        origin=max(part.origin for part in parts),
        aggregator=(speaker.asn, speaker.router_id),
        atomic_aggregate=any(part.as_path for part in parts),
    )


def _suppress(speaker: Speaker) -> None:
    """Keep the list of contributors that are not advertised, and have peers told where it changes."""
    suppressed = {
        prefix: None
        for aggregate in speaker.config.aggregates
        if aggregate.summary_only and AGGREGATED in speaker.candidates.get(aggregate.prefix, {})
        for prefix in sorted(aggregate.contributors)
    }
    before = speaker.suppressed
    touched = [prefix for prefix in before | suppressed if (prefix in before) != (prefix in suppressed)]
    speaker.suppressed = suppressed
    for peer in speaker.peers:
        if peer.is_up:
            peer.pending.update(dict.fromkeys(touched))
