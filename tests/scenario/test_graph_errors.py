"""Mistakes in scenarios on AS graphs: located, explained, one message each, exit code 2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.cli.main import main
from emulator.errors import ScenarioError
from emulator.scenario.build import build
from emulator.scenario.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable

    Problems = Callable[[str], list[str]]

RELATIONSHIPS = "1|2|-1\n2|3|-1\n1|4|0\n4|5|-1\n3|5|0\n"
PLAIN = """\
version: 1
name: g
network:
  as_relationships: rel.txt
  prefixes: {AS3: [203.0.113.0/24]}
"""
CDN = """\
version: 1
name: g
network:
  as_relationships: rel.txt
  cdn: {asn: 54113, pops: {AMS: {transit: [2]}, SIN: {transit: [4], peers: [3]}}}
strategies: {anycast: {kind: anycast}}
"""
POPS = "{AMS: {transit: [2]}, SIN: {transit: [4], peers: [3]}}"
ELSEWHERE = "say `network: {speakers: full}`, for up to 2,000 routers"


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """What is said of a scenario beside a file of five ASes; nothing where it is right."""
    monkeypatch.delenv("IPA_EMULATOR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("rel.txt").write_text(RELATIONSHIPS)

    def said(text: str) -> list[str]:
        Path("s.yaml").write_text(text)
        try:
            build(load("s.yaml"))
        except ScenarioError as error:
            return [str(problem) for problem in error.problems]
        return []

    return said


def test_a_right_scenario_has_no_problems(problems: Problems) -> None:
    """The texts that the other tests break are right before, and so is everything that may be said."""
    may_be = [
        "bgp: {flap_damping: 'off', mrai_clock: 0s, roles: false, graceful_restart: 'off'}\n",
        "timeline:\n  - {at: 1s, withdraw: 203.0.113.0/24, router: AS3, repair_after: 1s}\n",
        "timeline:\n  - {at: 1s, announce: 203.0.113.0/24, router: AS5}\n",
        "  links: [{ends: [33, 44], relationship: peer}, {ends: [44, 3], relationship: peer}]\n",
        "  collectors: {rv: [3, 5]}\n",
    ]
    assert problems(CDN) == []
    assert [problems(PLAIN + each) for each in may_be] == [[]] * len(may_be)
    assert problems(CDN + "timeline: [{at: 1s, withdraw: 198.18.0.0/24, router: AMS}]\n") == []
    assert problems(CDN + "expect: ['catchments.shared.end.AMS.ases >= 1']\n") == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "rel.txt",
            "nope.txt",
            "s.yaml:4:21: network.as_relationships: there is no file 'nope.txt'; IPA_EMULATOR_DATA may name ",
        ),
        ("rel.txt", ".", "s.yaml:4:21: network.as_relationships: "),
        (
            "  prefixes: {AS3: [203.0.113.0/24]}\n",
            "",
            "s.yaml:4:3: network: nothing is announced: give `prefixes` or a `cdn`, or announce in the timel",
        ),
        ("AS3", "AS7", "s.yaml:5:19: network.prefixes.AS7: unknown router 'AS7': it is not in the graph"),
        (
            "AS3",
            "r3",
            "s.yaml:5:18: network.prefixes.r3: expected a router of this network, called AS and its",
        ),
        ("AS3", "AS03", "s.yaml:5:20: network.prefixes.AS03: expected a router of this network, called AS"),
        (
            ".0/24]",
            ".0/24, 203.0.113.0/24]",
            "s.yaml:5:36: network.prefixes.AS3.1: 203.0.113.0/24 is given twice",
        ),
        (
            "[203.0.113.0/24]",
            f"[{', '.join(f'203.0.{i}.0/24' for i in range(70))}]",
            "s.yaml:4:3: network: compact speakers have at most 62 prefixes, not 70: have fewer, or say",
        ),
        (
            "  prefixes:",
            "  generate: {ases: 50}\n  prefixes:",
            "s.yaml:5:3: network.generate: unknown key 'generate'; known keys: link_delay, ",
        ),
        (
            "as_relationships: rel.txt",
            "generate: {ases: 5}",
            "s.yaml:4:20: network.generate.ases: expected at least 10, got the number 5",
        ),
        (
            "as_relationships: rel.txt",
            "generate: {ases: 50, links: 20}",
            "s.yaml:4:13: network.generate: 50 ASes with this seed: expected 104 to 1,225 links, found 20",
        ),
        (
            "as_relationships: rel.txt",
            "generate: {ases: 5000}\n  speakers: full",
            "s.yaml:5:13: network.speakers: full speakers are for up to 2,000 routers; this graph has 5,000",
        ),
    ],
)
def test_the_graph_and_what_is_announced(old: str, new: str, expected: str, problems: Problems) -> None:
    """Files, generators, and prefixes by name."""
    assert [one[: len(expected)] for one in problems(PLAIN.replace(old, new, 1))] == [expected]


def test_a_broken_file_is_reported_by_its_own_lines(problems: Problems) -> None:
    """Every one of them, with its place in that file."""
    Path("rel.txt").write_text("1|2|-1\n1|x|0\n2|3\n2|2|0\n1|2|0\n")

    assert problems(PLAIN) == [
        "rel.txt:2:3: expected an AS number from 1 to 4294967295, found 'x'",
        "rel.txt:3:1: expected <provider>|<customer>|-1 or <peer>|<peer>|0, found '2|3'",
        "rel.txt:4:1: AS2 is given a link to itself",
        "rel.txt:5:1: AS1 and AS2 contradict line 1: here peers, there AS1 provider of AS2",
    ]


def test_files_are_looked_for_among_the_users_data(
    tmp_path: Path, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the scenario first, then where IPA_EMULATOR_DATA says; the message names both places."""
    data = tmp_path / "data"
    (data / "bring-your-own").mkdir(parents=True)
    Path("rel.txt").rename(data / "bring-your-own" / "rel.txt")
    monkeypatch.setenv("IPA_EMULATOR_DATA", str(data))

    assert problems(PLAIN) == []
    (found,) = problems(PLAIN.replace("rel.txt", "nope.txt"))
    assert found.endswith(f"there is no file 'nope.txt'; nor is it in IPA_EMULATOR_DATA, {data}")


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ("collectors: {rv: [3, 77]}", "6:24: network.collectors.rv.1: AS 77 is not in the graph"),
        ("collectors: {rv: [3, 3]}", "6:24: network.collectors.rv.1: AS 3 is given twice"),
        ("collectors: {rv: []}", "6:20: network.collectors.rv: expected at least 1 items, got 0"),
        (
            "collectors: {AS5: [3]}",
            "6:21: network.collectors.AS5: expected a name that is not an AS number",
        ),
        ("colectors: {rv: [3]}", "6:3: network.colectors: unknown key 'colectors' (did you mean 'collecto"),
        (
            "links: [{ends: [3, 3], relationship: peer}]",
            "6:18: network.links.0.ends: expected two ASes, got 3 twice",
        ),
        (
            "links: [{ends: [3, 4], relationship: peer}, {ends: [4, 3], relationship: peer}]",
            "6:54: network.links.1.ends: this pair is given twice",
        ),
        (
            "links: [{ends: [33, 44], relationship: peer}]",
            "6:18: network.links.0.ends: neither AS 33 nor AS 44 is in the graph, or linked to what is",
        ),
        (
            "links: [{ends: [3, 4], relationship: sibling}]",
            "6:40: network.links.0.relationship: expected 'customer-provider' or 'peer', got 'sibling'",
        ),
        ("link_delay: {uniform: [5ms, 2ms]}", "6:25: network.link_delay.uniform: expected the lower durat"),
        ("link_delay: 5", "6:15: network.link_delay: expected a duration with its unit, such as "),
    ],
)
def test_what_is_added_to_the_graph(added: str, expected: str, problems: Problems) -> None:
    """Collectors and links."""
    found = problems(f"{PLAIN}  {added}\n")

    assert [one[: len(expected) + 7] for one in found] == [f"s.yaml:{expected}"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[2]", "[22]", "network.cdn.pops.AMS.transit.0: AS 22 is not in the graph"),
        ("[3]", "[33]", "network.cdn.pops.SIN.peers.0: AS 33 is not in the graph (did you mean '3'?)"),
        ("{transit: [2]}", "{}", "network.cdn.pops.AMS: nobody would hear of it: give `transit` or `peers`"),
        ("[2]", "[2, 2]", "network.cdn.pops.AMS.transit.1: AS 2 is given twice"),
        ("[2]", "[54113]", "network.cdn.pops.AMS.transit.0: AS 54113 is the CDN"),
        ("AMS:", "AS9:", "network.cdn.pops.AS9: expected a code that is not an AS number"),
        ("pops:", "transit: [2, 1], pops:", "network.cdn.transit.1: no POP has a session with AS 1"),
        ("pops:", "transit: [2, 2], pops:", "network.cdn.transit.1: AS 2 is given twice"),
        (POPS, "3, transit: [2, 44]", "network.cdn.transit.1: AS 44 is not in the graph (did you mean '4'?)"),
        (POPS, "0", "network.cdn.pops: expected at least 1, got the number 0"),
        (POPS, "lots", "network.cdn.pops: expected a whole number, got 'lots'"),
        (
            POPS,
            "[AMS]",
            "network.cdn.pops: expected a number of POPs, or POPs by code such as {AMS: {transit",
        ),
        (
            "strategies",
            "  collectors: {AMS: [3]}\nstrategies",
            "network.collectors.AMS: 'AMS' is a POP already",
        ),
        (
            "strategies",
            "  collectors: {rv: [54113]}\nstrategies",
            "network.collectors.rv.0: AS 54113 is the CDN, which feeds no collector",
        ),
        (
            "strategies",
            "  links: [{ends: [54113, 3], relationship: peer}]\nstrategies",
            "network.links.0.ends.0: AS 54113 is the CDN, whose neighbours are given at its POPs",
        ),
        (
            "strategies",
            "  prefixes: {AS54113: [203.0.113.0/24]}\nstrategies",
            "network.prefixes.AS54113: 'AS54113' is the CDN: name one of its POPs, AMS, SIN",
        ),
        (
            "strategies",
            "  collectors: {rv: [3]}\n  prefixes: {rv: [203.0.113.0/24]}\nstrategies",
            "network.prefixes.rv: 'rv' is a collector, which only listens",
        ),
        (
            "transit: [2]",
            "transit: [{asn: 2, prepend: 40}]",
            "network.cdn.pops.AMS.transit.0.prepend: expected at most 32, got the number 40",
        ),
        (
            f"{POPS}}}\n",
            "60}\n",
            "network: compact speakers have at most 62 prefixes, not 66; `unicast` takes one a POP, 60: have",
        ),
    ],
)
def test_the_cdn_fits_together(old: str, new: str, expected: str, problems: Problems) -> None:
    """POPs, their neighbours, the providers' order."""
    text = CDN.replace(old, new, 1)
    if "unicast" in expected:
        text = text.replace("{anycast: {kind: anycast}}", "{i: {kind: ipa}, u: {kind: unicast}}")
    found = [one.split(": ", 1)[1] for one in problems(text)]

    assert [one[: len(expected)] for one in found] == [expected]


