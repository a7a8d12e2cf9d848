"""Lab networks for tests: one router an AS, every link alike, conventions R0 of the reference rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emulator.bgp.config import SpeakerConfig
from emulator.bgp.liveness import SessionConfig
from emulator.bgp.policy import RankedPaths
from emulator.bgp.wiring import Wiring
from emulator.forwarding.history import Destination, ForwardingHistory
from emulator.igp import IgpConfig
from emulator.network.model import Link, Network, Relationship, Router
from emulator.record.trace import BEST_PATH
from emulator.scenario.plan import Plan, Prefix, Protocol
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.sim.invariants import check_quiet
from emulator.timeline import Event, Originate, StopOriginating
from emulator.units import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.bgp.peer import PeerConfig
    from emulator.timeline import Action

D = 10 * MILLISECOND
M = 30 * SECOND


def lab(
    edges: Sequence[tuple[int, int]],
    n: int,
    *,
    delay: int = D,
    relationship: Relationship = Relationship.NONE,
) -> Network:
    """Make a network of ``n`` routers r0.. in AS 65000.., joined by ``edges``."""
    routers = tuple(Router(i, f"r{i}", 65000 + i, i + 1) for i in range(n))
    links = tuple(Link(i, edge, delay, relationship) for i, edge in enumerate(edges))
    return Network(routers, links)


def line(n: int) -> Network:
    """r0 - r1 - ... - r(n-1)."""
    return lab([(i, i + 1) for i in range(n - 1)], n)


def ring(n: int) -> Network:
    """A cycle."""
    return lab([(i, (i + 1) % n) for i in range(n)], n)


def star(n: int) -> Network:
    """A centre r0 and n - 1 leaves."""
    return lab([(0, i) for i in range(1, n)], n)


def clique(n: int) -> Network:
    """Everyone with everyone."""
    return lab([(i, j) for i in range(n) for j in range(i + 1, n)], n)


def systems(members: Sequence[int], edges: Sequence[tuple[int, ...]], *, delay: int = D) -> Network:
    """Make routers r0.. of AS 65000 + ``members[i]``; an edge is (router, router[, IGP cost])."""
    routers = tuple(Router(i, f"r{i}", 65000 + system, i + 1) for i, system in enumerate(members))
    links = []
    for first, second, *cost in edges:
        is_internal = members[first] == members[second]
        relationship = Relationship.INTERNAL if is_internal else Relationship.NONE
        igp_cost = cost[0] if cost else 1
        links.append(Link(len(links), (first, second), delay, relationship, igp_cost=igp_cost))
    return Network(routers, tuple(links))


@dataclass
class Result:
    """What the last event did: messages, control-plane convergence (ns), the emulation to look into."""

    time: int
    announcements: int
    withdrawals: int
    changes: int
    quiescent: bool
    emulation: Emulation
    history: ForwardingHistory


def plan_of(
    network: Network,
    *,
    config: SpeakerConfig | None = None,
    configs: tuple[SpeakerConfig, ...] = (),
    sessions: tuple[SessionConfig, ...] = (),
    events: Sequence[Event] = (),
    origin: int = 0,
    duration: int = 100 * M,
    announced: bool = True,
    seed: int = 1,
    by_messages: bool = False,
    prefixes: int = 1,
    igp: IgpConfig | None = None,
    fib_install_delay: int = 0,
) -> Plan:
    """Make the plan of a lab run; ``origin`` announces prefix 0 from the start, if ``announced``."""
    config = config or SpeakerConfig(mrai=M)
    count = len(network.routers)
    return Plan(
        name="lab",
        seed=seed,
        network=network,
        prefixes=tuple(Prefix(i, f"203.0.{113 + i}.0/24") for i in range(prefixes)),
        destinations=tuple(Destination(i, f"203.0.{113 + i}.1", (i,)) for i in range(prefixes)),
        originations=(Originate(origin, 0),) if announced else (),
        protocol=Protocol(
            configs or (config,) * count,
            sessions or (SessionConfig(),) * count,
            igp or IgpConfig(),
            fib_install_delay,
        ),
        timeline=tuple(events),
        duration=duration,
        settle_by_messages=by_messages,
    )


def run(plan: Plan) -> Result:
    """Run a plan's control plane; the result of its last event. Checks all invariants once quiet."""
    emulation = Emulation(plan)
    emulation.settle()
    history = emulation.run(Faults(emulation).apply, lambda _: None)
    if not emulation.engine.pending:
        check_quiet(emulation)
    window = emulation.recorder.windows[-1]
    return Result(
        0 if window.last_rib_change is None else window.last_rib_change - window.event.at,
        window.announcements,
        window.withdrawals,
        window.best_path_changes,
        window.is_quiescent,
        emulation,
        history,
    )


def paths(result: Result) -> dict[tuple[int, int], tuple[int, ...]]:
    """AS paths in every Loc-RIB: {(router, prefix): path}, without the ASes' common 65000."""
    return {
        (router, prefix): tuple(asn - 65000 for asn in best.attributes.as_path)
        for router, speaker in enumerate(result.emulation.speakers)
        for prefix, best in speaker.loc_rib.items()
    }


def ranked(*choices: tuple[int, ...], **changes: Any) -> SpeakerConfig:  # noqa: ANN401
    """Speaker config of a stable-paths node: router numbers of its paths, best first (`(3, 0)`: via r3)."""
    listed = tuple(tuple(65000 + router for router in path) for path in choices)
    return r0(policy=RankedPaths(listed), **changes)


def event(*actions: Action, at: int = 0, index: int = 0, kind: str = "test") -> Event:
    """Make a timeline event."""
    return Event(index, at, kind, kind, actions)


def announce(network: Network, *, origin: int = 0, **options: Any) -> Result:  # noqa: ANN401
    """T, A, W when ``origin`` announces into silence."""
    return run(
        plan_of(network, origin=origin, announced=False, events=[event(Originate(origin, 0))], **options)
    )


def withdraw(network: Network, *, origin: int = 0, **options: Any) -> Result:  # noqa: ANN401
    """T, A, W when ``origin`` withdraws from a settled network."""
    return run(plan_of(network, origin=origin, events=[event(StopOriginating(origin, 0))], **options))


def r0(**changes: Any) -> SpeakerConfig:  # noqa: ANN401
    """Conventions R0, changed."""
    return replace(SpeakerConfig(mrai=M), **changes)


def counted(result: Result) -> tuple[int, int, int]:
    """T in ns, A, W; the run must have come to rest."""
    assert result.quiescent
    return result.time, result.announcements, result.withdrawals


def with_peers(plan: Plan, change: Callable[[int, PeerConfig], PeerConfig]) -> Plan:
    """``plan`` with every end of a session set anew; ``change`` is told the router and what it had."""
    wiring = plan.wiring
    peers = tuple(
        tuple(change(router, config) for config in configs) for router, configs in enumerate(wiring.peers)
    )
    return replace(plan, protocol=replace(plan.protocol, wiring=Wiring(peers, wiring.wires)))


def changes_at(result: Result, router: int, prefix: str = "203.0.113.0/24") -> list[tuple[int, bool]]:
    """(instant in ns, whether there is a route) for every change of ``prefix`` at ``router``."""
    return [
        (round(each["at_s"] * SECOND), each["as_path"] is not None)
        for each in result.emulation.recorder.trace
        if each["type"] == BEST_PATH and each["router"] == f"r{router}" and each["prefix"] == prefix
    ]
