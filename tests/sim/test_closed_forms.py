"""Further numbers that follow from the RFCs: what one event costs on networks small enough to work out.

Conventions of `labs`: every link takes D, no processing time unless said, MRAI
M per eBGP peer without jitter and none over iBGP, withdrawals bypass it, a
router also sends a route back to where it came from. T is exact to the
nanosecond, A and W are exact counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.config import Delay, MraiScope, WithdrawalRule
from emulator.bgp.wiring import wire
from emulator.timeline import (
    LinksDown,
    Originate,
    ResetSession,
    StopOriginating,
)
from emulator.units import MILLISECOND, SECOND

from labs import (
    D,
    M,
    Result,
    announce,
    changes_at,
    clique,
    counted,
    event,
    lab,
    line,
    plan_of,
    r0,
    ring,
    run,
    star,
    systems,
    withdraw,
)

if TYPE_CHECKING:
    from emulator.network.model import Network
    from emulator.scenario.plan import Plan

SIZES = range(3, 9)
FREE = r0(mrai=0)


def reflected(plan: Plan, clients: dict[int, set[int]]) -> Plan:
    """``plan`` with route reflectors."""
    wiring = wire(plan.network, {each: frozenset(its) for each, its in clients.items()})
    return replace(plan, protocol=replace(plan.protocol, wiring=wiring))


# Trees and rings ----------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("branches", [2, 3, 4])
def test_tree(branches: int, depth: int) -> None:
    """A tree has one way anywhere: T is its depth, and each link carries two messages, one an echo."""
    count = sum(branches**level for level in range(depth + 1))
    network = lab([((child - 1) // branches, child) for child in range(1, count)], count)
    assert counted(announce(network)) == (depth * D, 2 * (count - 1), 0)
    assert counted(withdraw(network)) == (depth * D, 0, 2 * (count - 1))


@pytest.mark.parametrize("n", [4, 6, 8, 10])
def test_even_ring_announce(n: int) -> None:
    """Both ways round arrive opposite at once; every router tells both neighbours."""
    assert counted(announce(ring(n))) == (n // 2 * D, 2 * n, 0)


@pytest.mark.parametrize("n", [4, 6, 8, 10])
def test_even_ring_withdraw(n: int) -> None:
    """N = 2m; r_m goes by r_(m-1), whose identifier is lower than r_(m+1)'s.

    The withdrawal goes round both ways. On the right, r_1 .. r_(m-1) have no
    other route (r_m's leads through themselves) and withdraw from both
    neighbours. On the left only r_(m+1) has one: r_m's, through the right half.
    It takes it at (m-1) D and says so; that goes down the left side after the
    withdrawals. r_m loses everything at m D, r_(m+1) therefore at (m+1) D, and
    this last withdrawal reaches r_(n-1) m-2 links further on: (n-1) D.

    A: r_(m+1) .. r_(n-1), 2 each: n - 2. W: 2 from r0 and 2 from every other
    router but r_(m+1) at first, 2 more from each of r_(m+1) .. r_(n-1): 3n - 4.
    """
    assert counted(withdraw(ring(n))) == ((n - 1) * D, n - 2, 3 * n - 4)


@pytest.mark.parametrize("n", [3, 5, 7, 9, 11])
def test_ring_link_cut(n: int) -> None:
    """N = 2m+1; the link r0 - r1 is cut, and both ends see it at once.

    The news that there is no way travels from r1 to r_m, (m-1) D, the first that
    knows one through the other half; that travels back: 2 (m-1) D. r1 has one
    neighbour left, the others two: A = 2m - 1, W = 2m - 3, none where r1 is r_m.
    """
    m = n // 2
    result = run(plan_of(ring(n), events=[event(LinksDown((0,)))]))
    assert counted(result) == (2 * (m - 1) * D, 2 * m - 1, max(0, 2 * m - 3))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("resets", [0, 1])
def test_line_session_reset(n: int, resets: int) -> None:
    """Session r0 - r1 is reset; the line beyond loses the route and gets it back.

    By r1, which calls again at once and has the higher identifier: Established
    at 4 D, r0 at 5 D, whose route is at r1 at 6 D and at the end n - 2 links
    later. By r0, r1 hears of it a link later, and so does everything else.
    """
    result = run(plan_of(line(n), config=FREE, events=[event(ResetSession((resets, 1 - resets)))]))
    assert counted(result) == ((n + 5 - resets) * D, 2 * (n - 1), 2 * (n - 2))


# MRAI ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("scope", [MraiScope.PEER, MraiScope.PREFIX])
def test_prefixes_that_share_a_timer(scope: MraiScope, count: int, n: int) -> None:
    """Prefix i is announced at i s on a line: with one timer a peer all but the first leave r0 at M.

    The timers further on were started a link later each and so expire just in
    time: the last prefix is everywhere at M + (n-1) D. With a timer a prefix,
    none waits. Either way every link carries every prefix twice.
    """
    events = [event(Originate(0, i), at=i * SECOND, index=i) for i in range(count)]
    config = r0(mrai_scope=scope)
    result = run(plan_of(line(n), config=config, prefixes=count, announced=False, events=events))
    waits = M - (count - 1) * SECOND if scope is MraiScope.PEER else 0
    assert result.quiescent
    assert result.time == waits + (n - 1) * D
    assert len(result.emulation.recorder.updates()["at_s"]) == 2 * count * (n - 1)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("rule", list(WithdrawalRule))
@pytest.mark.parametrize("has_company", [False, True])
def test_which_withdrawals_wait_on_a_line(rule: WithdrawalRule, n: int, has_company: bool) -> None:
    """Prefix 0 is announced at 0 and withdrawn at 2 s; at 1 s prefix 1 may be announced, held until M.

    RFC 4271 9.2.1.1 lets the withdrawal pass. Held with what is held (FRR), it
    waits only where prefix 1 does; under WRATE always. What waits reaches r1
    when r1's timer, a link younger, expires.
    """
    events = [event(Originate(0, 0))]
    if has_company:
        events.append(event(Originate(0, 1), at=SECOND, index=1))
    events.append(event(StopOriginating(0, 0), at=2 * SECOND, index=len(events)))
    config = r0(withdrawals=rule)
    result = run(plan_of(line(n), config=config, prefixes=2, announced=False, events=events))
    waits = rule is WithdrawalRule.WAIT or (rule is WithdrawalRule.WITH_PENDING and has_company)
    gone = (M if waits else 2 * SECOND) + (n - 1) * D
    assert changes_at(result, n - 1) == [((n - 1) * D, True), (gone, False)]


@pytest.mark.parametrize("n", SIZES)
def test_ghost_flushing_while_all_timers_run(n: int) -> None:
    """Clique, announced at 0, withdrawn at 1 s, M not over: with ghost flushing it takes two links.

    At 1 s + D everybody's next best path is longer than what it announced, and
    must wait: so everybody withdraws from all, r0 included. At 1 s + 2 D there is
    nothing left to choose from, and nobody ever announces: W = n (n-1).
    """
    events = [event(Originate(0, 0)), event(StopOriginating(0, 0), at=SECOND, index=1)]
    result = run(plan_of(clique(n), config=r0(ghost_flushing=True), announced=False, events=events))
    assert counted(result) == (2 * D, 0, n * (n - 1))


# Time that routers take -----------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("busy_ms", [1, 30])
def test_processing_delay_on_a_line(n: int, busy_ms: int) -> None:
    """Each of n - 1 routers takes p over the message: (n-1)(D + p); the operator's command costs nothing."""
    busy = busy_ms * MILLISECOND
    config = r0(processing_delay=Delay("constant", busy))
    assert counted(announce(line(n), config=config)) == ((n - 1) * (D + busy), 2 * (n - 1), 0)
    assert counted(withdraw(line(n), config=config)) == ((n - 1) * (D + busy), 0, 2 * (n - 1))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("batch_ms", [5, 50])
def test_batch_delay_on_a_line(n: int, batch_ms: int) -> None:
    """Every router, the origin too, collects for B before it decides: n B + (n-1) D."""
    batch = batch_ms * MILLISECOND
    config = r0(batch_delay=batch)
    assert counted(announce(line(n), config=config)) == (n * batch + (n - 1) * D, 2 * (n - 1), 0)
    assert counted(withdraw(line(n), config=config)) == (n * batch + (n - 1) * D, 0, 2 * (n - 1))


@pytest.mark.parametrize("leaves", [1, 2, 5])
def test_processing_delay_queues(leaves: int) -> None:
    """Each of k leaves announces a prefix: the centre is done with the j-th at D + j p.

    It sends it to all leaves at once, its own included, which take p each and
    get one every p: 2 D + (k+1) p for the last. Everything passes every link
    once, and back: 2 k^2.
    """
    busy = 20 * MILLISECOND
    config = r0(mrai=0, processing_delay=Delay("constant", busy))
    origins = tuple(Originate(1 + i, i) for i in range(leaves))
    plan = plan_of(
        star(leaves + 1), config=config, prefixes=leaves, announced=False, events=[event(*origins)]
    )
    result = run(plan)
    last = 2 * D + (leaves + 1) * busy if leaves > 1 else D + busy
    assert counted(result) == (last, 2 * leaves * leaves, 0)


# Inside an AS -----------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
def test_full_mesh_of_a_line(n: int) -> None:
    """AS 1 is a line of n, r0 at its end: iBGP crosses it in one message a router.

    r0 to r1 and its echo, r1 to the n - 1 others, the last of which is n - 1 links away.
    """
    network = systems([0] + [1] * n, [(i, i + 1) for i in range(n)])
    assert counted(announce(network)) == (n * D, n + 1, 0)
    assert counted(withdraw(network)) == (n * D, 0, n + 1)


@pytest.mark.parametrize("n", SIZES)
def test_full_mesh_with_customers(n: int) -> None:
    """AS 1 is a clique of n, each with a leaf AS of its own, one of which announces.

    Leaf to border and back: 2; to the other n - 1 routers, each of which tells
    its leaf and hears the echo: 3 (n-1). Three links.
    """
    members = [1] * n + list(range(2, n + 2))
    edges = [(i, j) for i in range(n) for j in range(i + 1, n)] + [(i, n + i) for i in range(n)]
    network = systems(members, edges)
    assert counted(announce(network, origin=n)) == (3 * D, 3 * n - 1, 0)
    assert counted(withdraw(network, origin=n)) == (3 * D, 0, 3 * n - 1)


def hub(k: int, exits: int = 1) -> Network:
    """AS 1: clients r1 .. rk, each joined to r(k+1); r0 of AS 0 is at the first ``exits`` of them."""
    edges = [(0, i) for i in range(1, exits + 1)] + [(i, k + 1) for i in range(1, k + 1)]
    return systems([0] + [1] * (k + 1), edges)


def by_hub(k: int, exits: int, *, is_reflecting: bool, **options: Any) -> Result:  # noqa: ANN401
    """Run an event on the hub, with iBGP through a reflector or in a full mesh."""
    plan = plan_of(hub(k, exits), config=FREE, **options)
    return run(reflected(plan, {k + 1: set(range(1, k + 1))}) if is_reflecting else plan)


@pytest.mark.parametrize("k", [2, 3, 6])
@pytest.mark.parametrize("is_reflecting", [False, True])
def test_star_of_clients(k: int, is_reflecting: bool) -> None:
    """One exit: k + 2 messages and three links, with k sessions as with k (k+1) / 2.

    2 outside. In the mesh r1 tells the k others; with a reflector (RFC 4456) r1
    tells it, and it the k - 1 other clients.
    """
    up = by_hub(k, 1, is_reflecting=is_reflecting, announced=False, events=[event(Originate(0, 0))])
    down = by_hub(k, 1, is_reflecting=is_reflecting, events=[event(StopOriginating(0, 0))])
    assert counted(up) == (3 * D, k + 2, 0)
    assert counted(down) == (3 * D, 0, k + 2)
    sessions = len(up.emulation.plan.wiring.wires) - 1
    assert sessions == (k if is_reflecting else k * (k + 1) // 2)


@pytest.mark.parametrize("k", [3, 4, 6])
@pytest.mark.parametrize("is_reflecting", [False, True])
def test_star_of_clients_with_two_exits(k: int, is_reflecting: bool) -> None:
    """4 outside. The mesh tells all of both exits, the reflector of the better one: 2k against k + 1."""
    up = by_hub(k, 2, is_reflecting=is_reflecting, announced=False, events=[event(Originate(0, 0))])
    assert counted(up) == (3 * D, 4 + (k + 1 if is_reflecting else 2 * k), 0)


@pytest.mark.parametrize("k", [3, 4, 6])
@pytest.mark.parametrize("is_reflecting", [False, True])
def test_lost_exit_with_and_without_a_reflector(k: int, is_reflecting: bool) -> None:
    """r1's link to r0 is cut; r2 has one too. All are back on a route two links later.

    In the mesh everybody knows r2's route: r1 withdraws its own from the k others.
    The reflector had hidden it: r1's withdrawal reaches it at D, it tells
    all clients but r2 of r2's route and takes r1's back from r2: A = k - 1, W = 2,
    and r1 has no route for two links. With the mesh it has one at once.
    """
    result = by_hub(k, 2, is_reflecting=is_reflecting, events=[event(LinksDown((0,)))])
    assert counted(result) == ((2 * D, k - 1, 2) if is_reflecting else (2 * D, 0, k))
    lost = [(0, False), (2 * D, True)] if is_reflecting else [(0, True)]
    assert changes_at(result, 1) == lost


@pytest.mark.parametrize("clusters", [2, 3, 4])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_clusters(clusters: int, k: int) -> None:
    """M reflectors in a full mesh with k clients each; the route comes in at a client.

    2 outside, 1 up, k - 1 to the cluster's other clients, m - 1 to the other
    reflectors, (m-1) k to their clients: m (k+1) + 1, in four links.
    """
    m = clusters
    reflectors = range(1, m + 1)
    clients = {r: set(range(m + 1 + (r - 1) * k, m + 1 + r * k)) for r in reflectors}
    edges = [(i, j) for i in reflectors for j in range(i + 1, m + 1)]
    edges += [(r, each) for r in reflectors for each in sorted(clients[r])]
    network = systems([0] + [1] * (m + m * k), [(0, m + 1), *edges])
    up = plan_of(network, announced=False, events=[event(Originate(0, 0))])
    down = plan_of(network, events=[event(StopOriginating(0, 0))])
    assert counted(run(reflected(up, clients))) == (4 * D, m * (k + 1) + 1, 0)
    assert counted(run(reflected(down, clients))) == (4 * D, 0, m * (k + 1) + 1)


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("is_one_cluster", [False, True])
def test_redundant_reflectors(k: int, is_one_cluster: bool) -> None:
    """Two reflectors, each with the same k clients, one of which has the exit.

    Announced: 2 outside, 1 to each reflector, and each tells k - 1 clients and
    the other one: 2k + 4 in three links. Withdrawn, the same in one cluster: what
    the other reflector sent carries their CLUSTER_ID and had been refused. In
    two clusters each reflector falls back on the other's copy of the route: it
    tells all k clients (the exit's knows itself as ORIGINATOR_ID) and
    withdraws from the other reflector; a link later it has to take that back from
    k clients: A = 2k, W = 2k + 6, and the last clients know at 4 D.
    """
    one, two = k + 1, k + 2
    clients = {each: set(range(1, k + 1)) for each in (one, two)}
    edges = [(0, 1), (one, two)] + [(each, i) for each in (one, two) for i in range(1, k + 1)]
    network = systems([0] + [1] * (k + 2), edges)
    config = r0(cluster_id=9) if is_one_cluster else r0()
    up = plan_of(network, config=config, announced=False, events=[event(Originate(0, 0))])
    down = plan_of(network, config=config, events=[event(StopOriginating(0, 0))])
    assert counted(run(reflected(up, clients))) == (3 * D, 2 * k + 4, 0)
    expected = (3 * D, 0, 2 * k + 4) if is_one_cluster else (4 * D, 2 * k, 2 * k + 6)
    assert counted(run(reflected(down, clients))) == expected