EVENTS_IN_ANY_GRAPH = [
    ("{at: 1s, outage: {router: AS33}}", "outage.router: unknown router 'AS33'"),
    ("{at: 1s, outage: {router: r3}}", "outage.router: expected a router of this network, called AS and its"),
    ("{at: 1s, outage: {network: 33}}", "outage.network: AS33 is not in this network"),
    ("{at: 1s, blackhole: {network: 33}}", "blackhole.network: AS33 is not in this network"),
    ("{at: 1s, leak: {router: AS33}}", "leak.router: unknown router 'AS33'"),
    ("{at: 1s, cut: [AS2, AS5]}", "cut: no link joins 'AS2' and 'AS5'"),
    ("{at: 1s, cut: [AS5, AS55]}", "cut.1: unknown router 'AS55'"),
    ("{at: 1s, cut: [AS1, AS1]}", "cut: expected two routers, got 'AS1' twice"),
    ("{at: 1s, cut: {cable: X}}", "cut.cable: only the world has cables and segments: cut a link [router,"),
    ("{at: 1s, repair: [AS1, AS2]}", "repair: nothing of that name is cut before"),
    ("{at: 1s, reset: [AS1, AS1]}", "reset: expected two routers, got 'AS1' twice"),
    ("{at: 1s, degrade: {link: [AS2, AS5], delay: +3ms}}", "degrade.link: no link joins 'AS2' and 'AS5'"),
    ("{at: 1s, degrade: {network: 55, delay: +3ms}}", "degrade.network: AS55 is not in this network"),
    (
        "{at: 1s, degrade: {network: 5, between: [Paris, Lyon], delay: +3ms}}",
        "degrade.between: an AS graph has no cities: leave `between` out, for every link into the AS",
    ),
]


