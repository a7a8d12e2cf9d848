"""The timeline played on real daemons: after each step wait for quiet, then compare."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from emulator.bgp.liveness import Detection
from emulator.errors import Problem, ScenarioError
from emulator.network.model import Relationship
from emulator.timeline import (
    LinksDown,
    Originate,
    ResetSession,
    RoutersDown,
    StopOriginating,
)
from emulator.units import SECOND
from emulator.verify.blueprint import interface_name, origination
from emulator.verify.compare import Difference, compare, entries
from emulator.verify.daemons.base import DaemonError
from emulator.verify.measure import Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.scenario.plan import Plan
    from emulator.timeline import Action, Event
    from emulator.verify.blueprint import Blueprint
    from emulator.verify.daemons.base import DaemonKind
    from emulator.verify.expected import Expected, Ribs
    from emulator.verify.lab import Lab

PLAYABLE: Final = (Originate, StopOriginating, LinksDown, RoutersDown, ResetSession)
"""What can be done to real routers."""
_GLANCE_S: Final = 0.3
"""Nothing moved for so long: nothing will, where routes agree."""
_INTERIOR_S: Final = 2.0
"""The same where an IGP runs, which tells BGP after a while: OSPF's routes are computed once a second."""
_LOOK_AGAIN_S: Final = 0.5
"""Between two looks at routes that differ."""
_SESSIONS_S: Final = 20.0
"""Beyond the hold time: how long a session may take to come up again."""
_OSPF_S: Final = 10.0
"""An adjacency comes back by a few hellos, and an LSA follows the one before by 5 s (RFC 2328 appendix B)."""
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step; the first one is the start, before any event."""

    label: str
    entries: int
    differences: tuple[Difference, ...]
    waited_s: float
    """Until routes agreed, or until it was clear that they do not."""
    expected: Measured
    """What the emulator took and sent."""
    measured: Measured | None = None
    """What the daemons did; None where nothing was captured."""


@dataclass(slots=True)
class Player:
    """Applies a step's actions to the daemons of a lab."""

    plan: Plan
    blueprint: Blueprint
    lab: Lab
    kinds: Sequence[DaemonKind]
    """Each router's."""
    _causes: dict[int, int] = field(default_factory=dict)
    """How many cuts and outages keep a link dark."""

    def apply(self, events: Sequence[Event]) -> None:
        """Do everything that the events of one instant consist of."""
        for event in events:
            for action in event.actions:
                self._act(action)

    def _act(self, action: Action) -> None:
        match action:
            case Originate(router=router):
                self.lab.daemons[router].announce(origination(self.plan, action))
            case StopOriginating(router=router, prefix=prefix):
                self.lab.daemons[router].withdraw(self.plan.prefixes[prefix].text)
            case LinksDown(links=links, repair=repair):
                self._darken(links, -1 if repair else 1)
            case RoutersDown(routers=routers, repair=repair):
                for router in routers:
                    self._darken(self.plan.network.links_of[router], -1 if repair else 1)
            case ResetSession(routers=(first, second)):
                for neighbor in self.blueprint.setups[first].neighbors:
                    if neighbor.config.router == second:
                        self.lab.daemons[first].reset(neighbor.number)
            case _:  # refused before anything was started
                message = f"{type(action).__name__} cannot be played"
                raise AssertionError(message)

    def _darken(self, links: Sequence[int], step: int) -> None:
        """Add to, or take from, the causes that keep links dark; cut or repair those that change."""
        for link in links:
            before = self._causes.get(link, 0)
            after = self._causes[link] = max(0, before + step)
            if not before and after:
                self._order_blind(link, "shutdown")
                if self._is_silent(link):
                    self.lab.namespaces.silence(link)
                else:
                    self.lab.namespaces.cut(link)
            elif before and not after:
                self.lab.namespaces.repair(link)
                self._order_blind(link, "enable")

    def _is_silent(self, link: int) -> bool:
        """Whether no end shall notice the cut by its interface: frames then get lost, and light stays on.

        A link inside an AS goes dark all the same, for the IGP, whose timers are not the scenario's.
        """
        it = self.plan.network.links[link]
        sessions = [self.blueprint.setups[router].session for router in it.ends]
        return it.relationship is not Relationship.INTERNAL and all(
            session.detection is not Detection.INTERFACE for session in sessions
        )

    def _order_blind(self, link: int, order: Literal["shutdown", "enable"]) -> None:
        """Do for daemons that do not watch their interfaces what watching them would do.

        With hold timers the scenario wants the silence noticed, and nothing is done.
        """
        name = interface_name(link)
        for router in self.plan.network.links[link].ends:
            setup = self.blueprint.setups[router]
            if self.kinds[router].watches_links or setup.session.detection is Detection.HOLD_TIMER:
                continue
            for neighbor in setup.neighbors:
                if neighbor.interface == name:
                    getattr(self.lab.daemons[router], order)(neighbor.number)


