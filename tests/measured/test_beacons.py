"""RIS beacons: what is counted, on updates made up, and how near the preset comes to those measured."""

from __future__ import annotations

import gzip
import importlib
import math
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emulator.errors import InputError
from emulator.fleet.presets import PRESETS
from emulator.network.asgraph.cache import load
from emulator.network.asgraph.doubtful import doubtful_as_peerings, doubtful_links
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, PROVIDER, from_links

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[2] / "scenarios" / "measured"
START = 1_561_939_200
"""2019-07-01 00:00 UTC."""
HEADER = "time,type,prefix,peer_as,peer_ip,as_path,aggregator"


def part(name: str) -> ModuleType:
    """A part of the script."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


metrics, data = part("beacons_metrics"), part("beacons_data")
FIRST, SECOND = (701, 174, 12654), (701, 3356, 12654)
PREFIX = "84.205.64.0/24"


def update(time: float, path: tuple[int, ...] | None, peer: str = "701", prefix: str = PREFIX) -> Any:  # noqa: ANN401
    """A message to the collector."""
    return metrics.Update(time, prefix, peer, path)


MADE_UP = (
    update(10.0, FIRST),
    update(12.0, FIRST),  # the same again: no change
    update(40.0, SECOND),
    update(11.0, SECOND, peer="286"),
    update(3700.0, FIRST),  # too late to be an answer
    update(7210.0, SECOND),
    update(7211.0, FIRST),
    update(7241.0, None),
    update(7212.0, None, peer="286"),
    update(7213.0, SECOND, peer="1299"),  # never withdrawn
)


def test_figures_of_made_up_updates() -> None:
    """Every figure, counted by hand; other prefixes have a first update of their own."""
    found = metrics.figures_of([*reversed(MADE_UP), update(7300.0, None, prefix="84.205.82.0/24")])
    assert list(found) == [PREFIX, "84.205.82.0/24"]
    assert found[PREFIX].last_change == (30.0, 1.0)
    assert found[PREFIX].final == (31.0, 2.0)
    assert sorted(found[PREFIX].hunting) == [0, 1, 2]
    assert found[PREFIX].gaps == (1.0, 30.0)
    assert found[PREFIX].share_of_gaps(0, 5) == 0.5
    assert found["84.205.82.0/24"] == metrics.Figures((), (0.0,), (0,), ())
    assert metrics.pooled(found.values()).mean_hunting == 0.75


def test_a_collector_that_dumps_its_table_stamps_late() -> None:
    """What comes before the dump is done is stamped then, what comes after as it comes; order stays."""
    stamped = metrics.dumped(MADE_UP, {"announce": 20.0, "withdraw": 12.5})
    assert [each.time for each in stamped] == [
        20.0, 20.0, 40.0, 20.0, 3700.0, 7212.5, 7212.5, 7241.0, 7212.5, 7213.0,
    ]  # fmt: skip
    assert [each.path for each in stamped] == [each.path for each in MADE_UP]
    assert metrics.first_stamps(stamped) == {"announce": 20.0, "withdraw": 12.5}
    found = metrics.figures_of(stamped)[PREFIX]
    assert (found.last_change, found.final) == ((20.0, 0.0), (28.5, 0.0))


def test_figures_of_nothing() -> None:
    """No update, no figure."""
    assert metrics.figures_of([]) == {}
    assert all(math.isnan(each) for each in metrics.quantiles(()))
    assert math.isnan(metrics.Figures().mean_hunting)


def test_quantiles_are_numpys() -> None:
    """In proportion between two values."""
    values = [float(each) for each in range(101)]
    assert metrics.quantiles(values) == (50.0, 75.0, 90.0, 95.0, 99.0)


def test_a_file_tells_where_a_beacon_is_attached(tmp_path: Path) -> None:
    """Upstreams a prefix, feeds, and times since the announcement, whatever is prepended."""
    rows = [
        f"{START + 56}.0,A,{PREFIX},286,10.0.0.1,286 34549 34549 12654,x",
        f"{START + 57}.0,A,{PREFIX},286,10.0.0.1,286 174 12654 12654,x",
        f"{START + 7254}.0,W,{PREFIX},1403,10.0.0.2,,",
        f"{START + 57}.0,A,84.205.82.0/24,1403,10.0.0.3,1403 37271 12654,x",
    ]
    file = tmp_path / "ris-beacons-made-up.csv.gz"
    file.write_bytes(gzip.compress("\n".join([HEADER, *rows]).encode()))
    beacons = data.read_beacons(file)
    assert beacons.upstreams == {PREFIX: (174, 34549), "84.205.82.0/24": (37271,)}
    assert beacons.feeds == (286, 1403)
    assert [each.time for each in beacons.updates] == [56.0, 57.0, 7254.0, 57.0]
    assert beacons.updates[2] == metrics.Update(7254.0, PREFIX, "1403 10.0.0.2", None)
    assert (286, 34549) in beacons.pairs


def test_paths_with_an_as_set_are_left_out(tmp_path: Path) -> None:
    """And nothing else of the file."""
    file = tmp_path / "ris-beacons-sets.csv"
    paths = ("286 {3333} 12654", '"286 {3333,174} 12654"', "286 3333 12654")
    rows = [f"{START + 56}.0,A,{PREFIX},286,10.0.0.1,{path},x" for path in paths]
    file.write_text("\n".join([HEADER, *rows]))
    (only,) = data.read_beacons(file).updates
    assert only.path == (286, 3333, 12654)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "has no column time, type"),
        (f"{HEADER}\n{START},A,{PREFIX},nobody,10.0.0.1,286 12654,x\n", r"\.csv:2: not an update"),
        (f"{HEADER}\n{START},A,{PREFIX},286,10.0.0.1,286 3333,x\n", "announced by AS3333"),
        (f"{HEADER}\nnan,A,{PREFIX},286,10.0.0.1,286 12654,x\n", r"\.csv:2: not an update: no time: 'nan'"),
        (f"{HEADER}\n{START},A,{PREFIX},286,10.0.0.1,286 {{33 12654,x\n", r"\.csv:2: not an update"),
        (f"{HEADER}\n{START},A,{PREFIX},286,10.0.0.1,286 {{3333}} 12654,x\n", "no announcement"),
        (f"{HEADER}\n", "no announcement"),
    ],
)
def test_a_file_that_is_wrong_is_told_so(tmp_path: Path, text: str, complaint: str) -> None:
    """The file, the line, and what was expected."""
    file = tmp_path / "ris-beacons-wrong.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=complaint):
        data.read_beacons(file)


def test_the_script_says_kindly_what_it_needs(tmp_path: Path) -> None:
    """Exit code 2, one line, no traceback."""
    ran = subprocess.run(
        [sys.executable, FOLDER / "beacons.py", tmp_path], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "ris-beacons-*.csv*" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("seeds", ["0", "-1", "1.5", "many"])
def test_the_script_wants_a_seed_at_least(seeds: str) -> None:
    """No table of nothing."""
    command = [sys.executable, FOLDER / "beacons.py", "--seeds", seeds]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"argument --seeds: expected a whole number from 1 on, found '{seeds}'" in ran.stderr


def test_no_verdict_on_nothing() -> None:
    """One update, no withdrawal: dashes where there is no number, and the distance to it is the largest."""
    script = part("beacons")
    figures = metrics.figures_of(MADE_UP)
    compared = script.Comparison(metrics.figures_of([update(10.0, FIRST)]), figures, {})
    assert compared.distance == math.inf
    lines = script.report(compared)
    assert not [line for line in lines if "nan" in line]
    at = lines.index("these 1 beacons: 2 final withdrawals in the model")
    assert [lines[at + row].split() for row in (4, 6, 7)] == [
        ["withdraw,", "final", "withdrawal", "(s)", *"-----"],
        ["ratio", *"-----"],
        [],
    ]
    assert lines[at + 8] == "announcements a peer: -, model 1.00, -"
    assert "gaps, measured: none" in lines
    nothing = script.table("no model", metrics.Figures(), *script.REFERENCE)
    assert not [line for line in nothing if any(word in line for word in ("nan", "met", "missed"))]
    assert script.Comparison(figures, figures, {}).distance == 0


def test_doubtful_links_become_peerings() -> None:
    """A provider with fewer customers than its customer is none, unless it is the only one."""
    # node 0 has customers 3, 4, 5 and buys from 1 (customers 0, 6) and 2 (customers 0, 1, 2's own four)
    links = [(3, 0), (4, 0), (5, 0), (0, 1), (6, 1), (0, 2), (3, 2), (4, 2), (5, 2), (1, 2)]
    graph = from_links(np.arange(10, 17), np.array(links), np.full(len(links), CUSTOMER_PROVIDER))
    ends = graph.link_ends[doubtful_links(graph)].tolist()
    assert ends == [[0, 1]]
    cleaned = doubtful_as_peerings(graph)
    at = [sorted(each) for each in cleaned.link_ends.tolist()].index([0, 1])
    assert cleaned.link_kind[at] == PEERING
    assert (np.delete(cleaned.link_kind, at) == CUSTOMER_PROVIDER).all()

    alone = from_links(np.arange(10, 17), np.array(links[:5]), np.full(5, CUSTOMER_PROVIDER))
    assert not doubtful_links(alone).any()


def test_presets_give_every_as_an_interval() -> None:
    """Shares are of a whole."""
    for preset in PRESETS.values():
        assert sum(preset.mrai.values()) == pytest.approx(1.0)
        assert all(share > 0 for share in preset.mrai.values())


@cache
def real() -> tuple[Any, Any]:
    """The beacons and the graph; skips the test where nobody brought them."""
    brought = part("brought")
    where = brought.data_folder(None)
    try:
        return data.read_beacons(where), load(brought.relationships_file(where))
    except InputError as error:
        pytest.skip(f"needs what users bring: {error}")


def test_what_was_measured() -> None:
    """The same code on the files; a dump of the collector's table shows at the start of each phase."""
    beacons, _ = real()
    assert metrics.first_stamps(beacons.updates) == {"announce": 56.0, "withdraw": 54.0}
    whole = metrics.pooled(metrics.figures_of(beacons.updates).values())
    assert metrics.quantiles(whole.last_change)[:2] == (0.0, 0.0)
    assert metrics.quantiles(whole.final)[:3] == pytest.approx((55.0, 85.75, 120.0))
    assert whole.mean_hunting == pytest.approx(4.1, abs=0.05)
    at_once = [each for each in beacons.updates if 7254 <= each.time < 7257]
    withdrawal = [each for each in beacons.updates if 7200 <= each.time < 9000]
    assert len(at_once) > len(withdrawal) / 2