@pytest.mark.parametrize("speakers", ["compact", "full"])
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        *EVENTS_IN_ANY_GRAPH,
        ("{at: 1s, outage: {pop: AMS}}", "outage.pop: only a CDN has POPs: name a router"),
        ("{at: 1s, withdraw: {provider: 2}}", "withdraw.provider: only a CDN has providers: name a prefix"),
        (
            "{at: 1s, withdraw: 203.0.114.0/24, router: AS3}",
            "withdraw: router 'AS3' has not announced 203.0.114.0/24 by then",
        ),
    ],
)
def test_events(event: str, expected: str, speakers: str, problems: Problems) -> None:
    """Events about what does not exist, the same whoever speaks."""
    head = PLAIN.replace("  prefixes", f"  speakers: {speakers}\n  prefixes")
    found = problems(f"{head}timeline:\n  - {event}\n")

    assert [one.split(": timeline.0.")[1][: len(expected)] for one in found] == [expected]


def test_a_reset_needs_a_session(problems: Problems) -> None:
    """Compact speakers are not looked at by the check of sessions that full ones have."""
    event = "timeline:\n  - {at: 1s, reset: [AS2, AS5]}\n"

    assert problems(PLAIN + event) == ["s.yaml:7:21: timeline.0.reset: no link joins 'AS2' and 'AS5'"]
    (found,) = problems(PLAIN.replace("  prefixes", "  speakers: full\n  prefixes") + event)
    assert "timeline.0.reset: 'AS2' has no session with 'AS5'; it has with: AS1, AS3" in found


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            "{at: 1s, outage: {pop: AMX}}",
            "outage.pop: unknown POP 'AMX' (did you mean 'AMS'?); known: AMS, SIN",
        ),
        ("{at: 1s, outage: {router: AS54113}}", "outage.router: 'AS54113' is the CDN: name one of its POPs"),
        (
            "{at: 1s, withdraw: {provider: 5}}",
            "withdraw.provider: AS5 is no provider of the CDN; they are: 2, 4",
        ),
        ("{at: 1s, withdraw: {provider: 2, pop: SIN}}", "withdraw: POP 'SIN' has no session with AS2"),
        ("{at: 1s, withdraw: {provider: 2, pop: SYN}}", "withdraw.pop: unknown POP 'SYN' (did you mean 'SI"),
        (
            "{at: 1s, withdraw: 203.0.114.0/24, router: AS3}",
            "withdraw: router 'AS3' does not announce 203.0.114.0/24 at that time",
        ),
        (
            "{at: 1s, withdraw: 198.18.0.0/24, router: AS3}",
            "withdraw: router 'AS3' does not announce 198.18.0.0/24 at that time",
        ),
    ],
)
def test_events_of_the_cdn(event: str, expected: str, problems: Problems) -> None:
    """POPs and providers that it does not have, prefixes that are not announced."""
    found = problems(f"{CDN}timeline:\n  - {event}\n")

    assert [one.split(": timeline.0.")[1][: len(expected)] for one in found] == [expected]


