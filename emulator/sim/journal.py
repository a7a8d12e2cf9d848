"""What each router's BGP process is given, written down, so that `replay` can be it again.

The settled state, then every call of the speaker's inputs with its instant,
every change of interior costs, and every number drawn. A speaker does the same
with the same input: nothing it does has to be written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.messages import Update
from emulator.bgp.speaker import Speaker
from emulator.record.routes import INDEX, ROUTES_SCHEMA, VALUES, member_of, pack_routes
from emulator.record.trace import SESSION
from emulator.rng import RecordedStream
from emulator.sim.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from emulator.record.run import Json
    from emulator.scenario.plan import Plan

INPUTS: Final = (
    "receive", "session_up", "session_down", "sweep_stale", "refresh", "igp_changed", "originate",
    "withdraw", "mute", "drain", "leak", "decide", "advertise", "timer",
)  # fmt: skip
"""Methods of `Speaker` through which anything may change after t = 0."""
QUESTIONS: Final = (
    "has_work", "speaks", "family", "is_dirty", "interior_cost", "why", "refused", "offered",
    "end_of_rib_due", "reset_timers",
)  # fmt: skip
"""Its other public names: asked, or called by the speaker's own parts, or before t = 0."""
COSTS: Final = "costs"
"""An entry that is no call: interior costs have changed."""
KEPT_MAX: Final = 2_000_000
"""Routes received in the settled network beyond which no history is kept unless it is asked for."""

Entry = tuple[int, str, tuple[Any, ...], dict[str, Any]]
"""Instant, input, its arguments."""


class Journaled(Speaker):
    """A speaker that writes down its inputs once `entries` is a list."""

    entries: list[Entry] | None = None
    clock: Callable[[], int]
    _is_busy = False


