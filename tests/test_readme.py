"""What the README shows is true: its scenario builds, and its table says what the baselines say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.relationships import write_relationships
from emulator.scenario.build import build
from emulator.scenario.loader import loads
from emulator.scenario.plan import FleetPlan

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def metric(scenario: str, name: str) -> float:
    """A metric of a scenario's committed baseline."""
    baseline = json.loads((ROOT / "tests" / "baselines" / f"{scenario}.json").read_text(encoding="utf-8"))
    value = baseline["metrics"][name]
    assert isinstance(value, (int, float))
    return float(value)


def row(scenario: str) -> str:
    """The scenario's row of the README's table."""
    return next(line for line in README.splitlines() if line.startswith(f"| [{scenario}]"))


def test_the_scenario_shown_builds() -> None:
    """A reader who copies it gets a run, not an error."""
    text = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)[0]

    plan = build(loads(text.encode(), "README.md", folder=ROOT))

    assert plan.name == "singapore-down"
    assert plan.clients is not None


def test_the_graph_shown_is_right(tmp_path: Path) -> None:
    """The excerpt on AS graphs builds too, with a file of that name in its place."""
    graph = generate(2000, 1)
    blocks = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    block = next(block for block in blocks if "as_relationships" in block)
    shown = block.replace("20190701.as-rel.txt.xz", "graph.txt")
    known = graph.asn.tolist()
    for asn in ("286", "1299"):
        shown = shown.replace(asn, str(known[int(asn) % 50]))
    write_relationships(tmp_path / "graph.txt", graph)
    document = f"version: 1\nname: shown\n{shown}duration: 20min\n"

    plan = build(loads(document.encode(), "README.md", folder=tmp_path))

    assert isinstance(plan, FleetPlan)
    assert plan.clients is not None
    assert len(plan.pops) == 20


@pytest.mark.parametrize(
    ("scenario", "name", "shown"),
    [
        ("steady-state", "anycast.rtt_ms.before.p50", "{:.0f} ms median RTT"),
        ("steady-state", "ipa.rtt_ms.before.p50", "| {:.0f} ms"),
        ("steady-state", "nominal.rtt_ms.before.p50", "nominal mix {:.0f}"),
        ("steady-state", "all-in.rtt_ms.before.p50", "all-in {:.0f}"),
        ("pop-outage", "anycast.service_reconvergence_s.max", "| all back in {:.1f} s"),
        ("provider-withdrawn", "anycast.service_reconvergence_s.max", "| all back in {:.1f} s"),
        ("provider-withdrawn", "ipa.service_reconvergence_s.p50", "half in {:.0f} s"),
        ("provider-withdrawn", "ipa.service_reconvergence_s.max", "all in {:.0f} s"),
        ("provider-withdrawn", "ipa-cover.service_reconvergence_s.max", "| all back in {:.1f} s |"),
        ("provider-blackhole", "ipa.service_reconvergence_s.p50", "half in {:.0f} s"),
        ("provider-blackhole", "ipa.service_reconvergence_s.censored", ", {:.0f} of 136 groups never"),
        ("provider-degraded", "ipa.service_reconvergence_s.p50", "groups in {:.0f} s"),
        ("red-sea-2024", "anycast.rtt_ms.before.p99", "p99 RTT {:.0f} "),
        ("red-sea-2024", "anycast.rtt_ms.after.p99", "{:.0f} ms"),
        ("red-sea-2024", "ipa.rtt_ms.before.p99", "| {:.0f} "),
        ("west-africa-2024", "anycast.service_reconvergence_s.censored", "{:.0f} groups dark"),
    ],
)
def test_a_figure_of_the_table_is_the_baselines(scenario: str, name: str, shown: str) -> None:
    """No figure is written by hand and forgotten."""
    assert shown.format(metric(scenario, name)) in row(scenario)