def test_pops_that_are_only_counted_have_codes_too(problems: Problems) -> None:
    """The message says which."""
    (found,) = problems(CDN.replace(POPS, "3") + "timeline: [{at: 1s, outage: {pop: AMS}}]\n")

    assert found.endswith("timeline.0.outage.pop: unknown POP 'AMS'; known: POP1, POP2, POP3")


@pytest.mark.parametrize(
    ("setting", "key", "why"),
    [
        ("flap_damping: {half_life: 1min}", "flap_damping", "do not know this"),
        ("mrai_clock: 1s", "mrai_clock", "do not know this"),
        ("batch_delay: 5ms", "batch_delay", "do not know this"),
        ("first_advertisement_delay: 1s", "first_advertisement_delay", "do not know this"),
        ("roles: true", "roles", "do not know this"),
        ("max_prefixes: {limit: 3}", "max_prefixes", "do not know this"),
        ("graceful_restart: {restart_time: 120s}", "graceful_restart", "do not know this"),
        ("rov: {vrps: x.csv}", "rov", "do not know this"),
        ("require_policy: true", "require_policy", "do not know this"),
        ("withdrawal_starts_mrai: true", "withdrawal_starts_mrai", "do not know this"),
        ("tie_break: oldest", "tie_break", "do not keep routes' ages"),
        ("withdrawals: with-pending", "withdrawals", "hold all withdrawals or none"),
        ("like: frr", "like", "have no vendor's habits"),
    ],
)
def test_settings_that_only_full_speakers_have(setting: str, key: str, why: str, problems: Problems) -> None:
    """Each is refused where it stands, with the way out."""
    (found,) = problems(f"{PLAIN}bgp: {{{setting}}}\n")

    assert found == f"s.yaml:6:{9 + len(key)}: bgp.{key}: compact speakers {why}: {ELSEWHERE}"


