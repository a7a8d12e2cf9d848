"""Presets of real routers, held against what such routers were measured to do.

A stub in AS 65000 behind AS 65001, which is in a full mesh of n ASes; the stub
announces one prefix (Tup) or withdraws it (Tdown). Measured with FRR 8.4.4 in
network namespaces, n = 3..6, advertisement-interval 0, 1 and 5 s, 27 runs: the
counts below exactly, the times to within 36 ms.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.config import SpeakerConfig, WithdrawalRule
from emulator.bgp.presets import PRESETS, preset
from emulator.timeline import Originate, StopOriginating
from emulator.units import MILLISECOND, SECOND

from labs import D, Result, announce, event, lab, line, plan_of, run, withdraw

if TYPE_CHECKING:
    from emulator.network.model import Network

LINK = MILLISECOND
BATCH = 50 * MILLISECOND


def mesh(n: int) -> Network:
    """Router 0 is the stub, at router 1 of a clique of ``n``."""
    edges = [(0, 1)] + [(i, j) for i in range(1, n + 1) for j in range(i + 1, n + 1)]
    return lab(edges, n + 1, delay=LINK)


def like(name: str, **changes: Any) -> SpeakerConfig:  # noqa: ANN401
    """The preset of a system that is told to let everything pass."""
    return replace(preset(name).speaker, require_policy=False, **changes)


STUB = like("bird")


def frr(mrai: int, **changes: Any) -> SpeakerConfig:  # noqa: ANN401
    """FRR with an advertisement interval in seconds, and seconds that begin with the event."""
    return like("frr", mrai=mrai * SECOND, mrai_clock_phase=0, **changes)


def counted(result: Result) -> tuple[int, int, int]:
    """T in ns, A, W; the run must have come to rest."""
    assert result.quiescent
    return result.time, result.announcements, result.withdrawals


@pytest.mark.parametrize("mrai", [0, 1, 5])
@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_frr_clique_withdraw(n: int, mrai: int) -> None:
    """(n-3) intervals and n batches; A = (n-1)(n(n-1)/2 - 1), W = 1 + n + (n-1)^2.

    A batch later than its first message every AS decides, all in step. In
    each round all that still have a route move to an equally long one and one
    AS drops out; it takes n batches and as many links until the last has. The
    withdrawals of a round leave at once, the announcements of all but the
    first wait for the interval. Everybody withdraws once from each of its
    peers: the stub 1, AS 65001 n (the stub included), the others n - 1 each.
    """
    result = withdraw(mesh(n), configs=(STUB, *[frr(mrai)] * n))
    time = (n - 3) * mrai * SECOND + n * (BATCH + LINK)
    assert counted(result) == (time, (n - 1) * (n * (n - 1) // 2 - 1), 1 + n + (n - 1) ** 2)


@pytest.mark.parametrize(
    ("into_second_ms", "sooner", "announcements"),
    [
        (600, 0, 70),
        *((at, 0, 65) for at in (675, 690)),
        *((at, 1, 65) for at in (700, 712, 725, 737, 750, 762, 775, 787)),
        *((at, 1, 70) for at in (800, 812, 825, 837)),
        *((at, 0, 70) for at in (850, 862, 875)),
    ],
)
def test_frr_clique_withdraw_within_a_second(into_second_ms: int, sooner: int, announcements: int) -> None:
    """Measured for n = 6 and 2 s with the withdrawal so late in a second of the clock that all share.

    A second that begins between two batches shortens the wait that begins with
    the later one; and a wait that has begun, when what it holds is replaced:
    by its whole seconds it is due when MRAI is. Then one AS is ahead.
    """
    config = replace(frr(2), mrai_clock_phase=into_second_ms * MILLISECOND)
    network = mesh(6)
    fast = replace(network, links=tuple(replace(link, delay=0) for link in network.links))
    result = withdraw(fast, configs=(config,) * 7)
    time = 3 * (2 * SECOND) + 7 * BATCH - sooner * SECOND
    assert counted(result) == (time, announcements, 32)


@pytest.mark.parametrize("mrai", [0, 5])
@pytest.mark.parametrize(("n", "updates"), [(3, 8), (4, 14), (5, 22), (6, 32)])
def test_frr_clique_announce(n: int, updates: int, mrai: int) -> None:
    """Two batches: AS 65001 and all others, each of which tells all its peers: 1 + n + (n-1)^2."""
    result = announce(mesh(n), configs=(STUB, *[frr(mrai)] * n))
    assert counted(result) == (2 * (BATCH + LINK), updates, 0)
    assert updates == 1 + n + (n - 1) ** 2


@pytest.mark.parametrize("n", [3, 4, 5])
def test_ideal_bird_forgets_in_n_links(n: int) -> None:
    """Measured with 10 ms links and without Nagle's delays: 30.6, 41.2 and 52 ms.

    Nothing waits, so a path of k ASes is gone after k links: the longest, of
    all n ASes, after n.
    """
    network = mesh(n)
    slow = replace(network, links=tuple(replace(link, delay=D) for link in network.links))
    result = withdraw(slow, config=like("bird"))
    assert result.quiescent
    assert result.time == n * D


@pytest.mark.parametrize(
    ("after_ms", "gap_ms"),
    [(300, 4300), (1200, 4200), (1900, 4900), (2700, 3700), (3400, 3400), (3900, 3900)],
)
def test_frr_clock_ticks(after_ms: int, gap_ms: int) -> None:
    """Measured with an interval of 4 s: gaps of 4.30, 4.20, 4.90, 3.70, 3.40 and 3.90 s.

    Between the UPDATEs of a change and of another one so long after it. The
    interval is shortened by the seconds that have begun since the last UPDATE:
    where that was 0.6 s into one, 3.4 s later four have.
    """
    config = frr(4, batch_delay=0, first_advertisement_delay=0)
    into_second = 600 if after_ms in (2700, 3400, 3900) else 0
    config = replace(config, mrai_clock_phase=into_second * MILLISECOND)
    result = run(
        plan_of(
            line(2),
            config=config,
            prefixes=2,
            announced=False,
            events=[
                event(Originate(0, 0)),
                event(Originate(0, 1), at=after_ms * MILLISECOND, index=1),
            ],
        )
    )
    sent = result.emulation.recorder.updates()
    own = [round(at * 1000) for at, sender in zip(sent["at_s"], sent["sender"], strict=True) if sender == 0]
    assert own == [0, gap_ms]


def test_frr_withdrawal_waits_with_an_announcement() -> None:
    """Measured, interval 4 s: withdrawn in mid-interval leaves at once, but not while something is held.

    Prefix 0 leaves at 0. Prefix 1 at 1 s is held until 4 s (one whole second
    has passed of 4, from 1 s on three are left). Prefix 0, withdrawn at 2 s,
    leaves with it. Withdrawn at 9 s with nothing held, prefix 1 leaves at once,
    and starts the interval: announced anew at 10 s it goes at 13 s.
    """
    config = frr(4, batch_delay=0)
    changes = [
        (0, Originate(0, 0)),
        (1, Originate(0, 1)),
        (2, StopOriginating(0, 0)),
        (9, StopOriginating(0, 1)),
        (10, Originate(0, 1)),
    ]
    result = run(
        plan_of(
            line(2),
            configs=(config, STUB),
            prefixes=2,
            announced=False,
            events=[event(it, at=at * SECOND, index=i) for i, (at, it) in enumerate(changes)],
        )
    )
    sent = result.emulation.recorder.updates()
    rows = zip(sent["at_s"], sent["sender"], sent["prefix"], sent["withdrawal"], strict=True)
    own = [(at, prefix[6:9], gone) for at, sender, prefix, gone in rows if sender == 0]
    assert own == [
        (0.0, "113", False),
        (4.0, "114", False),
        (4.0, "113", True),
        (9.0, "114", True),
        (13.0, "114", False),
    ]


def test_echoes() -> None:
    """FRR tells an AS its own route, also where that is its only peer; BIRD, GoBGP and OpenBGPD never do.

    Line of three, the first announces: towards it goes what the second heard
    from it, towards the second what the third did.
    """
    heard = {
        name: announce(line(3), configs=(like("bird"), *[like(name, batch_delay=0)] * 2)).announcements
        for name in PRESETS
    }
    assert heard["frr"] == 4
    assert {heard[name] for name in ("bird", "gobgp", "openbgpd", "junos")} == {2}


def test_gobgp_never_sends_to_an_as_in_the_path() -> None:
    """Clique of 4: the three others hear from the origin, and tell each other, never the origin."""
    result = announce(mesh(4), config=like("gobgp"))
    assert counted(result)[1:] == (1 + 3 + 3 * 2, 0)


def test_every_preset_is_named_and_dated() -> None:
    """Each names the version it describes, and only FRR holds withdrawals back."""
    assert sorted(PRESETS) == ["bird", "frr", "gobgp", "ios", "junos", "openbgpd"]
    assert all(each.version for each in PRESETS.values())
    holding = [name for name, each in PRESETS.items() if each.speaker.withdrawals is not WithdrawalRule.FREE]
    assert holding == ["frr"]
