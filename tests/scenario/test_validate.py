"""`validate` says all that `run` would refuse, in one round, without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.cli.main import main

GRAPH = """\
version: 1
name: g
network:
  generate: {ases: 60}
  cdn: {asn: 54113, pops: 3}
bgp: {like: frr}
timeline:
  - {at: 1s, reset: [AS1, AS1]}
  - {at: 2h, restart: AS5}
  - {at: 2s, outage: {pop: PQP1}}
  - {at: 3s, outage: {network: 99}}
  - {at: 4s, degrade: {network: 5, between: [Paris, Lyon], loss: 5%}}
  - {at: 5s, drain: {router: AS3}, shut_after: 1s}
expect: ["event[9].quiescent == true"]
strategies: {i: {kind: ipa, floor: 90%, cap: 10%}}
"""
WORLD = """\
version: 1
name: w
network:
  world: builtin
  networks: [{builtin: transit}, {generate: access, count: 3}]
  cdn: {asn: 54113, pops: [LHR, QQQ], transit: [1299, 999999]}
timeline:
  - {at: 1s, cut: {cable: NOPE}}
  - {at: 2s, cut: {cable: AAE-1, between: [Paris, Lima]}}
  - {at: 3h, cut: {cable: AAE-1}}
"""
USER = """\
version: 1
name: u
network:
  world: builtin
  networks: [{asn: 1299}, {generate: access, count: 3}]
  cdn: {asn: 54113, pops: [LHR], transit: [1299]}
strategies: {mine: {kind: user, class: "no_such_module:Strategy"}}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is an empty one."""
    monkeypatch.chdir(tmp_path)


def said(text: str, capsys: pytest.CaptureFixture[str], *, code: int = 2) -> list[str]:
    """What `validate` says of a scenario, less the file's name; nothing for one that is right."""
    Path("s.yaml").write_text(text)
    assert main(["validate", "s.yaml"]) == code
    lines = capsys.readouterr().err.splitlines()
    assert not code or lines.pop() == f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
    return [line.removeprefix("s.yaml:") for line in lines]


def assert_begin(found: list[str], expected: list[str]) -> None:
    """Each of ``found`` begins with its counterpart."""
    assert [line[: len(begin)] for line, begin in zip(found, expected, strict=True)] == expected


def test_the_documents_mistakes_and_the_graphs_come_together(capsys: pytest.CaptureFixture[str]) -> None:
    """What the keys cannot mean together, what is not there, what compact speakers do not know: once each."""
    assert_begin(said(GRAPH, capsys), [
            "6:13: bgp.like: compact speakers have no vendor's habits: say",
            "8:21: timeline.0.reset: expected two routers, got 'AS1' twice",
            "9:10: timeline.1.at: expected a time before the end at 30min, got",
            "9:23: timeline.1.restart: compact speakers do not know this: say `n",
            "10:28: timeline.2.outage.pop: unknown POP 'PQP1' (did you mean 'POP",
            "11:32: timeline.3.outage.network: AS99 is not in this network; amo",
            "12:45: timeline.4.degrade.between: an AS graph has no cities: leave",
            "13:21: timeline.5.drain: compact speakers do not know this: say `net",
            "14:10: expect.0: there is no event[9]: the last one is event[6]",
            "15:36: strategies.i.floor: expected at most `cap`, 0.1; got 0.9",
    ])  # fmt: skip


def test_a_world_is_built_and_its_cables_are_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    """POPs, providers and cables that do not exist, beside an event that comes too late."""
    assert_begin(said(WORLD, capsys), [
            "6:33: network.cdn.pops.1: no POP code 'QQQ'",
            "6:55: network.cdn.transit.1: AS999999 is not one of the transit networks",
            "8:27: timeline.0.cut.cable: no cable 'NOPE'",
            "9:43: timeline.1.cut.between: no landing of AAE-1 'Paris'",
            "10:10: timeline.2.at: expected a time before the end at 30min, got '3",
    ])  # fmt: skip


def test_what_run_refuses_validate_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    """The same places and words, where no mistake hides another."""
    text = GRAPH.replace("AS1, AS1", "AS1, AS60").replace("2h", "2min").replace("event[9]", "event[3]")
    text = text.replace("PQP1", "POP1").replace("AS3}, shut_after: 1s", "AS3}")
    text = text.replace("between: [Paris, Lyon], ", "").replace("90%, cap: 10%", "1%")
    found = said(text, capsys)
    assert main(["run", "s.yaml", "-q"]) == 2
    told = [
        line.removeprefix("error: ").removeprefix("s.yaml:") for line in capsys.readouterr().err.splitlines()
    ]

    assert told == found
    assert len(found) == 5


