"""The control plane of one run: routers, sessions, IGPs and FIBs joined, and what befalls them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from emulator.bgp.aggregation import AGGREGATED
from emulator.bgp.attributes import BLACKHOLE
from emulator.bgp.config import MraiScope
from emulator.bgp.speaker import Speaker
from emulator.fleet.draws import PHASES, key_of, timer_run, uniform
from emulator.forwarding.plane import FibEntry, ForwardingPlane
from emulator.network.model import Relationship
from emulator.rng import stream
from emulator.sim.engine import Engine
from emulator.sim.exits import Exits
from emulator.sim.half import Half
from emulator.sim.interior import Interior
from emulator.sim.journal import Journaled
from emulator.sim.recorder import Recorder
from emulator.sim.router import RouterProcess
from emulator.sim.session import Session
from emulator.sim.sessions import Agreements, Sessions
from emulator.steady.messages import StillChangingError, settle

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Generator, Mapping, Sequence

    from simpy.events import Event as SimpyEvent

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Update
    from emulator.bgp.peer import PeerConfig
    from emulator.bgp.wiring import Wire
    from emulator.forwarding.history import ForwardingHistory
    from emulator.scenario.plan import Plan
    from emulator.sim.journal import Journal
    from emulator.timeline import Event, Originate

_LONG_BEFORE = 2**80
"""The clock's origin while a network settles by messages: every instant is negative."""