def test_cleaning_keeps_the_internet_whole() -> None:
    """Few links, and nobody is left without a provider."""
    _, graph = real()
    assert 0 < doubtful_links(graph).sum() < graph.link_count / 200
    cleaned = doubtful_as_peerings(graph)
    assert ((cleaned.degrees(PROVIDER) > 0) == (graph.degrees(PROVIDER) > 0)).all()


@pytest.mark.slow
def test_the_preset_stays_near_the_measured_beacons() -> None:
    """Two seeds of the model against the beacons given: what was reached, with some slack."""
    beacons, graph = real()
    model, script = part("beacons_model"), part("beacons")
    preset = PRESETS["internet-2019"]
    made = model.beacon_graph(graph, beacons, is_cleaned=preset.doubtful_as_peerings)
    compared = script.compare(made, beacons, preset, range(1, 3))
    found = metrics.pooled(compared.model.values())
    wanted = metrics.pooled(compared.measured.values())
    assert len(found.final) > 500
    announced = metrics.quantiles(found.last_change)
    assert announced[2] <= metrics.quantiles(wanted.last_change)[2] + 5.0
    assert announced[3] > announced[2] > 0.0  # they have a tail
    ratios = np.divide(metrics.quantiles(found.final)[:4], metrics.quantiles(wanted.final)[:4])
    assert ((ratios > 0.75) & (ratios < 1.3)).all(), ratios
    assert 0.75 < found.mean_hunting / wanted.mean_hunting < 1.25