def _noted(name: str) -> Callable[..., Any]:
    """The method ``name`` of `Speaker`, written down unless the speaker itself calls it."""
    plain = getattr(Speaker, name)

    def method(self: Journaled, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if self.entries is None or self._is_busy:
            return plain(self, *args, **kwargs)
        self.entries.append((self.clock(), name, args, kwargs))
        self._is_busy = True
        try:
            return plain(self, *args, **kwargs)
        finally:
            self._is_busy = False

    return method


for _each in INPUTS:
    setattr(Journaled, _each, _noted(_each))


class Journal:
    """The journal of all routers, or of those in ``only``."""

    def __init__(self, only: Iterable[int] | None = None, *, is_forced: bool = False) -> None:
        """Watch nothing yet; ``is_forced`` keeps the history of however large a network."""
        self.is_kept = False
        self._only = None if only is None else tuple(only)
        self._is_forced = is_forced
        self._speakers: dict[int, Journaled] = {}
        self._settled: dict[int, Json] = {}
        self._targets: dict[int, tuple[int, ...]] = {}
        self._values = _Values()

    def covers(self, router: int) -> bool:
        """Whether the router is to be journaled."""
        return self._only is None or router in self._only

    def start(self, plan: Plan, speakers: Sequence[Speaker], clock: Callable[[], int]) -> None:
        """The network is settled: keep how it stands, and what comes from now on."""
        watched = [speaker for speaker in speakers if isinstance(speaker, Journaled)]
        count = sum(len(peer.adj_rib_in) for speaker in watched for peer in speaker.peers)
        if count > KEPT_MAX and not self._is_forced:
            return
        self.is_kept = True
        targets = _targets(plan, speakers)
        for speaker in watched:
            self._speakers[speaker.router] = speaker
            self._targets[speaker.router] = targets[speaker.asn]
            self._settled[speaker.router] = self._state(speaker)
            speaker.rng = RecordedStream(speaker.rng)
            speaker.clock = clock
            speaker.entries = []

    def costs_changed(self, router: int) -> None:
        """The router's interior costs are new."""
        speaker = self._speakers.get(router)
        if speaker is not None and speaker.entries is not None:
            speaker.entries.append((speaker.clock(), COSTS, (self._costs(speaker),), {}))

    def _costs(self, speaker: Speaker) -> list[list[int]]:
        found = ((target, speaker.interior_cost(target)) for target in self._targets[speaker.router])
        return [[target, its] for target, its in found if its is not None]

    def _state(self, speaker: Speaker) -> Json:
        """How a router stands at t = 0: sessions, routes received in the order they came, interior costs."""
        number, routes = self._values.number, []
        for peer in speaker.peers:
            for prefix, attributes in peer.adj_rib_in.items():
                candidate = speaker.candidates.get(prefix, {}).get(peer.index)
                at = 0 if candidate is None else candidate.received_at
                routes.append((at, peer.index, prefix, number(attributes)))
        order = {at: rank for rank, at in enumerate(sorted({route[0] for route in routes}))}
        return {
            "up": [
                [peer.index, None if peer.families == peer.config.families else encode(peer.families)]
                for peer in speaker.peers
                if peer.is_up
            ],
            "own": [
                [prefix, number(its[-1].attributes)]
                for prefix, its in speaker.candidates.items()
                if -1 in its
            ],
            "routes": [[order[at], *rest] for at, *rest in routes],
            "best": [[prefix, best.peer] for prefix, best in speaker.loc_rib.items()],
            COSTS: self._costs(speaker),
        }

    # To a file ------------------------------------------------------------------

    def members(self, plan: Plan, trace: Iterable[Json]) -> dict[str, Any] | None:
        """What `emulator.record.routes` packs; None where no history is kept.

        ``trace`` are the run's records: why sessions went down and up is there.
        """
        if not self.is_kept:
            return None
        sessions: dict[str, list[list[Any]]] = {}
        for record in trace:
            if record["type"] == SESSION:
                near, far = record["ends"]
                sessions.setdefault(near, []).append([record["at_s"], far, record["up"], record["reason"]])
        routers = {
            member_of(router): self._router(speaker, sessions.get(plan.network.routers[router].name, []))
            for router, speaker in self._speakers.items()
        }
        return {INDEX: index_of(plan), VALUES: self._values.written(), **routers}

    def archive(self, plan: Plan, trace: Iterable[Json]) -> bytes | None:
        """`members`, packed. The journal is empty then.

        Bytes are nothing to the garbage collector: it would walk the members,
        and the network behind them, again and again for the rest of a run.
        """
        members = self.members(plan, trace)
        self._speakers.clear()
        self._settled.clear()
        self._values = _Values()
        return None if members is None else pack_routes(members)

    def _router(self, speaker: Journaled, sessions: list[list[Any]]) -> Json:
        draws = speaker.rng.numbers if isinstance(speaker.rng, RecordedStream) else []
        return {
            "router_id": speaker.router_id,
            "config": self._values.number(speaker.config),
            "peers": [encode(peer.config) for peer in speaker.peers],
            "settled": self._settled[speaker.router],
            "entries": [self._entry(*entry) for entry in speaker.entries or ()],
            "draws": draws,
            "sessions": sessions,
        }

    def _entry(self, at: int, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        if name == COSTS:
            return [at, name, args[0]]
        return [at, name, [self._argument(arg) for arg in args], {k: encode(v) for k, v in kwargs.items()}]

    def _argument(self, value: Any) -> Any:  # noqa: ANN401
        """An argument as JSON, attributes by their number."""
        if isinstance(value, Update):
            number = None if value.attributes is None else self._values.number(value.attributes)
            return {"update": value.prefix, "carries": number}
        return encode(value)


def _targets(plan: Plan, speakers: Sequence[Speaker]) -> dict[int, tuple[int, ...]]:
    """For each AS the routers that a NEXT_HOP may name: its own; without next-hop-self its neighbours too."""
    network = plan.network
    targets = {asn: members if len(members) > 1 else () for asn, members in network.routers_of.items()}
    open_systems = {
        speaker.asn
        for speaker in speakers
        if any(not peer.is_ebgp and not peer.config.next_hop_self for peer in speaker.peers)
    }
    for asn in sorted(open_systems):
        links = (network.links[link] for router in targets[asn] for link in network.links_of[router])
        targets[asn] = tuple(sorted({*targets[asn], *(end for link in links for end in link.ends)}))
    return targets


def index_of(plan: Plan) -> Json:
    """What is common to all routers."""
    return {
        "schema": ROUTES_SCHEMA,
        "scenario": plan.name,
        "seed": plan.seed,
        "duration": plan.duration,
        "routers": [[router.name, router.asn] for router in plan.network.routers],
        "prefixes": [prefix.text for prefix in plan.prefixes],
        "has_ipv6": plan.has_ipv6,
        "events": sorted([event.at, event.index, event.label or event.kind] for event in plan.timeline),
    }


class _Values:
    """Values by number: each object is written once."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []

    def number(self, value: Any) -> int:  # noqa: ANN401
        found = self._numbers.get(id(value))
        if found is None:
            found = self._numbers[id(value)] = len(self._kept)
            self._kept.append(value)  # or another object could get its id
        return found

    def written(self) -> list[Any]:
        return [encode(value) for value in self._kept]