def test_a_strategys_code_is_neither_run_nor_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--allow-code` is an option of `run`, not a mistake of the file."""
    assert said(USER, capsys, code=0) == []
    assert main(["run", "s.yaml", "-q"]) == 2
    assert "say --allow-code if you trust it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            "outage: {router: 5}",
            "outage.router: expected a router's name, such as 'r5', or 'AS5' for the router",
        ),
        (
            "cut: [AS1, 7]",
            "cut.1: expected a router's name, such as 'r7', or 'AS7' for the router of that AS in",
        ),
        (
            "blackhole: {network: 54113}",
            "blackhole: a blackhole drops what passes by, and a POP of the CDN is",
        ),
        ("blackhole: {router: POP2}", "blackhole: a blackhole drops what passes by, and a POP of the CDN is"),
    ],
)
@pytest.mark.parametrize("speakers", ["compact", "full"])
def test_events_that_would_do_nothing(
    event: str, expected: str, speakers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A number is no router's name; a POP of the CDN forwards nothing that it could drop."""
    network = f"network: {{generate: {{ases: 60}}, speakers: {speakers}, cdn: {{asn: 54113, pops: 3}}}}"
    Path("s.yaml").write_text(f"version: 1\nname: s\n{network}\ntimeline: [{{at: 1s, {event}}}]\n")

    assert main(["validate", "s.yaml"]) == 2
    assert f"timeline.0.{expected}" in capsys.readouterr().err


def test_the_worlds_cdn_is_no_blackhole_either(capsys: pytest.CaptureFixture[str]) -> None:
    """A provider is."""
    event = "timeline: [{at: 1s, blackhole: {network: %d}}]\n"
    (found,) = said(USER.replace("strategies", event % 54113 + "strategies"), capsys)

    assert found.startswith("7:32: timeline.0.blackhole: a blackhole drops what passes by")
    assert said(USER.replace("strategies", event % 1299 + "strategies"), capsys, code=0) == []


HINT = "; this graph is another for every seed of the scenario: `generate: {seed: N}` keeps one"


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ("  prefixes: {AS99: [203.0.113.0/24]}\n", "unknown router 'AS99': it is not in the graph"),
        ("  collectors: {rv: [99]}\n", "AS 99 is not in the graph"),
        (
            "timeline: [{at: 1s, outage: {network: 99}}]\n",
            "AS99 is not in this network; among others it has: ",
        ),
        ("timeline: [{at: 1s, cut: [AS59, AS60]}]\n", "no link joins 'AS59' and 'AS60'"),
        ("timeline: [{at: 1s, withdraw: {provider: 60}}]\n", "AS60 is no provider of the CDN; they are: "),
    ],
)
def test_another_seed_is_another_graph(added: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Said where the graph follows the scenario's seed, and not where it has its own."""
    head = "version: 1\nname: s\nnetwork:\n  generate: {ases: 60SEED}\n  cdn: {asn: 54113, pops: 3}\n"
    for seed, is_said in (("", True), (", seed: 4", False)):
        Path("s.yaml").write_text(head.replace("SEED", seed) + added)
        assert main(["validate", "s.yaml"]) == 2
        told = capsys.readouterr().err.splitlines()[0]
        assert expected in told
        assert told.endswith(HINT) is is_said


def test_providers_that_are_named_do_not_depend_on_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """And neither does what is said of another one."""
    Path("s.yaml").write_text(
        "version: 1\nname: s\nnetwork: {generate: {ases: 60}, cdn: {asn: 54113, pops: 3, transit: [1]}}\n"
        "timeline: [{at: 1s, withdraw: {provider: 60}}]\n"
    )

    assert main(["validate", "s.yaml"]) == 2
    assert capsys.readouterr().err.splitlines()[0].endswith("AS60 is no provider of the CDN; they are: 1")


def test_a_prefix_is_withdrawn_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A repair announces it again, and the repair of an announcement leaves what was there before it."""
    events = [
        "at: 1s, withdraw: 10.0.0.0/8, router: r0, repair_after: 5s",
        "at: 3s, withdraw: 10.0.0.0/8, router: r0",  # not there
        "at: 8s, withdraw: 10.0.0.0/8, router: r0",
        "at: 9s, withdraw: 10.0.0.0/8, router: r0",  # not there
        "at: 9s, announce: 10.0.0.0/8, router: r1",
        "at: 10s, announce: 10.0.0.0/8, router: r1, repair_after: 1s",
        "at: 12s, withdraw: 10.0.0.0/8, router: r1",
        "at: 13s, withdraw: 10.0.0.0/8, router: r1",  # not there
        "at: 14s, withdraw: 10.1.0.0/16, router: r1",  # never was
    ]
    routers = "{r0: {asn: 1, prefixes: [10.0.0.0/8]}, r1: {asn: 2}}"
    network = f"network: {{routers: {routers}, links: [{{ends: [r0, r1], delay: 1ms}}]}}\n"
    text = f"version: 1\nname: l\n{network}timeline:\n" + "".join(f"  - {{{one}}}\n" for one in events)

    assert [line.split(": ", 1)[1] for line in said(text, capsys)] == [
        "timeline.1.withdraw: router 'r0' does not announce 10.0.0.0/8 at that time",
        "timeline.3.withdraw: router 'r0' does not announce 10.0.0.0/8 at that time",
        "timeline.7.withdraw: router 'r1' does not announce 10.0.0.0/8 at that time",
        "timeline.8.withdraw: router 'r1' has not announced 10.1.0.0/16 by then",
    ]
