"""With nothing broken: the published amount of anycast detour, and what choosing a provider is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from library import run

if TYPE_CHECKING:
    from library import Run

pytestmark = pytest.mark.slow


def rtts(result: Run) -> tuple[np.ndarray, np.ndarray]:
    """Path RTT of each group by plain anycast, and by each provider's address (groups x providers), ms."""
    shared = np.array([path["rtt_ms"] for path in result.paths("shared", 0)])
    providers = np.array(
        [[path["rtt_ms"] for path in result.paths(name, 0)] for name in result.provider_addresses()]
    ).T
    return shared, providers


def test_choosing_the_best_provider_gains_over_a_quarter_for_about_three_groups_in_ten() -> None:
    """Edgecast (2019): over 25 % better for about 30 % of client groups."""
    shared, providers = rtts(run("steady-state"))
    gains = np.nanmin(providers, axis=1) < 0.75 * shared

    assert 0.18 <= gains.mean() <= 0.42


def test_anycast_is_neither_always_right_nor_hopeless() -> None:
    """Bing (2015) 20 %, Microsoft's CDN (2021) 35 % of clients away from their best site."""
    result = run("steady-state")
    shared, providers = rtts(result)
    weight = np.array([group.weight for group in result.plan.network.groups])
    away = np.minimum(np.nanmin(providers, axis=1), shared) < shared - 1.0

    assert 0.2 <= weight[away].sum() / weight.sum() <= 0.6


def test_biased_shares_beat_the_nominal_mix_and_lose_to_all_in_while_capacity_is_plenty() -> None:
    """Models: a positive sum of share times WAN shifts the distribution down, all of it with enough bias."""
    rtt = {name: found["rtt_ms"]["before"] for name, found in run("steady-state").strategies.items()}

    for quantile in ("p50", "p90", "p99"):
        assert rtt["all-in"][quantile] < rtt["ipa"][quantile] < rtt["nominal"][quantile]
    assert rtt["ipa"]["p50"] < 0.8 * rtt["nominal"]["p50"]


def test_ipa_does_not_halve_everyones_rtt() -> None:
    """A world where it did would be a wrong one."""
    rtt = {name: found["rtt_ms"]["before"] for name, found in run("steady-state").strategies.items()}

    assert rtt["all-in"]["p50"] > 0.6 * rtt["anycast"]["p50"]


def test_nothing_goes_wrong_when_nothing_breaks() -> None:
    """No request is lost, slow or reset."""
    for found in run("steady-state").strategies.values():
        assert (found["lost_requests"]["count"], found["slow_requests"]["count"], found["resets"]) == (
            0,
            0,
            0,
        )
