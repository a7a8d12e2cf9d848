"""Right scenarios: what lands in the document, defaults, the way back to text, the generated files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator.cli.validate import validate
from emulator.scenario import reference
from emulator.scenario.fields import Shape
from emulator.scenario.jsonschema import scenario_schema
from emulator.scenario.loader import load, loads
from emulator.scenario.schema import LabNetwork, RelationshipsNetwork, WorldNetwork
from emulator.scenario.schema_timeline import VERBS, verb

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FILES = sorted(SCENARIOS.glob("*.yaml"))

EVERYTHING = """\
version: 1
name: everything
description: All keys of the world's form.
seed: 7
network:
  world: builtin
  networks:
    - {asn: 1299, name: Arelion, kind: transit, cities: [Stockholm, Frankfurt]}
    - {asn: 174}
    - {asn: 3320, cities: [Frankfurt], cables: [], upstreams: [1299]}
    - {generate: access, per: country, count: 150, countries: [EG, KE], weight: internet_users}
  cdn:
    asn: 54113
    name: CDN
    pops: [LHR, FRA, SIN]
    transit: [{asn: 1299, pops: [LHR]}, {asn: 174, pops: [FRA, SIN], capacity: 2Tbps}]
    peers: ixp
    meeting: 80%
    peering_share: 0.5
    pop_capacity: 50k/s
bgp:
  policy: permit-all
  mrai: {0s: 60%, 30s: 0.4}
  ibgp_mrai: 5s
  mrai_jitter: [1, 1]
  mrai_scope: prefix
  mrai_on_withdrawals: true
  sender_side_loop_detection: true
  ghost_flushing: true
  processing_delay: {lognormal: [20ms, 0.5]}
  tie_break: oldest
  hold_time: 180s
  keepalive: 60s
  failure_detection: {bfd: {interval: 50ms, multiplier: 5}}
  fib_install_delay: 100ms
  flap_damping: {half_life: 10min, suppress: 3000, reuse: 800, max: 30min}
igp: {detection: 5ms, flood_processing: 2ms, spf_initial: 20ms, spf_hold: 100ms, spf_max: 2s}
settle: simulate
duration: 45min
timeline:
  - {at: 1min, cut: {cable: SEA-ME-WE-4, between: [Jeddah, Djibouti]}, repair_after: 20min}
  - {at: 1min, cut: {segment: [Paris, Marseille]}}
  - {at: 2min, outage: {pop: SIN}}
  - {at: 2min, blackhole: {network: 174}}
  - {at: 3min, degrade: {network: 1299, between: [Stockholm, Frankfurt], delay: +80ms, loss: 5%}}
  - {at: 4min, reset: [AS1299@Stockholm, AS1299@Frankfurt]}
  - {at: 5min, withdraw: {provider: 1299, pop: LHR}}
  - {at: 6min, announce: {provider: 1299}}
  - {at: 7min, repair: {segment: [Marseille, Paris]}}
phases: {during: 2min}
strategies:
  anycast: {kind: anycast}
  ipa: {kind: ipa, ranking: wan, ttl: 30s, bias: 8, floor: 2%, cap: 70%, window: 5min, reevaluate: 30s}
  uni: {kind: unicast, samples: 10/min}
  mine: {kind: user, class: 'my.steering:Nearest', cover: true}
clients:
  demand: 36k/s
  hosts:
    - {name: a.example, share: 75%, steered: false, ttl: 1d, response_size: 50kB}
    - {name: b.example, share: 25%}
  response_size: 697kB
  diurnal: 30%
  resolvers: {per_group: 50, ttl_violators: 8.74%, violator_factor: 3, skew: 1}
  retry: {retries: 2, timeout: 5s, backoff: 100ms}
  validation_time: 30s
health_checks: off
expect:
  - ipa.lost_requests.share < 0.1%
  - ipa.rtt_ms.after.p50 < anycast.rtt_ms.after.p50
