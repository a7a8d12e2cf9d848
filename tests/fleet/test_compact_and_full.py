"""One scenario, `speakers: compact` and `speakers: full`: the same events, routes, requests and messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import emulator
from emulator.network.asgraph.generator import generate
from emulator.record.folder import frame

from as_files import written
from fleets import random_graph

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from emulator.network.asgraph.graph import AsGraph
    from emulator.record.run import RunRecord

FIXED = (
    "index", "at_s", "kind", "label", "control_plane_convergence_s", "data_plane_convergence_s",
    "announcements", "withdrawals", "best_path_changes", "quiescent", "loss_of_connectivity",
)  # fmt: skip
STRATEGIES = """\
  ipa: {kind: ipa, ttl: 30s}
  cover: {kind: ipa, cover: true}
  unicast: {kind: unicast}
"""
NETWORKS = {
    "sites": """\
  generate: {ases: 60, seed: 1}
  cdn: {asn: 54113, pops: 4, transit: [1, 2, 3, 4, 5], meeting: 100%, pop_capacity: 5/s}
  collectors: {rv: [5, 9]}
""",
    "one-way": """\
  generate: {ases: 30, seed: 4}
  link_delay: {uniform: [2ms, 40ms]}
  cdn:
    asn: 7
    pops:
      AMS: {transit: [9, 12, 20], peers: [11]}
      LHR: {transit: [20, 12], peers: [25, 26]}
      SIN: {transit: [9]}
  prefixes: {AS13: [203.0.1.0/24], AS14: [203.0.2.0/24, 203.0.1.0/25]}
  links:
    - {ends: [16, 17], relationship: peer}
    - {ends: [15, 9000], relationship: customer-provider}
    - {ends: [9001, 15], relationship: customer-provider}
""",
    "file": """\
  as_relationships: graph.txt
  link_delay: {lognormal: [10ms, 0.7]}
  prefixes: {LEAF: [203.0.1.0/24]}
""",
}
"""The network's part of a scenario; capital letters are names that depend on the graph."""
GENERATED: dict[str, Any] = {"sites": {"ases": 60, "seed": 1}, "one-way": {"ases": 30, "seed": 4}}
NAMES = {
    "sites": {"PROVIDER": "3", "POP": "POP2"},
    "one-way": {"PROVIDER": "20", "POP": "LHR"},
    "file": {},
}
TIMELINES = {
    "site": """\
  - {at: 20s, outage: {pop: POP}, repair_after: 100s}
  - {at: 240s, blackhole: {network: NEAR}, repair_after: 60s}
  - {at: 400s, outage: {pop: POP}}
""",
    "provider": """\
  - {at: 20s, withdraw: {provider: PROVIDER, pop: POP}, repair_after: 90s}
  - {at: 80s, withdraw: {provider: PROVIDER}, repair_after: 90s}
  - {at: 300s, degrade: {network: PROVIDER, delay: +30ms, loss: 20%}, repair_after: 60s}
  - {at: 330s, blackhole: {network: PROVIDER}, repair_after: 60s}
""",
    "links": """\
  - {at: 20s, cut: [HUB, NEXT]}
  - {at: 22s, cut: [LEAF, OVER], repair_after: 3s}
  - {at: 150s, repair: [HUB, NEXT]}
  - {at: 220s, degrade: {link: [LEAF, OVER], delay: +20ms, loss: 10%}, repair_after: 100s}
  - {at: 300s, outage: {router: HUB}, repair_after: 45s}
  - {at: 310s, cut: [HUB, NEXT], repair_after: 120s}
""",
    "operators": """\
  - {at: 20s, leak: {router: LEAF}, repair_after: 60s}
  - {at: 21s, reset: [LEAF, OVER]}
  - {at: 140s, reset: [OVER, LEAF]}
  - {at: 240s, announce: 203.0.99.0/24, router: LEAF, repair_after: 70s}
  - {at: 330s, announce: 203.0.99.0/24, router: HUB}
  - {at: 331s, outage: {network: NEAR}, repair_after: 1s}
  - {at: 450s, withdraw: 203.0.99.0/24, router: HUB}
""",
}
SETTINGS = {
    "shares": "mrai: {0s: 60%, 30s: 40%}",
    "peer": "mrai: 30s, fib_install_delay: 50ms",
    "prefix": "mrai: 5s, mrai_scope: prefix, withdrawals: wait",
    "table": "mrai: {0s: 40%, 5s: 60%}, mrai_scope: full-table, withdrawals: wait",
    "none": "mrai: 0s, echo: false",
    "checks": "mrai: 30s, sender_side_loop_detection: true, ghost_flushing: true",
    "permit": "mrai: 5s, policy: permit-all",
}
CASES = [
    ("sites", "site", "shares", "solve"),
    ("sites", "provider", "peer", "solve"),
    ("sites", "links", "prefix", "simulate"),
    ("sites", "operators", "none", "solve"),
    ("sites", "provider", "table", "solve"),
    ("one-way", "site", "checks", "solve"),
    ("one-way", "provider", "none", "simulate"),
    ("one-way", "links", "permit", "solve"),
    ("one-way", "operators", "shares", "solve"),
    ("file", "links", "peer", "solve"),
    ("file", "operators", "checks", "simulate"),
]


