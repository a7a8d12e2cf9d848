"""Every change of a router's route over a run, with what caused it and the step that decided."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from emulator.bgp.aggregation import AGGREGATED
from emulator.bgp.messages import Update
from emulator.sim.explain import peer_of, summary_of
from emulator.sim.journal import COSTS
from emulator.units import seconds

if TYPE_CHECKING:
    from emulator.bgp.decision import Candidate
    from emulator.bgp.speaker import Speaker
    from emulator.record.run import Json
    from emulator.sim.replay import Entry, RouterHistory


def watch_route(history: RouterHistory, prefix: int, until: int) -> Json:
    """All changes of the route for ``prefix`` from t = 0 to ``until`` (ns), as JSON.

    A change has ``at_s``, ``old`` and ``new`` (None: no route), ``decided_by``,
    ``causes`` (what changed its candidates since the decision before) and
    ``event``, the timeline event that came last (None: none yet).
    """
    replay, index = history.settled(), history.index
    speaker = replay.speaker
    first = old = speaker.loc_rib.get(prefix)
    changes: list[Json] = []
    causes: list[Json] = []
    costs: dict[int, int | None] = {}
    for entry in history.entries() if until > 0 else ():
        if entry.at > until:
            break
        before = dict(speaker.candidates.get(prefix, {}))
        if not costs:
            costs = _costs(speaker, before)
        replay.give(entry)
        after = speaker.candidates.get(prefix, {})
        if entry.name == "igp_changed":
            causes += _interior(speaker, costs, index)
        elif entry.name != COSTS and before != after:
            causes.append(_cause(history, speaker, entry, before, after))
        new = speaker.loc_rib.get(prefix)
        if new != old:
            changes.append(
                {
                    "at_s": seconds(entry.at),
                    "old": summary_of(old, speaker, index),
                    "new": summary_of(new, speaker, index),
                    "decided_by": speaker.why(prefix).decided_by.value,
                    "causes": causes,
                    "event": _event(index, entry.at),
                }
            )
            old = new
        if entry.name == "decide":
            causes, costs = [], {}
    return {
        "scenario": index["scenario"],
        "router": history.name,
        "asn": history.asn,
        "prefix": index["prefixes"][prefix],
        "until_s": seconds(until),
        "first": summary_of(first, speaker, index),
        "changes": changes,
    }


def _costs(speaker: Speaker, routes: dict[int, Candidate]) -> dict[int, int | None]:
    """Interior cost of every next hop of a route over iBGP."""
    return {
        route.attributes.next_hop: speaker.interior_cost(route.attributes.next_hop)
        for route in routes.values()
        if not route.is_ebgp and route.peer >= 0
    }


def _interior(speaker: Speaker, before: dict[int, int | None], index: Json) -> list[Json]:
    """What the IGP changed for the next hops in question."""
    found = []
    for router, old in sorted(before.items()):
        new = speaker.interior_cost(router)
        if new != old:
            found.append(
                {"kind": "igp", "next_hop": index["routers"][router][0], "old_cost": old, "new_cost": new}
            )
    return found


_ORDERS = {
    "originate": "announced here",
    "withdraw": "withdrawn here",
    "drain": "graceful shutdown of a session began or ended",
    "sweep_stale": "a stale route was not heard of again",
    "timer": "flap damping let the route go",
}


def _cause(
    history: RouterHistory,
    speaker: Speaker,
    entry: Entry,
    before: dict[int, Candidate],
    after: dict[int, Candidate],
) -> Json:
    """What ``entry`` was, to a person who asks why the candidates changed."""
    index = history.index
    if entry.name == "receive":
        peer, update = entry.args[0], entry.args[1]
        if isinstance(update, Update) and speaker.peers[peer].is_up:
            path = None if update.attributes is None else list(update.attributes.as_path)
            return {"kind": "update", "from": peer_of(speaker, peer, index), "as_path": path}
        return _session(history, speaker, peer, entry.at, "too many prefixes")
    if entry.name == "session_down":
        return _session(history, speaker, entry.args[0], entry.at, "down")
    changed = [peer for peer in sorted({*before, *after}) if before.get(peer) != after.get(peer)]
    if changed == [AGGREGATED]:
        return {"kind": "aggregate", "what": "the first contributor came or the last one went"}
    return {"kind": entry.name, "what": _ORDERS.get(entry.name, entry.name)}


def _session(history: RouterHistory, speaker: Speaker, peer: int, at: int, reason: str) -> Json:
    """A session that was lost, with the reason that the run recorded."""
    far = peer_of(speaker, peer, history.index)
    for at_s, other, is_up, why in history.sessions:
        if at_s <= seconds(at) and other == far["router"] and not is_up:
            reason = why
    return {"kind": "session-down", "from": far, "reason": reason}


def _event(index: Json, at: int) -> Json | None:
    """The timeline event that came last."""
    events: list[list[Any]] = index["events"]
    place = bisect_right(events, at, key=lambda event: event[0])
    if not place:
        return None
    its_at, number, label = events[place - 1]
    return {"index": number, "at_s": seconds(its_at), "label": label}
