"""The control plane of one run: routers, sessions, IGPs and FIBs joined, and what befalls them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from emulator.bgp.speaker import Speaker
from emulator.bgp.wiring import wire
from emulator.forwarding.plane import FibEntry, ForwardingPlane
from emulator.network.model import Relationship
from emulator.rng import stream
from emulator.sim.engine import Engine
from emulator.sim.interior import Interior
from emulator.sim.recorder import Recorder
from emulator.sim.router import RouterProcess
from emulator.sim.session import Half, Session
from emulator.steady.messages import DoesNotSettleError, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from simpy.events import Event as SimpyEvent

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Update
    from emulator.bgp.wiring import Wire
    from emulator.forwarding.history import ForwardingHistory
    from emulator.scenario.plan import Plan
    from emulator.timeline import Event

_LONG_BEFORE = 2**80
"""The clock's origin while a network settles by messages: every instant is negative."""


class Emulation:
    """A running network. `settle` it, then `run` it."""

    def __init__(self, plan: Plan) -> None:
        """Build every part; nothing has been announced yet."""
        self.plan = plan
        network = plan.network
        self.engine = Engine()
        self.wiring = wire(network)
        self.interiors: dict[int, Interior] = {
            asn: Interior(self.engine, network, asn, plan.protocol.igp, self)
            for asn, members in network.routers_of.items()
            if len(members) > 1
        }
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
        self.sessions = self._sessions()
        self.session_over = {session.link: session for session in self.sessions if session.link is not None}
        """eBGP sessions by link."""
        for interior in self.interiors.values():
            interior.join(dict(enumerate(self.routers)))
        self._entries: dict[tuple[int, int], FibEntry | None] = {}

    def _speaker(self, router: int) -> Speaker:
        it = self.plan.network.routers[router]
        interior = self.interiors.get(it.asn)
        return Speaker(
            router,
            it.asn,
            it.router_id,
            self.wiring.peers[router],
            self.plan.protocol.speakers[router],
            igp_cost=_unreachable if interior is None else partial(interior.cost, router),
            rng=stream(self.plan.seed, f"mrai/{it.name}"),
        )

    def _sessions(self) -> list[Session]:
        sessions = []
        for each in self.wiring.wires:
            session = self._session(each)
            sessions.append(session)
            for router, peer, half in zip(each.routers, each.peers, session.halves, strict=True):
                lines = self.routers[router].lines
                lines += [half] * (peer + 1 - len(lines))
                lines[peer] = half
        return sessions

    def _session(self, each: Wire) -> Session:
        network, protocol = self.plan.network, self.plan.protocol
        first, second = each.routers
        if each.link is not None:
            delay: int = network.links[each.link].delay
        else:
            delay = self.interiors[network.routers[first].asn].delay(first, second) or 0
        session = Session(self.engine, delay, each.link, self._session_changed)
        names = [network.routers[router].name for router in each.routers]
        session.join(
            *(
                Half(
                    session,
                    side,
                    self.routers[router],
                    each.peers[side],
                    config=protocol.sessions[router],
                    seeded=partial(
                        stream, self.plan.seed, f"session/{names[side]}/{names[1 - side]}/{each.link}"
                    ),
                )
                for side, router in enumerate(each.routers)
            )
        )
        if each.link is None:
            self.interiors[network.routers[first].asn].sessions.append((session, first, second))
        return session

    # Settling and running -------------------------------------------------------

    def settle(self) -> None:
        """Bring the network to its stable state, where it stands at t = 0.

        Raises `DoesNotSettleError` where it has none.
        """
        if self.plan.settle_by_messages:
            self._settle_by_messages()
        else:
            self._settle_without_time()
        for session in self.sessions:
            session.watch_hold_timers()
        self.recorder.start()

    def _settle_without_time(self) -> None:
        originations = [(o.router, o.prefix, o.only_to) for o in self.plan.originations]
        settle(self.speakers, self.wiring, originations)
        for session in self.sessions:
            for half in session.halves:
                half.is_up = True
        for router in self.routers:
            router.speaker.host = router
            for prefix, best in router.speaker.loc_rib.items():
                self._install(router.index, prefix, best)
        self._install_interior()

    def _settle_by_messages(self) -> None:
        engine = self.engine
        engine.origin = _LONG_BEFORE
        self._install_interior()
        for session in self.sessions:
            session.establish()
        for each in self.plan.originations:
            self.announce(each.router, each.prefix, each.only_to)
        if not engine.run_until_quiet(self.plan.settle_limit):
            raise DoesNotSettleError(self.plan.settle_limit)
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

    def interior_changed(self, router: int, next_hops: Mapping[int, int]) -> None:
        """An IGP FIB changed."""
        self.recorder.fib_changed()
        self.plane.set_igp(self.engine.now, router, next_hops)

    def _install(self, router: int, prefix: int, best: Candidate | None) -> None:
        entry = None if best is None else self._entry(router, best)
        if self._entries.get((router, prefix)) != entry:
            self._entries[router, prefix] = entry
            self.recorder.fib_changed()
            self.plane.set_route(self.engine.now, router, prefix, entry)

    def _entry(self, router: int, best: Candidate) -> FibEntry:
        if best.peer < 0:
            return FibEntry()
        if best.is_ebgp:
            half = self.routers[router].lines[best.peer]
            return FibEntry(link=half.session.link)
        return FibEntry(egress=best.attributes.next_hop)

    def _session_changed(self, router: int, peer: int, is_up: bool) -> None:
        self.recorder.session_changed(router, peer, is_up=is_up, reason="established" if is_up else "down")

    # For faults -------------------------------------------------------------------

    def announce(self, router: int, prefix: int, only_to: frozenset[int] | None) -> None:
        """A router starts to announce a prefix."""
        process = self.routers[router]
        process.put(process.speaker.originate, prefix, self.engine.now, only_to)

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
        session = self.session_over[link]
        if is_on:
            session.transport_restored()
        else:
            session.transport_lost()


def _unreachable(_target: int) -> None:
    """A router alone in its AS has no interior routes."""