def refuse_unplayable(plan: Plan, problem: Callable[[tuple[str | int, ...], str], Problem]) -> None:
    """Raise `ScenarioError` with the place of every event that cannot be done to real routers."""
    problems = [
        problem(
            ("timeline", event.index, event.kind),
            f"{event.label}: verify cannot do this to real routers; it plays announce, withdraw, cut, "
            "repair, outage and reset",
        )
        for event in plan.timeline
        if event.repairs is None and not all(isinstance(action, PLAYABLE) for action in event.actions)
    ]
    if problems:
        raise ScenarioError(tuple(problems))


def refuse_unconfigurable(blueprint: Blueprint, kinds: Sequence[DaemonKind]) -> list[str]:
    """Say for every router what its daemon cannot be configured to do."""
    return [
        f"router {setup.name}: {kind.name} {reason}"
        for setup, kind in zip(blueprint.setups, kinds, strict=True)
        for reason in kind.refuses(setup)
    ]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long nothing must move, in seconds, before what is seen counts."""

    agreed: float
    """Routes agree: nobody is about to change them again."""
    differing: float
    """They do not, and no timer holds them back."""
    sessions: float
    """The sessions themselves differ: hold timers, connect-retry timers and the IGP have had their time."""
    limit: float
    """In all: no quiet until then is an error."""


def patience_of(blueprint: Blueprint, kinds: Sequence[DaemonKind], limit_s: float) -> Patience:
    """Work out how long this scenario's daemons may keep still although they are not done."""
    held = longest_hold = 0
    for setup, kind in zip(blueprint.setups, kinds, strict=True):
        longest_hold = max(longest_hold, setup.session.hold_time)
        if kind.has_mrai:
            held = max(held, setup.speaker.mrai, setup.speaker.ibgp_mrai)
    mrai_s = held / SECOND
    runs_igp = any(setup.runs_igp for setup in blueprint.setups)
    return Patience(
        agreed=(_INTERIOR_S if runs_igp else _GLANCE_S) + 1.2 * mrai_s,
        differing=max(kind.patience_s for kind in kinds) + 2 * mrai_s + (_OSPF_S if runs_igp else 0.0),
        sessions=_SESSIONS_S + longest_hold / SECOND,
        limit=limit_s,
    )


def wait_and_compare(
    lab: Lab, blueprint: Blueprint, expected: Expected, patience: Patience
) -> tuple[list[Difference], float]:
    """Wait until routes and sessions agree with ``expected``, or clearly never will.

    Returns the differences left and the seconds it took. Raises `DaemonError` where
    there is no quiet within the limit, or a daemon ends.
    """
    began = moved = looked = time.monotonic()
    seen: list[tuple[int, int]] = []
    differences: list[Difference] | None = None
    while True:
        lab.check_alive()
        activity = lab.on_all(lambda daemon: (daemon.established(), daemon.activity()))
        now = time.monotonic()
        if activity != seen:
            moved, seen, differences = now, activity, None
        still = now - moved
        lacks = any(up != ours for (up, _), ours in zip(activity, expected.sessions, strict=True))
        is_final = still >= (patience.sessions if lacks else patience.differing)
        if still >= patience.agreed and (is_final or not lacks):
            if differences is None or is_final or now - looked >= _LOOK_AGAIN_S:
                differences, looked = _differences(lab, blueprint, expected), now
            if not differences:
                return [], moved - began
            if is_final:
                return differences, now - began
        if now - began > patience.limit:
            if differences:
                return differences, now - began
            unlike = _unlike(blueprint, activity, expected)
            message = f"the daemons were not quiet within {patience.limit:g} s{unlike}"
            raise DaemonError(message)
        time.sleep(_POLL_S)


def _unlike(blueprint: Blueprint, activity: Sequence[tuple[int, int]], expected: Expected) -> str:
    """Where sessions are not as the emulator has them, for a message."""
    found = [
        f"{setup.name} has {up} of {ours}"
        for setup, (up, _), ours in zip(blueprint.setups, activity, expected.sessions, strict=True)
        if up != ours
    ]
    return f"; sessions: {', '.join(found[:10])}" if found else ""


def _differences(lab: Lab, blueprint: Blueprint, expected: Expected) -> list[Difference]:
    """Differences now: of sessions first, since routes that differ are then no wonder."""
    counts = lab.on_all(lambda daemon: daemon.established())
    sessions = [
        Difference(setup.name, "-", "sessions up", str(ours), str(theirs))
        for setup, ours, theirs in zip(blueprint.setups, expected.sessions, counts, strict=True)
        if ours != theirs
    ]
    found: Ribs = tuple(lab.on_all(lambda daemon: daemon.routes()))
    return sessions + compare(blueprint.setups, expected.ribs, found)


def result(
    label: str,
    expected: Expected,
    outcome: tuple[list[Difference], float],
) -> StepResult:
    """Put together what a step came to."""
    differences, waited = outcome
    ours = Measured(expected.duration_ns, expected.announcements, expected.withdrawals, expected.begun_ns)
    return StepResult(label, entries(expected.ribs), tuple(differences), waited, expected=ours)
