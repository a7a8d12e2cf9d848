"""The table of failures: what each strategy must and must not survive, on the scenario library.

An emulator where IPA wins every row, or loses every row, is wrong; each claim
has a margin that a wrong model would miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from library import run, run_changed

if TYPE_CHECKING:
    from library import Run

pytestmark = pytest.mark.slow

FAULT = 60.0
DETECTION_S = (3 - 1) * 10 + 2, 3 * 10 + 2
"""Health checks of 10 s, 3 failures, 2 s timeout: detection lies in [(k-1)h, kh] + u."""
TTL_S = 30.0


def affected(result: Run, strategy: str) -> np.ndarray:
    """Groups that lost or delayed over half of their requests in the ten seconds after the fault."""
    soon = result.requests(strategy, start=FAULT + 1, end=FAULT + 11)
    with np.errstate(invalid="ignore"):
        return (soon["lost"] + soon["slow"]) / soon["requests"] > 0.5


def bad_share(result: Run, strategy: str, groups: np.ndarray, start: float, end: float) -> float:
    """Share of lost or slow requests of ``groups`` that started in [start, end)."""
    counts = result.requests(strategy, start=start, end=end)
    return float((counts["lost"] + counts["slow"])[groups].sum() / counts["requests"][groups].sum())


# One POP dies ---------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["anycast", "ipa", "ipa-cover"])
def test_when_a_pop_dies_bgp_moves_its_clients_within_seconds(strategy: str) -> None:
    """Nothing is lost, all affected groups are back within 10 s, nobody is served there meanwhile."""
    result = run("pop-outage")
    metrics = result.strategies[strategy]

    assert metrics["service_reconvergence_s"]["affected_groups"] > 0
    assert metrics["service_reconvergence_s"]["censored"] == 0
    assert 0.5 < metrics["service_reconvergence_s"]["max"] < 10
    assert metrics["lost_requests"]["share"] < 1e-5


def test_the_dead_pop_serves_nobody_until_it_is_back() -> None:
    """Paths lead to Frankfurt before the outage and after its repair, and never during it."""
    result = run("pop-outage")
    frankfurt = next(pop.index for pop in result.plan.network.pops if pop.code == "FRA")

    def served(at: float) -> int:
        return sum(path["pop"] == frankfurt for path in result.paths("shared", at))

    assert served(FAULT - 1) > 0
    assert served(FAULT + 30) == 0
    assert served(FAULT + 600 + 60) == served(FAULT - 1)


# One session of p dies -------------------------------------------------------------


@pytest.fixture(scope="module")
def session_down() -> tuple[Run, int]:
    """Arelion loses its session at one POP: the one where its address serves most clients."""
    steady = run("steady-state")
    paths = steady.paths("AS1299", 0)
    pops = [path["pop"] for path in paths if path["state"] == "delivered"]
    busiest = steady.plan.network.pops[int(np.bincount(pops).argmax())]
    withdrawn = f"{{at: 1min, withdraw: {{provider: 1299, pop: {busiest.code}}}}}"
    return run_changed(
        "provider-withdrawn", ("{at: 1min, withdraw: {provider: 3356}}", withdrawn)
    ), busiest.index


def test_other_providers_hold_the_pop_of_a_lost_session(session_down: tuple[Run, int]) -> None:
    """Plain anycast still serves clients at that POP, through others, and loses nothing."""
    result, pop = session_down
    after = [path["pop"] for path in result.paths("shared", 700)]

    assert pop in after
    assert result.strategies["anycast"]["lost_requests"]["count"] == 0


def test_a_providers_address_moves_to_another_of_its_pops(session_down: tuple[Run, int]) -> None:
    """Clients of the address at the lost POP are delivered elsewhere by the same provider, further away."""
    result, pop = session_down
    before, after = result.paths("AS1299", FAULT - 1), result.paths("AS1299", FAULT + 120)
    moved = [group for group, path in enumerate(before) if path["pop"] == pop]
    jump = [after[group]["rtt_ms"] - before[group]["rtt_ms"] for group in moved]

    assert len(moved) >= 3
    assert all(after[group]["state"] == "delivered" for group in moved)
    assert all(after[group]["pop"] != pop for group in moved)
    assert np.median(jump) > 1.0
    assert max(jump) > 3.0
    assert result.strategies["ipa"]["lost_requests"]["count"] == 0


# p withdrawn everywhere --------------------------------------------------------------


def test_anycast_fails_over_by_bgp_when_a_provider_is_withdrawn() -> None:
    """Path hunting over a few ASes: all back in under a minute, nothing lost."""
    found = run("provider-withdrawn").strategies["anycast"]

    assert found["lost_requests"]["count"] == 0
    assert found["service_reconvergence_s"]["affected_groups"] > 0
    assert 0 < found["service_reconvergence_s"]["max"] < 60


def test_without_a_cover_a_withdrawn_provider_is_dark_until_health_check_and_ttl() -> None:
    """Half of the groups recover no sooner than detection, all within detection, TTL and its violators."""
    found = run("provider-withdrawn").strategies["ipa"]["service_reconvergence_s"]

    assert found["affected_groups"] > 50
    assert DETECTION_S[0] < found["p50"] < DETECTION_S[1] + TTL_S
    assert found["max"] < DETECTION_S[1] + 3 * TTL_S + 10
    assert found["censored"] == 0


def test_a_cover_catches_a_withdrawn_provider_sooner_than_dns_does() -> None:
    """Longest-prefix match falls to the cover once the specific is hunted away: seconds, not a minute."""
    strategies = run("provider-withdrawn").strategies
    cover, none = strategies["ipa-cover"], strategies["ipa"]

    assert cover["service_reconvergence_s"]["p50"] < none["service_reconvergence_s"]["p50"] / 10
    assert cover["service_reconvergence_s"]["max"] < 60
    assert cover["slow_requests"]["count"] < none["slow_requests"]["count"] / 5
    assert cover["service_reconvergence_s"]["p50"] >= strategies["anycast"]["service_reconvergence_s"]["p50"]


# p blackholes but stays in BGP ---------------------------------------------------------


def test_anycast_never_recovers_from_a_blackhole() -> None:
    """Affected groups lose over half of their requests until the end, and none is back."""
    result = run("provider-blackhole")
    groups = affected(result, "anycast")
    found = result.strategies["anycast"]["service_reconvergence_s"]
    counts = result.requests("anycast", start=FAULT)

    assert groups.sum() >= 5
    assert (counts["lost"][groups] / counts["requests"][groups] > 0.5).all()
    assert found["censored"] == found["affected_groups"]
    assert bad_share(result, "anycast", groups, 600, 700) > 0.99


@pytest.mark.parametrize("strategy", ["ipa", "ipa-cover"])
def test_ipa_recovers_from_a_blackhole_by_health_checks(strategy: str) -> None:
    """All but the groups whose every route leads through it are back within detection + TTL + slack.

    A cover does not help: the specific route is still there.
    """
    result = run("provider-blackhole")
    found = result.strategies[strategy]["service_reconvergence_s"]
    captive = np.array(
        [
            all(result.paths(address, 400)[group]["state"] != "delivered" for address in addresses)
            for group in range(len(result.plan.network.groups))
            if (addresses := result.provider_addresses())
        ]
    )
    free = ~captive

    assert 0 < captive.sum() < 0.1 * len(captive)
    assert found["censored"] == captive.sum()
    assert DETECTION_S[0] < found["p50"] < DETECTION_S[1] + TTL_S
    assert bad_share(result, strategy, free, FAULT + 1, FAULT + 15) > 0.05
    assert bad_share(result, strategy, free, FAULT + DETECTION_S[1] + 3 * TTL_S + 10, 700) == 0


def test_steering_around_a_blackhole_cannot_save_a_client_whose_own_routes_lead_into_it() -> None:
    """IPA loses where it must: captive groups lose as much as under plain anycast."""
    result = run("provider-blackhole")
    censored = result.record.tables["reconvergence"]
    rows = zip(censored["strategy"], censored["group"], censored["censored"], strict=True)
    dark = {name: set() for name in ("anycast", "ipa", "ipa-cover")}
    for strategy, group, is_censored in rows:
        if is_censored:
            dark[strategy].add(group)

    assert dark["ipa"]
    assert dark["ipa"] <= dark["anycast"]
    assert dark["ipa"] == dark["ipa-cover"]


# p gets worse but stays ---------------------------------------------------------------


def test_a_degraded_provider_loses_share_and_its_wins() -> None:
    """Its WAN falls, its share of the answers with it, and the rest of the shares grow."""
    result = run("provider-degraded")
    share = result.strategies["ipa"]["address_share"]["Lumen"]
    steering = result.record.tables["steering"]
    rows = list(
        zip(steering["strategy"], steering["second"], steering["address"], steering["wan"], strict=True)
    )

    def wan(start: float, end: float) -> float:
        return float(np.mean([w for s, t, a, w in rows if s == "ipa" and a == "Lumen" and start <= t < end]))

    assert share["during"] < 0.6 * share["before"]
    assert wan(300, 700) < wan(0, 120) - 15


def test_under_anycast_a_degraded_provider_hurts_until_it_is_repaired() -> None:
    """The groups behind it keep their added delay; IPA takes most of its own clients off it."""
    result = run("provider-degraded")
    before = result.requests("anycast", start=30, end=120)
    during = result.requests("anycast", start=400, end=700)
    after = result.requests("anycast", start=800)
    hurt = during["rtt_ms"] > before["rtt_ms"] + 60

    assert hurt.sum() >= 5
    assert np.abs(after["rtt_ms"] - before["rtt_ms"])[hurt].max() < 5
    assert (
        result.strategies["ipa"]["slow_requests"]["share"]
        < result.strategies["anycast"]["slow_requests"]["share"]
    )
