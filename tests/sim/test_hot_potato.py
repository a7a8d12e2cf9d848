r"""A cable cut inside a provider moves its egress, and with it the site that its clients reach.

The provider is AS 1, r1 to r5; the CDN's POPs A and B are r6 and r7, islands
that share AS 2; the clients sit behind r0. Every link takes 10 ms, except that
r1 - r4 takes 15 ms; the numbers are IGP costs:

    r0 --- r1 -1- r2 -1- r3 --- r6 (A)
             \            |
              2           10
               \          |
                r4 -2--- r5 --- r7 (B)

Both exits are equal but for the interior cost: from r1 it is 2 to r3, 4 to r5.
"""

from __future__ import annotations

from dataclasses import replace

from emulator.forwarding.history import Fate
from emulator.igp import IgpConfig
from emulator.network.model import ClientGroup, Network, Pop
from emulator.timeline import LinksDown, Originate, RoutersDown
from emulator.units import MILLISECOND, SECOND

from labs import event, plan_of, run, systems

IGP = IgpConfig(
    detection=10 * MILLISECOND,
    flood_processing=1 * MILLISECOND,
    spf_initial=50 * MILLISECOND,
    fib_install=40 * MILLISECOND,
)
INSTALL = 30 * MILLISECOND
"""Of a BGP route into the FIB."""
CUT = SECOND
R1_R2, R2_R3 = 1, 2
EDGES = [(0, 1), (1, 2, 1), (2, 3, 1), (3, 6), (1, 4, 2), (4, 5, 2), (5, 7), (3, 5, 10)]
A, B = 0, 1


def provider() -> Network:
    """The picture above."""
    network = systems([0, 1, 1, 1, 1, 1, 2, 2], EDGES)
    links = [replace(link, delay=15 * MILLISECOND) if link.index == 4 else link for link in network.links]
    return replace(
        network,
        links=tuple(links),
        pops=(Pop(A, "A", "Ayr", 6), Pop(B, "B", "Bam", 7)),
        groups=(ClientGroup(0, "clients", 0, 65000, "Cork", "IE", 1.0, 0),),
    )


Step = tuple[float, Fate, int, float, list[str]]


def story(*cuts: int, pops: tuple[int, ...] = (6, 7), outage: int | None = None) -> list[Step]:
    """What became of the clients' packets: (ms after the event, fate, POP, one-way ms, routers passed)."""
    network = provider()
    action = LinksDown(cuts) if outage is None else RoutersDown((outage,))
    plan = plan_of(
        network, events=[event(action, at=CUT)], igp=IGP, fib_install_delay=INSTALL, origin=pops[0]
    )
    result = run(replace(plan, originations=tuple(Originate(pop, 0) for pop in pops), duration=60 * SECOND))
    assert result.quiescent
    timeline = result.history.timelines[0, 0]
    steps = []
    for start, index in zip(timeline.starts.tolist(), timeline.states.tolist(), strict=True):
        state = result.history.states[index]
        passed = [network.links[crossed // 2].ends[1 - crossed % 2] for crossed in state.links]
        since = max(start - CUT, -CUT) / MILLISECOND
        way = " ".join(f"r{router}" for router in passed)
        steps.append((since, state.fate, state.pop, state.one_way / MILLISECOND, way))
    return steps


def test_a_cut_moves_the_egress() -> None:
    """Link r2 - r3 is cut; r3 can still be reached, but r5 is nearer now: A's clients move to B.

    r2 notices after 10 ms (detection) and runs SPF 50 ms later. BGP looks again
    at its routes, chooses r5 and installs it 30 ms later: at 90 ms. r1 hears of
    it a link (10 ms) and 1 ms of processing after r2 noticed, so it is 11 ms
    behind: at 101 ms. Between the two r2 sends back to r1, which still sends to
    r2. From then on packets go by r4 and r5: 10 + 15 + 10 + 10 ms.
    """
    assert story(R2_R3) == [
        (-1000, Fate.DELIVERED, A, 40, "r1 r2 r3 r6"),
        (0, Fate.BLACKHOLE, -1, 0, "r1 r2"),
        (90, Fate.LOOP, -1, 0, "r1 r2 r1"),
        (101, Fate.DELIVERED, B, 45, "r1 r4 r5 r7"),
    ]


def test_the_router_at_the_cut_moves_at_once() -> None:
    """Link r1 - r2 is cut, at r1 itself: dark for detection + SPF + install, 10 + 50 + 30 ms, and no loop."""
    assert story(R1_R2) == [
        (-1000, Fate.DELIVERED, A, 40, "r1 r2 r3 r6"),
        (0, Fate.BLACKHOLE, -1, 0, "r1"),
        (90, Fate.DELIVERED, B, 45, "r1 r4 r5 r7"),
    ]


def test_the_same_egress_by_another_way() -> None:
    """With A alone the exit stays r3, and only the IGP's FIBs change: two micro-loops, one after the other.

    r2 installs at 10 + 50 + 40 = 100 ms and sends back to r1. r1, 11 ms later,
    sends to r4, which thinks that the way to r3 leads back by r1. It heard of
    the cut from the other side, from r3 over r5: 10 + 2 x (10 + 1) = 32 ms, and
    so installs at 122 ms. r5, 11 ms before it, does not go back to r4 any more.
    """
    assert story(R2_R3, pops=(6,)) == [
        (-1000, Fate.DELIVERED, A, 40, "r1 r2 r3 r6"),
        (0, Fate.BLACKHOLE, -1, 0, "r1 r2"),
        (100, Fate.LOOP, -1, 0, "r1 r2 r1"),
        (111, Fate.LOOP, -1, 0, "r1 r4 r1"),
        (122, Fate.DELIVERED, A, 55, "r1 r4 r5 r3 r6"),
    ]


def test_death_of_the_exit_router() -> None:
    """r3 dies, and no iBGP session tells of it sooner than the IGP: as for a cut, r2 at 90 ms, r1 at 101."""
    assert story(outage=3) == [
        (-1000, Fate.DELIVERED, A, 40, "r1 r2 r3 r6"),
        (0, Fate.BLACKHOLE, -1, 0, "r1 r2"),
        (90, Fate.LOOP, -1, 0, "r1 r2 r1"),
        (101, Fate.DELIVERED, B, 45, "r1 r4 r5 r7"),
    ]


def test_death_of_the_pop_is_bgps_business() -> None:
    """POP A dies: r3's session falls at once (interface), its withdrawal needs 20 ms to r1, install 30 ms.

    r3 itself moves to the exit r5 after 30 ms and r5 is reached by r3 - r5 or by
    r2: 10 against 6, so by r2, which still sends to r3 until its own withdrawal
    (10 ms) is installed at 40 ms.
    """
    assert story(outage=6) == [
        (-1000, Fate.DELIVERED, A, 40, "r1 r2 r3 r6"),
        (0, Fate.BLACKHOLE, -1, 0, "r1 r2 r3"),
        (30, Fate.LOOP, -1, 0, "r1 r2 r3 r2"),
        (40, Fate.LOOP, -1, 0, "r1 r2 r1"),
        (50, Fate.DELIVERED, B, 45, "r1 r4 r5 r7"),
    ]