def test_verbs_that_only_full_speakers_have(problems: Problems) -> None:
    """And what announcements may carry; all problems at once, in the order of the file."""
    events = [
        ("restart: AS1", "restart", "do not know this"),
        ("drain: {router: AS1}", "drain", "do not know this"),
        ("refresh: [AS1, AS2]", "refresh", "do not know this"),
        ("shutdown: [AS1, AS2]", "shutdown", "do not know this"),
        ("announce: 203.0.113.0/24, router: AS1, med: 5", "med", "carry AS paths only"),
        ("announce: 203.0.113.0/24, router: AS2, communities: ['1:2']", "communities", "carry AS paths only"),
    ]
    found = problems(f"{PLAIN}timeline:\n" + "".join(f"  - {{at: 1s, {event}}}\n" for event, _, _ in events))

    assert [one.split(": ", 1)[1] for one in found] == [
        f"timeline.{index}.{key}: compact speakers {why}: {ELSEWHERE}"
        for index, (_, key, why) in enumerate(events)
    ]


@pytest.mark.parametrize("detection", ["hold-timer", "{bfd: {interval: 300ms, multiplier: 3}}"])
def test_sessions_lost_silently_do_not_come_back(detection: str, problems: Problems) -> None:
    """A repair with the cut, or one of its own; what is cut for good may be lost silently."""
    found = problems(
        f"{PLAIN}bgp: {{failure_detection: {detection}}}\ntimeline:\n"
        "  - {at: 1s, cut: [AS1, AS2], repair_after: 5s}\n"
        "  - {at: 1s, cut: [AS2, AS3]}\n"
        "  - {at: 9s, repair: [AS2, AS3]}\n"
    )

    assert [one.split(": ")[1] for one in found] == ["timeline.0.repair_after", "timeline.2.repair"]
    assert all(one.endswith("or take `failure_detection: interface`") for one in found)