class Emulation:
    """A running network. `settle` it, then `run` it."""

    def __init__(self, plan: Plan, journal: Journal | None = None) -> None:
        """Build every part; nothing has been announced yet. ``journal`` is kept from t = 0 on."""
        self.plan = plan
        self.journal = journal
        network = plan.network
        self.engine = Engine()
        self.wiring = plan.wiring
        self.interiors: dict[int, Interior] = {
            asn: Interior(self.engine, network, asn, plan.protocol.igp, self)
            for asn, members in network.routers_of.items()
            if len(members) > 1
        }
        agreements = Agreements(network, plan.protocol, self.wiring)
        self.sessions = Sessions(self.wiring, self._session, agreements.of)
        self._exits = Exits(network, self.wiring, self.interiors, self.sessions.over)
        self.speakers = [self._speaker(router) for router in range(len(network.routers))]
        self.recorder = Recorder(self.engine, plan, self.speakers)
        self.plane = ForwardingPlane(network, plan.destinations)
        self.routers = [
            RouterProcess(
                self.engine,
                speaker,
                observer=self,
                rng=stream(plan.seed, f"processing/{network.routers[speaker.router].name}"),
            )
            for speaker in self.speakers
        ]
        for router in self.routers:
            router.lines = self.sessions.lines(router.index)
        self._join_interiors()
        self._entries: dict[tuple[int, int], FibEntry | None] = {}

    def _speaker(self, router: int) -> Speaker:
        it = self.plan.network.routers[router]
        interior = self.interiors.get(it.asn)
        is_journaled = self.journal is not None and self.journal.covers(router)
        return (Journaled if is_journaled else Speaker)(
            router,
            it.asn,
            it.router_id,
            self._peers(router),
            self.plan.protocol.speakers[router],
            igp_cost=self._igp_cost(router, interior),
            rng=stream(self.plan.seed, f"mrai/{it.name}"),
            family_of=self.plan.family_of if self.plan.has_ipv6 else None,
        )

    def _peers(self, router: int) -> Sequence[PeerConfig]:
        """The router's peers; where timers never rest, each with its own, as compact speakers have them."""
        config, peers = self.plan.protocol.speakers[router], self.wiring.peers[router]
        if config.mrai_scope is not MraiScope.FULL_TABLE:
            return peers
        key, own = key_of(self.plan.seed, PHASES), self.plan.network.routers[router].asn
        runs = [
            timer_run(
                config.ibgp_mrai if peer.asn == own else config.mrai,
                *config.mrai_jitter,
                uniform(key, router, 2 * peer.router),
                uniform(key, router, 2 * peer.router + 1),
            )
            for peer in peers
        ]
        return [replace(peer, mrai_run=run) for peer, run in zip(peers, runs, strict=True)]

    def _igp_cost(self, router: int, interior: Interior | None) -> Callable[[int], int | None]:
        if interior is None:
            return _unreachable
        if self._exits.are_known_to(router):
            return self._exits.cost(router)
        return partial(interior.cost, router)

    def _join_interiors(self) -> None:
        """Tell every IGP its routers and the iBGP sessions that it carries."""
        routers, by_index = self.plan.network.routers, dict(enumerate(self.routers))
        carried: dict[int, list[tuple[int, int, int]]] = {asn: [] for asn in self.interiors}
        for number, each in enumerate(self.wiring.wires):
            if each.link is None:
                carried[routers[each.routers[0]].asn].append((number, *each.routers))
        for asn, interior in self.interiors.items():
            interior.join(by_index, carried[asn], self.sessions)

    def _session(self, each: Wire) -> Session:
        network = self.plan.network
        first, second = each.routers
        if each.link is not None:
            delay: int = network.links[each.link].delay
        else:
            delay = self.interiors[network.routers[first].asn].delay(first, second) or 0
        session = Session(self.engine, delay, each.link, self._session_changed)
        session.join(self._half(session, each, 0), self._half(session, each, 1))
        return session

    def _half(self, session: Session, each: Wire, side: int) -> Half:
        router, peer = each.routers[side], each.peers[side]
        return Half(
            session,
            side,
            self.routers[router],
            peer,
            config=self.plan.protocol.session(router, peer),
            seeded=self._seeded,
        )

    def _seeded(self, half: Half, purpose: str) -> random.Random:
        """A stream for one purpose of one end of a session."""
        own, far = (self.plan.network.routers[each.router.index].name for each in (half, half.far))
        return stream(self.plan.seed, f"{purpose}/{own}/{far}/{half.session.link}")

    # Settling and running -------------------------------------------------------

    def settle(self) -> None:
        """Bring the network to its stable state, where it stands at t = 0.

        Raises `DoesNotSettleError` where it has none.
        """
        if self.plan.settle_by_messages:
            self._settle_by_messages()
        else:
            self._settle_without_time()
        self.sessions.rest()
        self.recorder.start()
        if self.journal is not None:
            self.journal.start(self.plan, self.speakers, lambda: self.engine.now)

    def _settle_without_time(self) -> None:
        families = self.sessions.settle()
        closings = settle(self.speakers, self.wiring, self.plan.originations, families)
        for each in closings:
            self.routers[each.router].lines[each.peer].closed_before(each.notification, each.restart_after)
        for router in self.routers:
            router.speaker.host = router
            for prefix, best in router.speaker.loc_rib.items():
                self._install(router.index, prefix, best)
        self._install_interior()

    def _settle_by_messages(self) -> None:
        engine = self.engine
        engine.origin = _LONG_BEFORE
        self._install_interior()
        self.sessions.open()
        for each in self.plan.originations:
            self.announce(each)
        if not engine.run_until_quiet(self.plan.settle_limit):
            raise StillChangingError(self.plan.settle_limit)
        engine.origin = int(engine.env.now)
        for speaker in self.speakers:
            speaker.reset_timers()

    def _install_interior(self) -> None:
        for interior in self.interiors.values():
            for router in interior.area.routers:
                self.plane.set_igp(self.engine.now, router, interior.next_hops(router))

    def run(self, apply: Callable[[Event], None], progress: Callable[[int], None]) -> ForwardingHistory:
        """Run to the end: ``apply`` each event when it comes, ``progress`` with the instant reached."""
        self.engine.env.process(self._timeline(apply))
        end = self.plan.duration
        steps = 50
        for step in range(1, steps + 1):
            instant = end * step // steps
            self.engine.run_until(instant)
            progress(instant)
        self.recorder.close_window()
        return self.plane.finish(end)

    def _timeline(self, apply: Callable[[Event], None]) -> Generator[SimpyEvent, Any, None]:
        for event in sorted(self.plan.timeline, key=lambda each: (each.at, each.index)):
            if event.at > self.plan.duration:
                return
            yield self.engine.env.timeout(event.at - self.engine.now)
            self.recorder.open_window(event)
            apply(event)

    # What routers and IGPs report -----------------------------------------------

    def update_sent(self, sender: int, receiver: int, update: Update) -> None:
        """A message left a router."""
        self.recorder.update_sent(sender, receiver, update)

    def route_changed(self, router: int, prefix: int, best: Candidate | None) -> None:
        """A Loc-RIB changed: the FIB follows after the install delay."""
        self.recorder.route_changed(router, prefix, best)
        delay = self.plan.protocol.fib_install_delay
        if delay:
            self.engine.after(delay, self._install, router, prefix, best)
        else:
            self._install(router, prefix, best)

    def costs_changed(self, router: int) -> None:
        """A router's interior costs changed."""
        if self.journal is not None:
            self.journal.costs_changed(router)

    def interior_changed(self, router: int, next_hops: Mapping[int, int]) -> None:
        """An IGP FIB changed."""
        self.recorder.fib_changed()
        self.plane.set_igp(self.engine.now, router, next_hops)
        if self._exits.are_known_to(router):
            self._install_again(router)

    def _install_again(self, router: int) -> None:
        """The nearest way out may be another one now."""
        for prefix, best in self.speakers[router].loc_rib.items():
            self._install(router, prefix, best)

    def _install(self, router: int, prefix: int, best: Candidate | None) -> None:
        entry = None if best is None else self._entry(router, best)
        if self._entries.get((router, prefix)) != entry:
            self._entries[router, prefix] = entry
            self.recorder.fib_changed()
            self.plane.set_route(self.engine.now, router, prefix, entry)

    def _entry(self, router: int, best: Candidate) -> FibEntry:
        if best.peer < 0:
            return FibEntry(discard=best.peer == AGGREGATED)
        if BLACKHOLE in best.attributes.communities and self.speakers[router].config.honor_blackhole:
            return FibEntry(discard=True)  # RFC 7999
        if best.is_ebgp:
            return FibEntry(link=self.sessions.link_at(router, best.peer))
        exit_ = self._exits.nearest(router, best.attributes.next_hop)
        if exit_ is not None:
            _, border, link = exit_
            return FibEntry(link=link) if border == router else FibEntry(egress=border)
        return FibEntry(egress=best.attributes.next_hop)

    def _session_changed(self, router: int, peer: int, is_up: bool, reason: str) -> None:
        self.recorder.session_changed(router, peer, is_up=is_up, reason=reason)
        if self._exits.are_known_to(router):
            for other in self.plan.network.routers_of[self.plan.network.routers[router].asn]:
                process = self.routers[other]
                process.put(process.speaker.igp_changed)
                self._install_again(other)
                self.costs_changed(other)

    # For faults -------------------------------------------------------------------

    def announce(self, it: Originate) -> None:
        """A router starts to announce a prefix."""
        process = self.routers[it.router]
        originate = partial(process.speaker.originate, carrying=it.carrying)
        process.put(originate, it.prefix, self.engine.now, it.only_to)

    def withdraw(self, router: int, prefix: int) -> None:
        """A router stops announcing a prefix."""
        process = self.routers[router]
        process.put(process.speaker.withdraw, prefix)

    def mute(self, router: int, asn: int, *, is_muted: bool) -> None:
        """A router stops, or starts again, to announce to its peers in an AS."""
        process = self.routers[router]
        process.put(partial(process.speaker.mute, asn, is_muted=is_muted))

    def light(self, link: int, *, is_on: bool) -> None:
        """A link's transport died or came back (call once for each change)."""
        it = self.plan.network.links[link]
        self.plane.set_link(self.engine.now, link, is_on)
        if it.relationship is Relationship.INTERNAL:
            asn = self.plan.network.routers[it.ends[0]].asn
            self.interiors[asn].link_changed(link, is_up=is_on)
            return
        session = self.sessions.over(link)
        if is_on:
            session.transport_restored()
        else:
            session.transport_lost()


def _unreachable(_target: int) -> None:
    """A router alone in its AS has no interior routes."""
