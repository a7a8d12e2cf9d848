"""Real cables with real dates: what got longer, what went dark, what did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.igp import Area
from emulator.network.model import Kind
from emulator.timeline import LinksDown

from library import run

if TYPE_CHECKING:
    from library import Run

pytestmark = pytest.mark.slow


def cut_links(result: Run) -> set[int]:
    """Every link that the timeline severs."""
    actions = [action for event in result.plan.timeline for action in event.actions]
    return {link for action in actions if isinstance(action, LinksDown) for link in action.links}


def backbone_delays(result: Run, ends: list[tuple[str, str]]) -> list[tuple[float, float | None]]:
    """RTT (ms) before and after the cuts of each transit network between two of its cities; None: parted."""
    network, cut = result.plan.network, cut_links(result)
    found = []
    for system in network.systems:
        if system.kind is not Kind.TRANSIT:
            continue
        at = {network.routers[router].city: router for router in network.routers_of[system.asn]}
        area = Area(network, system.asn)
        whole = (1 << len(area.links)) - 1
        left = whole & ~sum(bit for link, bit in area.bit_of.items() if link in cut)
        for first, second in ends:
            if first in at and second in at:
                before = area.spf(at[first], whole).delay[at[second]]
                after = area.spf(at[first], left).delay.get(at[second])
                found.append((2e-6 * before, None if after is None else 2e-6 * after))
    return found


def rtts(result: Run, address: str, at_s: float) -> np.ndarray:
    """Path RTT of each group, NaN where nothing is delivered."""
    return np.array([path["rtt_ms"] for path in result.paths(address, at_s)])


# Baltic Sea ------------------------------------------------------------------------


def test_baltic_some_paths_get_longer_and_nothing_is_lost() -> None:
    """Measured: 20 to 30 % of the paths Finland - Germany, no extra loss. Margin: 15 to 45 %."""
    result = run("baltic-2024")
    pairs = backbone_delays(result, [("Helsinki", "Frankfurt"), ("Helsinki", "Hamburg")])
    longer = [after is not None and after > before + 0.5 for before, after in pairs]

    assert len(pairs) >= 6
    assert 0.15 <= np.mean(longer) <= 0.45
    assert all(after is not None for _, after in pairs)
    for found in result.strategies.values():
        assert found["lost_requests"]["count"] == 0


def test_baltic_changes_little_beyond_the_region() -> None:
    """All groups stay reachable; outside the Nordic and Baltic countries hardly a path moves."""
    result = run("baltic-2024")
    region = np.any([result.country(code) for code in ("DK", "EE", "FI", "LT", "LV", "NO", "SE")], axis=0)
    before, after = rtts(result, "shared", 59), rtts(result, "shared", 470)

    assert not np.isnan(after).any()
    assert (np.abs(after - before)[~region] < 0.5).all()


# West Africa -------------------------------------------------------------------------


def test_west_africa_goes_dark_or_limps_by_the_cables_it_depends_on() -> None:
    """Some groups lose everything to the end, several get longer ways, the rest of the world none of it."""
    result = run("west-africa-2024")
    region = np.any(
        [
            result.country(code)
            for code in (
                "BF",
                "BJ",
                "CI",
                "CM",
                "GA",
                "GH",
                "GM",
                "GN",
                "LR",
                "ML",
                "NE",
                "NG",
                "SL",
                "SN",
                "TG",
            )
        ],
        axis=0,
    )
    before, after = rtts(result, "shared", 59), rtts(result, "shared", 470)
    dark = ~np.isnan(before) & np.isnan(after)
    limping = after > before + 2

    assert dark[result.country("BJ")].all()
    assert 1 <= dark.sum() <= 8
    assert limping[region].sum() >= 5
    assert limping[result.country("GH")].any()
    assert not dark[~region].any()
    lost = result.requests("anycast", start=70)
    assert (lost["lost"][dark] == lost["requests"][dark]).all()


def test_no_strategy_steers_around_a_missing_cable() -> None:
    """Dark is dark: IPA loses the same groups as plain anycast."""
    found = run("west-africa-2024").strategies

    assert found["anycast"]["service_reconvergence_s"]["censored"] >= 1
    assert found["ipa"]["lost_requests"]["share"] == pytest.approx(
        found["anycast"]["lost_requests"]["share"], rel=0.2
    )


# Red Sea -------------------------------------------------------------------------------


def test_red_sea_lengthens_a_part_of_the_paths_between_europe_and_asia() -> None:
    """A quarter of the traffic was put at stake (HGC, 2024): 10 to 45 % of the provider paths."""
    europe, asia = ("Marseille", "London", "Frankfurt"), ("Mumbai", "Singapore", "Hong Kong")
    pairs = backbone_delays(run("red-sea-2024"), [(e, a) for e in europe for a in asia])
    longer = [after is None or after > before + 2 for before, after in pairs]

    assert len(pairs) >= 40
    assert 0.10 <= np.mean(longer) <= 0.45


def test_red_sea_clients_keep_their_detour_under_anycast() -> None:
    """The RTT of the affected groups jumps and stays, for good; nobody is cut off."""
    result = run("red-sea-2024")
    before, soon, late = (rtts(result, "shared", at) for at in (59, 70, 590))
    hurt = late > before + 5
    india = result.country("IN")

    assert hurt[india].mean() >= 0.5
    assert 0.05 < hurt.mean() < 0.4
    assert np.allclose(soon[hurt], late[hurt])
    assert not np.isnan(late).any()
    assert result.strategies["anycast"]["lost_requests"]["count"] == 0


def test_red_sea_ipa_moves_shares_off_the_providers_that_went_the_long_way() -> None:
    """Where providers were hit unevenly, requests end up faster than on the shares held before."""
    result = run("red-sea-2024")
    names = result.provider_addresses()
    before = np.array([rtts(result, name, 59) for name in names])
    after = np.array([rtts(result, name, 590) for name in names])
    jump = after - before
    uneven = (jump.max(axis=0) > 10) & (jump.min(axis=0) < 1)
    first = result.requests("ipa", start=62, end=68)["rtt_ms"]
    settled = result.requests("ipa", start=300)["rtt_ms"]

    assert uneven.sum() >= 5
    assert np.nanmean((settled - first)[uneven]) < 0
