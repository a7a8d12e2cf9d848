"""Lab networks for tests: one router an AS, every link alike, conventions R0 of the reference rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from emulator.bgp.config import SpeakerConfig
from emulator.bgp.liveness import SessionConfig
from emulator.network.model import Link, Network, Relationship, Router
from emulator.scenario.plan import Plan, Prefix, Protocol
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.timeline import Event, Originate, StopOriginating
from emulator.units import MILLISECOND, SECOND

D = 10 * MILLISECOND
M = 30 * SECOND


def lab(edges, n, *, delay=D, relationship=Relationship.NONE):
    """Make a network of ``n`` routers r0.. in AS 65000.., joined by ``edges``."""
    routers = tuple(Router(i, f"r{i}", 65000 + i, i + 1) for i in range(n))
    links = tuple(Link(i, edge, delay, relationship) for i, edge in enumerate(edges))
    return Network(routers, links)


def line(n):
    """r0 - r1 - ... - r(n-1)."""
    return lab([(i, i + 1) for i in range(n - 1)], n)


def ring(n):
    """A cycle."""
    return lab([(i, (i + 1) % n) for i in range(n)], n)


def star(n):
    """A centre r0 and n - 1 leaves."""
    return lab([(0, i) for i in range(1, n)], n)


def clique(n):
    """Everyone with everyone."""
    return lab([(i, j) for i in range(n) for j in range(i + 1, n)], n)


@dataclass
class Result:
    """What one event did: seconds, messages, and the emulation to look into."""

    time: float
    announcements: int
    withdrawals: int
    changes: int
    quiescent: bool
    emulation: Emulation


def plan_of(
    network,
    *,
    config=None,
    configs=None,
    sessions=None,
    events=(),
    origin=0,
    duration=None,
    announced=True,
    seed=1,
    by_messages=False,
):
    """Make the plan of a lab run with one prefix that ``origin`` announces from the start."""
    config = config or SpeakerConfig(mrai=M)
    count = len(network.routers)
    return Plan(
        name="lab",
        seed=seed,
        network=network,
        prefixes=(Prefix(0, "203.0.113.0/24"),),
        destinations=(),
        originations=(Originate(origin, 0),) if announced else (),
        protocol=Protocol(configs or (config,) * count, sessions or (SessionConfig(),) * count),
        timeline=tuple(events),
        duration=duration or 100 * M,
        settle_by_messages=by_messages,
    )


def run(plan):
    """Run a plan's control plane; the result of its last event."""
    emulation = Emulation(plan)
    emulation.settle()
    emulation.run(Faults(emulation).apply, lambda _: None)
    window = emulation.recorder.windows[-1].summary()
    return Result(
        window["control_plane_convergence_s"],
        window["announcements"],
        window["withdrawals"],
        window["best_path_changes"],
        window["quiescent"],
        emulation,
    )


def event(*actions, at=0, index=0, kind="test"):
    """Make a timeline event."""
    return Event(index, at, kind, kind, actions)


def announce(network, *, origin=0, **options):
    """T, A, W when ``origin`` announces into silence."""
    return run(
        plan_of(network, origin=origin, announced=False, events=[event(Originate(origin, 0))], **options)
    )


def withdraw(network, *, origin=0, **options):
    """T, A, W when ``origin`` withdraws from a settled network."""
    return run(plan_of(network, origin=origin, events=[event(StopOriginating(origin, 0))], **options))


def r0(**changes):
    """Conventions R0, changed."""
    return replace(SpeakerConfig(mrai=M), **changes)