"""


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_library_is_right(file: Path) -> None:
    """Every scenario of the library loads, is named like its file, explained, and says what must come out."""
    loaded = load(file)
    text = file.read_text(encoding="utf-8").splitlines()

    assert loaded.document.name == file.stem
    assert text[0] == "# yaml-language-server: $schema=scenario.schema.json"
    assert text[1].startswith("# ")
    assert loaded.document.expect


def test_values_land_exact() -> None:
    """Times are integer nanoseconds, rates, sizes and shares floats in their base units."""
    document = loads(EVERYTHING).document
    network = document.network

    assert isinstance(network, WorldNetwork)
    assert network.cdn.transit[1].capacity == 2e12  # type: ignore[union-attr]
    assert document.bgp.mrai == {0: 0.6, 30_000_000_000: 0.4}
    assert document.bgp.processing_delay.lognormal == (20_000_000, 0.5)  # type: ignore[union-attr]
    assert document.timeline[4].degrade.delay == 80_000_000  # type: ignore[union-attr]
    assert document.timeline[4].degrade.loss == 0.05  # type: ignore[union-attr]
    assert [verb(event) for event in document.timeline] == [
        "cut",
        "cut",
        "outage",
        "blackhole",
        "degrade",
        "reset",
        "withdraw",
        "announce",
        "repair",
    ]
    assert document.strategies["uni"].samples == pytest.approx(1 / 6)  # type: ignore[union-attr]
    assert document.strategies["mine"].class_ == "my.steering:Nearest"  # type: ignore[union-attr]


def test_the_three_forms_of_a_network() -> None:
    """A lab, a file of AS relationships, the world."""
    head = "version: 1\nname: x\nnetwork: "
    lab = loads(head + "{routers: {a: {asn: 1, router_id: 10.0.0.1}}}").document.network
    relationships = loads(
        head + "{as_relationships: x.txt.xz, link_delay: {uniform: [2ms, 50ms]}}"
    ).document.network

    assert isinstance(lab, LabNetwork)
    assert lab.routers["a"].router_id == 0x0A000001
    assert isinstance(relationships, RelationshipsNetwork)
    assert relationships.link_delay.uniform == (2_000_000, 50_000_000)  # type: ignore[union-attr]


def plain(value: Any) -> Any:  # noqa: ANN401
    """``value`` without its Nones and aliases resolved, as JSON text."""
    return json.dumps(value.model_dump(mode="json", by_alias=True, exclude_none=True))


@pytest.mark.parametrize("text", [EVERYTHING, *(path.read_text(encoding="utf-8") for path in FILES)])
@pytest.mark.filterwarnings("error")
def test_a_document_written_out_reads_back_the_same(text: str) -> None:
    """Nothing is lost between text and document, defaults and exact quantities included."""
    document = loads(text).document
    again = loads(plain(document)).document

    assert again == document


def test_defaults_are_those_of_the_format() -> None:
    """What a scenario that says nothing gets."""
    document = loads("version: 1\nname: x\nnetwork: {routers: {a: {asn: 1}}}\n").document

    assert document.bgp.mrai == 30_000_000_000
    assert document.bgp.mrai_jitter == (0.75, 1.0)
    assert (document.bgp.hold_time, document.bgp.keepalive) == (90_000_000_000, 30_000_000_000)
    assert (document.settle, document.duration, document.seed) == ("solve", 1_800_000_000_000, 1)
    assert (document.clients, document.strategies, document.timeline) == (None, {}, ())


def shapes(base: type[Shape] = Shape) -> list[type[Shape]]:
    """All models of the format."""
    return [one for child in base.__subclasses__() for one in (child, *shapes(child))]


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: shape.__name__)
def test_every_key_is_described_and_every_shape_documented(shape: type[Shape]) -> None:
    """The reference has no blank entries: each key says what it does, required ones show an example."""
    blank = [
        name
        for name, info in shape.model_fields.items()
        if name != "kind" and (not info.description or (info.is_required() and not info.examples))
    ]

    assert shape.__doc__
    assert [name for name in blank if name != "generate"] == []


def test_the_examples_of_the_schema_are_right() -> None:
    """Each example is accepted as the value of its key."""
    for shape in shapes():
        for name, info in shape.model_fields.items():
            for example in info.examples or ():
                given = {info.alias or name: frozen(example)}
                try:
                    shape.model_validate(given)
                except ValueError as error:
                    wrong = [one for one in error.errors() if one["loc"][:1] == (info.alias or name,)]  # type: ignore[attr-defined]
                    assert wrong == [], f"{shape.__name__}.{name}: {example!r}"


def frozen(value: Any) -> Any:  # noqa: ANN401
    """Lists as the loader gives them: tuples."""
    if isinstance(value, dict):
        return {key: frozen(one) for key, one in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def test_the_generated_files_are_fresh() -> None:
    """Run ``python -m emulator.scenario.reference --write`` after a change of the schema."""
    assert reference.stale() == []


def test_staleness_is_noticed(tmp_path: Path) -> None:
    """A missing and a changed file are both stale."""
    (tmp_path / reference.REFERENCE).write_text(reference.reference_text() + "\n", encoding="utf-8")

    assert reference.stale(tmp_path) == [reference.REFERENCE, reference.SCHEMA]


def test_the_reference_names_every_key() -> None:
    """One heading a key, for every verb and every kind of strategy too."""
    headings = {line for line in reference.reference_text().splitlines() if line.startswith("#")}

    assert {f"### `timeline[].{name}`" for name in VERBS} <= headings
    assert {
        "## bgp",
        "### `bgp.mrai`",
        "### `strategies.NAME.class`",
        "### `network.cdn.transit[].pops`",
    } <= headings


def test_the_json_schema_is_closed_and_in_text() -> None:
    """Editors see no nanoseconds, no nulls, and no key that the loader would refuse."""
    schema = scenario_schema()
    text = json.dumps(schema)

    assert schema["additionalProperties"] is False
    assert all(one["additionalProperties"] is False for one in schema["$defs"].values())
    assert schema["$defs"]["BgpSpec"]["properties"]["mrai"]["default"] == "30s"
    assert schema["$defs"]["IpaStrategy"]["properties"]["floor"]["default"] == "2%"
    assert '"null"' not in text
    assert re.findall(r'"default": [0-9]{7,}', text) == []


def test_validate_prints_all_problems_and_exits_2(tmp_path: Path) -> None:
    """Right files are named on standard output, problems on standard error, and the exit code says so."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\nname: x\nnetwork: 5\nsed: 1\n", encoding="utf-8")
    fine = CliRunner().invoke(validate, [str(FILES[0])])
    both = CliRunner().invoke(validate, [str(FILES[0]), str(wrong)])

    assert (fine.exit_code, fine.stderr) == (0, "")
    assert fine.stdout.startswith(f"{FILES[0]}: ok")
    assert both.exit_code == 2
    assert [line.removeprefix(str(wrong))[:5] for line in both.stderr.splitlines()] == [
        ":3:10",
        ":4:1:",
        "2 pro",
    ]
