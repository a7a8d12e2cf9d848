"""The emulator's own view: every router's best routes after each step of the timeline.

A step is everything that happens at one instant. Real routers are compared when
they have become quiet, so here too each step starts from a quiet network,
however soon the scenario's next event would come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.units import SECOND, Duration
from emulator.verify.blueprint import family_of
from emulator.verify.daemons.base import RibEntry

if TYPE_CHECKING:
    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Family
    from emulator.bgp.wiring import Wiring
    from emulator.scenario.plan import Plan
    from emulator.timeline import Event
    from emulator.verify.blueprint import Blueprint

Ribs = tuple[dict[str, RibEntry], ...]
"""For each router its best routes by prefix."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be seen after a step: routes, and how many sessions of each router are up.

    ``begun_ns`` is from the events to the first UPDATE sent anywhere, ``duration_ns`` from there to the
    last, both None where none was; announcements and withdrawals are counted network-wide, a prefix each.
    """

    ribs: Ribs
    sessions: tuple[int, ...]
    is_quiet: bool = True
    duration_ns: int | None = None
    announcements: int = 0
    withdrawals: int = 0
    begun_ns: int | None = None


def steps_of(plan: Plan) -> list[tuple[Event, ...]]:
    """The timeline's events within the run's duration, those of one instant together."""
    events = sorted((e for e in plan.timeline if e.at <= plan.duration), key=lambda e: (e.at, e.index))
    return [tuple(group) for _, group in groupby(events, key=lambda e: e.at)]


class EmulatorView:
    """A running emulation of the plan, read in the daemons' terms."""

    def __init__(self, plan: Plan) -> None:
        """Build it; nothing runs yet.

        The daemons share a machine and its clock: where a phase would be drawn for each, here all have none.
        """
        on_one_host = tuple(
            config if config.mrai_clock_phase is not None else replace(config, mrai_clock_phase=Duration(0))
            for config in plan.protocol.speakers
        )
        self._plan = plan = replace(plan, protocol=replace(plan.protocol, speakers=on_one_host))
        self.emulation = Emulation(plan)
        self._faults = Faults(self.emulation)

    @property
    def wiring(self) -> Wiring:
        """Who peers with whom."""
        return self.emulation.wiring

    def settled(self, blueprint: Blueprint) -> Expected:
        """Settle, and read what there is before the first step."""
        self.emulation.settle()
        return self._read(blueprint)

    def step(self, events: tuple[Event, ...], blueprint: Blueprint) -> Expected:
        """Apply one step's events at their time, run until all is quiet, and read.

        Between steps timers run out, here as in the daemons, which are given the time for it.
        """
        emulation = self.emulation
        if events[0].at > emulation.engine.now:
            emulation.engine.run_until(events[0].at)
        began = emulation.engine.now
        updates = emulation.recorder.updates()
        first = len(updates["at_s"])
        for event in events:
            self._faults.apply(event)
        is_quiet = emulation.engine.run_until_quiet(self._plan.settle_limit)
        updates = emulation.recorder.updates()
        times, withdrawals = updates["at_s"][first:], updates["withdrawal"][first:]
        return replace(
            self._read(blueprint),
            is_quiet=is_quiet,
            duration_ns=round((times[-1] - times[0]) * SECOND) if times else None,
            announcements=withdrawals.count(False),
            withdrawals=withdrawals.count(True),
            begun_ns=round(times[0] * SECOND) - began if times else None,
        )

    def _read(self, blueprint: Blueprint) -> Expected:
        prefixes = [prefix.text for prefix in self._plan.prefixes]
        families = [family_of(text) for text in prefixes]
        ribs = []
        for speaker in self.emulation.speakers:
            reader = _Reader(self._plan, blueprint, speaker.router)
            ribs.append(
                {
                    prefixes[prefix]: reader.entry(best, families[prefix])
                    for prefix, best in sorted(speaker.loc_rib.items())
                }
            )
        sessions = tuple(sum(peer.is_up for peer in speaker.peers) for speaker in self.emulation.speakers)
        return Expected(tuple(ribs), sessions)


class _Reader:
    """Writes one router's routes out with addresses."""

    def __init__(self, plan: Plan, blueprint: Blueprint, router: int) -> None:
        self._network = plan.network
        self._blueprint = blueprint
        self._own = blueprint.setups[router]

    def entry(self, best: Candidate, family: Family) -> RibEntry:
        attributes = best.attributes
        return RibEntry(
            as_path=attributes.as_path,
            next_hop=self._next_hop(best, family),
            local_pref=attributes.local_pref,
            med=attributes.med,
            communities=tuple(sorted(attributes.communities)),
            large_communities=tuple(sorted(attributes.large_communities)),
            origin=attributes.origin,
        )

    def _next_hop(self, best: Candidate, family: Family) -> str | None:
        """The far end of the link over eBGP; over iBGP a loopback, or the border router's eBGP neighbour."""
        if best.peer < 0:
            return None
        if best.is_ebgp:
            return self._own.neighbors[best.peer].remote[family]
        far = self._blueprint.setups[best.attributes.next_hop]
        if far.asn == self._own.asn:
            return far.loopback[family]
        for interface in far.interfaces:
            if self._network.routers[interface.far_router].asn == self._own.asn:
                return interface.address[family]
        return far.loopback[family]