@pytest.mark.parametrize(("network", "timeline", "settings", "settle"), CASES)
def test_both_give_the_same(network: str, timeline: str, settings: str, settle: str, tmp_path: Path) -> None:
    """Every number of the summary that both have, every table, and the trace."""
    strategies = "" if network == "file" else STRATEGIES
    text = scenario(NETWORKS[network], TIMELINES[timeline], SETTINGS[settings], settle, strategies)
    compact, full = both(network, text, tmp_path)

    assert_same(compact, full)
    assert sum(event["announcements"] for event in compact.summary["events"]) > 10
    assert sum(event["best_path_changes"] for event in compact.summary["events"]) > 10


@pytest.mark.parametrize("network", ["sites", "file"])
@pytest.mark.parametrize(
    ("timeline", "settings"),
    [("links", "mrai: 5s, processing_delay: 5ms"), ("site", "mrai: 0s, processing_delay: 3ms")],
)
def test_routers_that_take_time(network: str, timeline: str, settings: str, tmp_path: Path) -> None:
    """One prefix: with several, full speakers send what goes out at one instant in another order."""
    events = TIMELINES["operators" if network == "file" else timeline]
    events = "".join(line for line in events.splitlines(keepends=True) if "203.0.99" not in line)
    text = scenario(NETWORKS[network], events, settings, "simulate", "")

    assert_same(*both(network, text, tmp_path))


@pytest.mark.parametrize("timeline", ["links", "operators"])
def test_the_current_best_stays(timeline: str, tmp_path: Path) -> None:
    """`tie_break: current-best`, from silence: of several stable states each would settle in its own."""
    settings = "mrai: {0s: 60%, 30s: 40%}, tie_break: current-best"
    network = "file"
    alone = NETWORKS[network].replace("  prefixes: {LEAF: [203.0.1.0/24]}\n", "")
    events = "  - {at: 1s, announce: 203.0.1.0/24, router: LEAF}\n" + TIMELINES[timeline]
    text = scenario(alone, events, settings, "solve", "")

    assert_same(*both(network, text, tmp_path))


def test_a_difference_is_noticed(tmp_path: Path) -> None:
    """The comparison above can fail: another MRAI is another run."""
    network = "file"
    text = scenario(NETWORKS[network], TIMELINES["links"], "mrai: 30s", "solve", "")
    one, _ = both(network, text, tmp_path)
    _, other = both(network, text.replace("mrai: 30s", "mrai: 5s"), tmp_path)

    with pytest.raises(AssertionError):
        assert_same(one, other)


def scenario(network: str, timeline: str, settings: str, settle: str, strategies: str) -> str:
    """The text of a scenario; names in capital letters are still to be put in."""
    return f"""\
version: 1
name: both
network:
{network}  speakers: SPEAKERS
bgp: {{{settings}, mrai_jitter: [1, 1]}}
settle: {settle}
duration: 10min
timeline:
{timeline}strategies:
  anycast: {{kind: anycast}}
{strategies}clients: {{demand: 20/s, population: {{count: 12, weight: uniform}}}}
"""


def both(network: str, text: str, folder: Path) -> tuple[RunRecord, RunRecord]:
    """The records of a scenario's two runs."""
    names = dict(NAMES[network])
    if network == "file":
        graph = random_graph(np.random.default_rng(5), 40)
        rows = (f"{first}|{second}|{kind}" for first, second, kind in written(graph))
        (folder / "graph.txt").write_text("\n".join(rows))
    else:
        graph = generate(**GENERATED[network])
    names |= names_in(graph)
    records = []
    for speakers in ("compact", "full"):
        path = folder / f"{speakers}.yaml"
        filled = text.replace("SPEAKERS", speakers)
        for name, meant in names.items():
            filled = filled.replace(name, meant)
        path.write_text(filled)
        records.append(emulator.run(path))
    return records[0], records[1]