@pytest.mark.parametrize(
    ("weight", "content", "expected"),
    [
        (
            "nope.csv",
            None,
            ["s.yaml:6:32: clients.population.weight: expected `customer-cone`, `uniform` or a "],
        ),
        (
            "customer-cones",
            None,
            ["s.yaml:6:32: clients.population.weight: expected `customer-cone`, `unifor"],
        ),
        (
            "w.csv",
            b"99,5\n",
            ["s.yaml:6:32: clients.population.weight: none of the ASes in 'w.csv' is in the"],
        ),
        ("w.csv", b"\xff\xfe\x00", ["s.yaml:6:32: clients.population.weight: 'w.csv' is not text in UTF-8"]),
        (
            "w.csv",
            b"asn,weight\n1,5\nx,3\n2,-1\n3\n4,nan\n",
            [
                "w.csv:3:1: expected an AS number and a weight, got 'x,3'",
                "w.csv:4:1: expected an AS number and a weight, got '2,-1'",
                "w.csv:5:1: expected an AS number and a weight, got '3'",
                "w.csv:6:1: expected an AS number and a weight, got '4,nan'",
            ],
        ),
        ("w.csv", b"asn,weight\n1,5\n99,1\n", []),
    ],
)
def test_weights(weight: str, content: bytes | None, expected: list[str], problems: Problems) -> None:
    """A file that is absent, empty for this graph, no text, or has lines that are not right."""
    if content is not None:
        Path(weight).write_bytes(content)
    found = problems(f"{PLAIN}clients: {{population: {{weight: {weight}}}}}\n")

    assert [one[: len(wanted)] for one, wanted in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (
            "strategies: {i: {kind: ipa}}",
            "6:24: strategies.i.kind: expected `anycast` without a CDN: the others need `network: {cdn: ..",
        ),
        (
            "clients: {groups: [{router: AS1}]}",
            "6:19: clients.groups: an AS graph draws its groups: say `population`",
        ),
        (
            "expect: ['catchment.shared.end.AMS.ases > 1']",
            "6:10: expect.0: 'catchment' is neither a strategy nor event[...] (did you mean 'catchments'?)",
        ),
        ("expect: ['event[0].quiescent == true']", "6:10: expect.0: there is no event[0]: the timeline is e"),
    ],
)
def test_clients_and_expectations(added: str, expected: str, problems: Problems) -> None:
    """What needs a CDN, or another form of network."""
    assert [one[: len(expected) + 7] for one in problems(f"{PLAIN}{added}\n")] == [f"s.yaml:{expected}"]


def test_only_graphs_draw_their_clients(problems: Problems) -> None:
    """`population` means nothing in a lab; said as it is by default, it does no harm."""
    lab = "version: 1\nname: l\nnetwork: {routers: {r0: {asn: 1}}}\nclients: {population: {count: %d}}\n"

    assert problems(lab % 5) == ["s.yaml:4:23: clients.population: only an AS graph draws its groups"]
    assert problems(lab % 500) == []


def test_prepending_is_for_compact_speakers(problems: Problems) -> None:
    """The other way round."""
    text = CDN.replace("transit: [2]", "transit: [{asn: 2, prepend: 2}]")

    assert problems(text) == []
    (found,) = problems(text.replace("  cdn", "  speakers: full\n  cdn"))
    assert "network.cdn.pops: full speakers take no `prepend` of a POP: leave it out, or say `spea" in found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run"], "s.yaml:7:25: timeline.0.cut.1: unknown router 'AS55'"),
        (["run", "--pcap", "AS1-AS2"], "unknown router 'AS55'"),
        (["explain", "--router", "AS1", "--prefix", "203.0.113.1"], "unknown router 'AS55'"),
    ],
)
def test_the_program_ends_with_2_and_no_traceback(
    arguments: list[str], expected: str, problems: Problems, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever command meets the mistake."""
    problems(f"{PLAIN}timeline:\n  - {{at: 1s, cut: [AS5, AS55]}}\n")

    assert main([arguments[0], "s.yaml", *arguments[1:]]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said