def names_in(graph: AsGraph) -> dict[str, str]:
    """A hub of the graph, an AS at its edge with two ways out, and a neighbour of each."""
    degree = np.diff(graph.first)
    hub = int(np.argmax(degree))
    leaf = int(np.flatnonzero(degree == 2)[-1])
    following, over = (int(graph.neighbor[graph.first[node]]) for node in (hub, leaf))
    names = {"HUB": hub, "LEAF": leaf, "NEXT": following, "OVER": over}
    return {**{name: graph.name(node) for name, node in names.items()}, "NEAR": str(graph.asn[over])}


def assert_same(compact: RunRecord, full: RunRecord) -> None:
    """Everything is the same, but for two tables that only compact speakers have."""
    one, other = compact.summary, full.summary
    assert [[event[key] for key in FIXED] for event in one["events"]] == [
        [event[key] for key in FIXED] for event in other["events"]
    ]
    assert one["routes"] == other["routes"]
    assert one["strategies"] == other["strategies"]
    assert one["catchments"] == other["catchments"]
    assert set(compact.tables) - set(full.tables) == {"rates", "best_paths"}
    assert {"reach", "sites"} <= set(full.tables) <= set(compact.tables)
    for name in full.tables:
        assert table(name, compact).equals(table(name, full)), name
    assert told(compact) == told(full)


def table(name: str, record: RunRecord) -> pl.DataFrame:
    """A table; messages of one instant have no order."""
    found = frame(name, record.tables[name])
    return found.sort(found.columns) if name == "updates" else found


def told(record: RunRecord) -> list[str]:
    """What the trace says of events and best paths, less the deciding step; one instant has no order."""
    kept = [{**each, "decided_by": None} for each in record.trace if each["type"] in ("event", "best-path")]
    return sorted(json.dumps(each, sort_keys=True) for each in kept)


DIAMOND = "2|5|-1\n3|5|-1\n2|3|0\n3|6|-1\n"
"""AS5 buys from AS2 and AS3, which peer; AS6 from AS3."""
BUSY = "  link_delay: 10ms\nbgp: {mrai: 0s, processing_delay: 50ms}\n"


@pytest.mark.parametrize(
    ("graph", "settings", "timeline"),
    [
        (
            DIAMOND,
            BUSY,
            (
                "  - {at: 20s, announce: 203.0.1.0/24, router: AS5}\n"
                "  - {at: 20.03s, cut: [AS2, AS3], repair_after: 10ms}\n"
                "  - {at: 60s, announce: 203.0.2.0/24, router: AS6}\n"
            ),
        ),
        (
            "4|2|-1\n4|5|-1\n2|3|0\n",
            BUSY,
            (
                "  - {at: 20s, announce: 203.0.1.0/24, router: AS5}\n"
                "  - {at: 20.08s, leak: {router: AS2}, repair_after: 20ms}\n"
            ),
        ),
        (
            DIAMOND,
            (
                "  prefixes: {AS5: [203.0.1.0/24]}\n"
                "bgp: {mrai: 5s, mrai_jitter: [1, 1], hold_time: 0s, failure_detection: hold-timer}\n"
            ),
            "  - {at: 20s, cut: [AS2, AS5]}\n  - {at: 30s, announce: 203.0.2.0/24, router: AS6}\n",
        ),
    ],
    ids=["cut-while-busy", "leak-while-busy", "silence-unnoticed"],
)
def test_sessions_and_policies_of_routers_at_work(
    tmp_path: Path, graph: str, settings: str, timeline: str
) -> None:
    """A session falls although its routers hear of it later; what an operator changes waits its turn."""
    (tmp_path / "graph.txt").write_text(graph)
    records = []
    for speakers in ("compact", "full"):
        file = tmp_path / f"{speakers}.yaml"
        file.write_text(
            "version: 1\nname: busy\nduration: 2min\n"
            f"network:\n  as_relationships: graph.txt\n  speakers: {speakers}\n"
            f"{settings}timeline:\n{timeline}"
        )
        records.append(emulator.run(file))
    compact, full = records
    for one, other in zip(compact.summary["events"], full.summary["events"], strict=True):
        assert {key: one[key] for key in FIXED} == {key: other[key] for key in FIXED}
    assert compact.summary["routes"] == full.summary["routes"]
    assert sum(event["announcements"] for event in full.summary["events"]) > 0


def test_nothing_happens(tmp_path: Path) -> None:
    """Without a timeline there are routes, and no event."""
    file = tmp_path / "still.yaml"
    file.write_text(
        "version: 1\nname: still\nnetwork: {generate: {ases: 60}, cdn: {asn: 54113, pops: 3}}\n"
        "clients: {demand: 5/s, population: {count: 5}}\nduration: 1min\n"
        "strategies: {anycast: {kind: anycast}}\n"
    )
    record = emulator.run(file)
    assert record.summary["events"] == []
    assert len(record.summary["routes"]) == 63
