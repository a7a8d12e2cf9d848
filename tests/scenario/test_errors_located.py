"""Every mistake in a scenario is located, explained, and reported together with all others."""

from __future__ import annotations

import pytest

from emulator.errors import ScenarioError
from emulator.scenario.loader import loads

HEAD = """\
version: 1
name: lab
network:
  routers:
    r0: {asn: 65000}
    r1: {asn: 65001}
    r2: {asn: 65002}
  links:
    - {ends: [r0, r1], delay: 10ms}
    - {ends: [r1, r2], delay: 10ms}
"""
WORLD = """\
version: 1
name: world
network:
  world: builtin
  networks:
    - {asn: 1299}
    - {asn: 174, cities: [Paris]}
  cdn: {asn: 54113, pops: [LHR, SIN], transit: [{asn: 1299, pops: [LHR]}, {asn: 174, pops: [SIN]}]}
"""


def problems(text: str) -> list[str]:
    """What the loader says of ``text``; nothing where it is right."""
    try:
        loads(text, "s.yaml")
    except ScenarioError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_right_scenario_has_no_problems() -> None:
    """The texts that the other tests break are right before."""
    assert (problems(HEAD), problems(WORLD)) == ([], [])


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (
            "sed: 3\n",
            "s.yaml:11:1: sed: unknown key 'sed' (did you mean 'seed'?); known keys: version, name, ",
        ),
        ("seed: -1\n", "s.yaml:11:7: seed: expected at least 0, got the number -1"),
        ("seed: 1.5\n", "s.yaml:11:7: seed: expected a whole number, got the number 1.5"),
        ("seed: true\n", "s.yaml:11:7: seed: expected a whole number, got true"),
        ("seed: '1'\n", "s.yaml:11:7: seed: expected a whole number, got '1'"),
        ("description: 5\n", "s.yaml:11:14: description: expected text, got the number 5: quote it"),
        (
            "duration: 10\n",
            "s.yaml:11:11: duration: expected a duration with its unit, such as '35ms' or '10min', got",
        ),
        (
            "duration: -4s\n",
            "s.yaml:11:11: duration: expected a duration such as '35ms', got the negative '-4s'",
        ),
        (
            "duration: 0s\n",
            "s.yaml:11:11: duration: expected a duration with its unit, such as '35ms' or '10min', mo",
        ),
        (
            "duration: 3 weeks\n",
            "s.yaml:11:11: duration: expected a duration such as '35ms', got '3 weeks'; known un",
        ),
        ("duration: 99999d\n", "s.yaml:11:11: duration: expected at most 3650d, got '99999d'"),
        ("duration: 0.4ns\n", "s.yaml:11:11: duration: '0.4ns' is finer than 1 ns"),
        (
            "settle: slove\n",
            "s.yaml:11:9: settle: expected 'solve' or 'simulate', got 'slove' (did you mean 'solve'?)",
        ),
        ("timeline: {}\n", "s.yaml:11:11: timeline: expected a list, got an empty mapping"),
        ("phases: [1s]\n", "s.yaml:11:9: phases: expected a mapping, got a list"),
        (
            "bgp: {mrai: {0s: 60%, 1x: 40%}}\n",
            "s.yaml:11:23: bgp.mrai.1x: expected a duration such as '35ms', got '1x'",
        ),
        ("bgp: {mrai: {0s: 60%}}\n", "s.yaml:11:13: bgp.mrai: expected shares that add up to 100%, got 60"),
        ("bgp: {mrai_jitter: [1]}\n", "s.yaml:11:20: bgp.mrai_jitter.1: expected 2 items or more, got 1"),
        ("bgp: {mrai_jitter: [1, 0.5]}\n", "s.yaml:11:20: bgp.mrai_jitter: expected the lower factor first"),
        (
            "bgp: {mrai_jitter: [.nan, 1]}\n",
            "s.yaml:11:21: bgp.mrai_jitter.0: expected a finite number, got .nan",
        ),
        (
            "bgp: {mrai_jitter: [1e999, 1]}\n",
            "s.yaml:11:21: bgp.mrai_jitter.0: expected a finite number, got 1e999",
        ),
        (
            "bgp: {processing_delay: {unifrom: [1s, 2s]}}\n",
            "s.yaml:11:26: bgp.processing_delay.unifrom: unknown key 'un",
        ),
        (
            "bgp: {flap_damping: on}\n",
            "s.yaml:11:21: bgp.flap_damping: expected 'off' or {half_life: 15min, ...}, got",
        ),
        (
            "bgp: {hold_time: 2s}\n",
            "s.yaml:11:18: bgp.hold_time: expected 0s, or 3s and more (RFC 4271 4.2), got '2s'",
        ),
        (
            "bgp: {keepalive: 90s}\n",
            "s.yaml:11:18: bgp.keepalive: expected less than the hold time of 90s, or every ",
        ),
        ("igp: {spf_hold: 6s}\n", "s.yaml:11:17: igp.spf_hold: expected at most `spf_max`, 5s"),
        (
            "duration: 1s\nduration: 2s\n",
            "s.yaml:12:1: duration: duplicate key 'duration', first given at 11:1",
        ),
        ("1: x\n", "s.yaml:11:1: 1: expected text as a key, got 1: quote it ('1')"),
        ("? [a]\n: x\n", "s.yaml:11:3: expected text as a key, got a list or mapping"),
        ("<<: {seed: 1}\n", "s.yaml:11:1: <<: merge keys (<<) are not in YAML 1.2: write the keys out"),
        (
            "seed: !!python/name:os.system x\n",
            "s.yaml:11:7: seed: tags are not read here, got tag:yaml.org,2002:pyth",
        ),
        (
            "seed: *nowhere\n",
            "s.yaml:11:7: seed: the alias *nowhere cannot be resolved: nothing has that anchor before",
        ),
        (
            "clients: {demand: 36000}\n",
            "s.yaml:11:19: clients.demand: expected a rate with its unit, such as '36k/s', g",
        ),
        (
            "clients: {hosts: [{name: a, share: 50%}]}\n",
            "s.yaml:11:18: clients.hosts: expected shares that add up to ",
        ),
        (
            "strategies: {1a: {kind: anycast}}\n",
            "s.yaml:11:14: strategies.1a: expected a strategy's name: a letter, ",
        ),
        (
            "strategies: {a: {kind: ipaa}}\n",
            "s.yaml:11:24: strategies.a.kind: unknown kind 'ipaa' (did you mean 'ipa'?)",
        ),
        (
            "strategies: {a: {}}\n",
            "s.yaml:11:17: strategies.a: missing key 'kind', one of: anycast, ipa, unicast, user",
        ),
        (
            "strategies: {a: {kind: anycast}}\n",
            "s.yaml:11:13: strategies: nobody would ask: a lab with strategies needs",
        ),
        ("clients: {groups: [{router: r9}]}\n", "s.yaml:11:29: clients.groups.0.router: unknown router 'r9'"),
        (
            "expect: [5]\n",
            "s.yaml:11:10: expect.0: expected an expectation such as 'ipa.lost_requests.share < 0.1%', got",
        ),
        ("expect: ['a < < 5']\n", "s.yaml:11:10: expect.0: expected a comparison such as"),
        (
            "expect: ['event[0].quiescent == true']\n",
            "s.yaml:11:10: expect.0: there is no event[0]: the timeline is em",
        ),
        (
            "expect: ['ipa.x < 1']\n",
            "s.yaml:11:10: expect.0: 'ipa' is neither a strategy nor event[...]; known: catchmen",
        ),
    ],
)
def test_one_mistake_one_message(added: str, expected: str) -> None:
    """A mistake gives exactly one message, with the place, what was expected and what was found."""
    found = problems(HEAD + added)

    assert [one[: len(expected)] for one in found] == [expected]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            "{at: 0s}",
            "timeline.0: expected what happens, one of: announce, withdraw, cut, repair, outage, blackhole",
        ),
        ("5", "timeline.0: expected an event such as {at: 1min, cut: [r0, r5]}, got the number 5"),
        (
            "{at: 0s, cutt: [r0, r1]}",
            "timeline.0.cutt: unknown verb 'cutt' (did you mean 'cut'?); known verbs: announ",
        ),
        (
            "{at: 0s, surge: {factor: 3}}",
            "timeline.0.surge: 'surge' is not in this version; known verbs: announce, ",
        ),
        (
            "{at: 0s, drain: {pop: SIN}}",
            "timeline.0.drain.pop: unknown key 'pop'; known keys: router, session",
        ),
        ("{at: 0s, drain: {}}", "timeline.0.drain: expected exactly one of `router` or `session`, got none"),
        (
            "{at: 0s, drain: {session: [r0, r2]}}",
            "timeline.0.drain.session: there is no link between 'r0' and 'r2'",
        ),
        (
            "{at: 0s, drain: {router: r1}, shut_after: 1d}",
            "timeline.0.shut_after: the shutdown would come after the end at ",
        ),
        (
            "{at: 0s, drain: {router: r1}, shut_after: 20s, repair_after: 10s}",
            "timeline.0.repair_after: the repair would come before the shutdown of `shut_after`",
        ),
        ("{at: 0s, leak: {router: rO}}", "timeline.0.leak.router: unknown router 'rO'"),
        ("{at: 0s, restart: rO}", "timeline.0.restart: unknown router 'rO'"),
        ("{at: 0s, shutdown: [r0, r0]}", "timeline.0.shutdown: expected two routers, got 'r0' twice"),
        (
            "{at: 0s, shutdown: [r0, r1], message: " + "ü" * 128 + "}",
            "timeline.0.message: expected at most 255 octets of UTF-8",
        ),
        ("{at: 0s, refresh: [r0, rx]}", "timeline.0.refresh.1: unknown router 'rx'"),
        (
            "{at: 0s, cut: [r0, r1], reset: [r0, r1]}",
            "timeline.0.reset: expected one verb an event, got cut and reset",
        ),
        ("{cut: [r0, r1]}", "timeline.0.at: missing key 'at'"),
        ("{at: 0s, cut: [r0, r9]}", "timeline.0.cut.1: unknown router 'r9'"),
        ("{at: 0s, cut: [r0, r2]}", "timeline.0.cut: there is no link between 'r0' and 'r2'"),
        ("{at: 0s, cut: [r0, r0]}", "timeline.0.cut: expected two routers, got 'r0' twice"),
        ("{at: 0s, cut: [r0, r1, r2]}", "timeline.0.cut: expected at most 2 items, got 3"),
        (
            "{at: 0s, cut: r0}",
            "timeline.0.cut: expected a link [router, router], {cable: ...} or {segment: [city, city]",
        ),
        (
            "{at: 0s, cut: {cable: X, betwen: [A, B]}}",
            "timeline.0.cut.betwen: unknown key 'betwen' (did you mean 'bet",
        ),
        (
            "{at: 0s, cut: {cable: X}}",
            "timeline.0.cut.cable: only the world has cables and segments: cut a link [route",
        ),
        ("{at: 0s, reset: [r0, r2]}", "timeline.0.reset: there is no link between 'r0' and 'r2'"),
        (
            "{at: 0s, reset: [r0, r1], repair_after: 1s}",
            "timeline.0.repair_after: unknown key 'repair_after'; known k",
        ),
        ("{at: 0s, repair: [r0, r1]}", "timeline.0.repair: nothing of that name is cut before"),
        ("{at: 30min, cut: [r0, r1]}", "timeline.0.at: expected a time before the end at 30min, got '30min'"),
        (
            "{at: 1s, cut: [r0, r1], repair_after: 2h}",
            "timeline.0.repair_after: the repair would come at 7201s, after t",
        ),
        (
            "{at: 0s, outage: {}}",
            "timeline.0.outage: expected exactly one of `pop` or `network` or `router`, got none",
        ),
        (
            "{at: 0s, outage: {router: r1, network: 65000}}",
            "timeline.0.outage: expected exactly one of `pop` or `network",
        ),
        ("{at: 0s, outage: {pop: SIN}}", "timeline.0.outage.pop: only a CDN has POPs: name a router"),
        (
            "{at: 0s, blackhole: {network: 5}}",
            "timeline.0.blackhole.network: there is no AS 5 in this scenario",
        ),
        (
            "{at: 0s, degrade: {link: [r0, r1]}}",
            "timeline.0.degrade: expected `delay`, `loss` or both, got none",
        ),
        (
            "{at: 0s, degrade: {link: [r0, r1], delay: -8ms}}",
            "timeline.0.degrade.delay: expected an added delay such",
        ),
        (
            "{at: 0s, degrade: {link: [r0, r1], loss: 101%}}",
            "timeline.0.degrade.loss: expected a share between 0% and",
        ),
        (
            "{at: 0s, announce: 203.0.113.0/24}",
            "timeline.0: expected `router`, the one that originates the prefix",
        ),
        (
            "{at: 0s, announce: 203.0.113.9/24, router: r0}",
            "timeline.0.announce: '203.0.113.9/24' has bits set beyond its length (did you mean '203.0.113.0",
        ),
        (
            "{at: 0s, announce: 203.0.113.0, router: r0}",
            "timeline.0.announce: expected a prefix such as '203.0.113.0/2",
        ),
        (
            "{at: 0s, announce: 203.0.113.0/24, router: rO}",
            "timeline.0.router: unknown router 'rO'",
        ),
        (
            "{at: 0s, withdraw: 203.0.113.0/24, router: r0}",
            "timeline.0.withdraw: router 'r0' has not announced 203.0.1",
        ),
        (
            "{at: 0s, announce: {provider: 174}, med: 5}",
            "timeline.0.med: `med` goes with a prefix, not with `provider`",
        ),
        (
            "{at: 0s, withdraw: 203.0.113.0/24, router: r0, med: 5}",
            "timeline.0.med: unknown key 'med'; known keys: ",
        ),
        (
            "{at: 0s, announce: 203.0.113.0/24, router: r0, communities: 65000}",
            "timeline.0.communities: expected a community such as '65000:100'",
        ),
        (
            "{at: 0s, withdraw: {provider: 174}}",
            "timeline.0.withdraw.provider: only a CDN has providers: name a prefix",
        ),
    ],
)
def test_events(event: str, expected: str) -> None:
    """Events that say nothing, too much, or something about what does not exist."""
    found = [one.split(": ", 1)[1] for one in problems(f"{HEAD}timeline:\n  - {event}\n")]

    assert [one[: len(expected)] for one in found] == [expected]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("{ends: [r0, rx], delay: 1ms}", "network.links.2.ends.1: unknown router 'rx'"),
        ("{ends: [r0, r0], delay: 1ms}", "network.links.2.ends: expected two routers, got 'r0' twice"),
        (
            "{ends: [r0, r2], delay: 1ms, igp_cost: 5}",
            "network.links.2.igp_cost: only a link inside an AS has an IGP",
        ),
        ("{ends: [r0, r2], latency: 1ms}", "network.links.2.delay: missing key 'delay'"),
    ],
)
def test_links(link: str, expected: str) -> None:
    """Links between routers that do not exist, or with keys that mean nothing there."""
    found = [one.split(": ", 1)[1] for one in problems(f"{HEAD}    - {link}\n")]

    assert [one[: len(expected)] for one in found][:1] == [expected]


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        ("[[r1, r2], [r1]]", None),
        ("[[r2]]", "network.routers.r0.rank_paths.0.0: there is no link between 'r0' and 'r2'"),
        (
            "[[r1, r0]]",
            "network.routers.r0.rank_paths.0: expected a path without loops, from the next router",
        ),
        ("[[r1], [r1]]", "network.routers.r0.rank_paths.1: this path is given twice"),
        ("[[r1, r7]]", "network.routers.r0.rank_paths.0.1: unknown router 'r7'"),
        ("[[]]", "network.routers.r0.rank_paths.0: expected at least 1 items, got 0"),
    ],
)
def test_ranked_paths_are_paths(ranking: str, expected: str | None) -> None:
    """A ranked path follows links, from a neighbour on, without loops."""
    text = HEAD.replace("r0: {asn: 65000}", f"r0: {{asn: 65000, rank_paths: {ranking}}}")
    found = [one.split(": ", 1)[1] for one in problems(text)]

    assert [one[: len(expected or "")] for one in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[LHR, SIN]", "[LHR, LHR, SIN]", "network.cdn.pops.1: POP 'LHR' is given twice"),
        (
            "pops: [SIN]}",
            "pops: [SYN]}",
            "network.cdn.transit.1.pops.0: unknown POP 'SYN' (did you mean 'SIN'?)",
        ),
        (
            "pops: [SIN]}]",
            "pops: [SIN]}, 3356]",
            "network.cdn.transit.2: AS 3356 is not in `network.networks`",
        ),
        ("pops: [SIN]}]", "pops: [SIN]}, 1299]", "network.cdn.transit.2: AS 1299 is given twice"),
        (
            "{asn: 1299}",
            "{asn: 1299, upstreams: [7]}",
            "network.networks.0.upstreams.0: AS 7 is not among the other",
        ),
        (
            "{asn: 1299}",
            "{asn: 1299, kind: acces}",
            "network.networks.0.kind: expected 'transit' or 'access', got 'acces'",
        ),
        ("{asn: 1299}", "{asn: 0}", "network.networks.0.asn: expected at least 1, got the number 0"),
        (
            "{asn: 1299}",
            "{generate: acess, count: 5}",
            "network.networks.0.generate: expected 'access', got 'acess' (di",
        ),
        (
            "pops: [SIN]}]",
            "pops: [SIN]}, AS7]",
            "network.cdn.transit.2: expected a whole number, got 'AS7'",
        ),
    ],
)
def test_the_world_fits_together(old: str, new: str, expected: str) -> None:
    """The CDN's POPs and providers, and the networks."""
    found = [one.split(": ", 1)[1] for one in problems(WORLD.replace(old, new, 1))]

    assert expected in [one[: len(expected)] for one in found]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (
            "{kind: ipa, floor: 60%}",
            "strategies.s.floor: 2 providers leave each at most 50.0%, got a floor of 60.0%",
        ),
        (
            "{kind: ipa, cap: 40%}",
            "strategies.s.cap: 2 providers must take at least 50.0% each, got a cap of 40.0%",
        ),
        ("{kind: ipa, floor: 50%, cap: 40%}", "strategies.s.floor: expected at most `cap`, 0.4; got 0.5"),
        ("{kind: user}", "strategies.s.class: missing key 'class'"),
        (
            "{kind: user, class: 'os.system'}",
            "strategies.s.class: expected a class such as 'package.module:Class', got",
        ),
        ("{kind: anycast, cover: true}", "strategies.s.cover: unknown key 'cover'; known keys: kind, ttl"),
    ],
)
def test_strategies(strategy: str, expected: str) -> None:
    """Bounds that no shares can keep, keys of another kind, classes that are none."""
    found = [one.split(": ", 1)[1] for one in problems(f"{WORLD}strategies:\n  s: {strategy}\n")]

    assert [one[: len(expected)] for one in found] == [expected]


def test_all_mistakes_at_once_in_file_order() -> None:
    """Mistakes of text, form and duplicate keys come together, from the top of the file down."""
    text = (
        "version: 2\nname: a b\nnetwork:\n  routers: {r0: {asn: .inf, asn: 5}}\nseed: x\nseed: 3\n"
        "timeline:\n  - {at: 5, cut: [r0]}\n"
    )

    assert [one.split(": ", 2)[:2] for one in problems(text)] == [
        ["s.yaml:1:10", "version"],
        ["s.yaml:2:7", "name"],
        ["s.yaml:4:23", "network.routers.r0.asn"],
        ["s.yaml:4:29", "network.routers.r0.asn"],
        ["s.yaml:5:7", "seed"],
        ["s.yaml:6:1", "seed"],
        ["s.yaml:8:10", "timeline.0.at"],
        ["s.yaml:8:18", "timeline.0.cut.1"],
    ]


def test_a_later_stage_can_locate_its_own_problems() -> None:
    """`Loaded.problem` finds the value at a path, and what is around a missing thing."""
    loaded = loads(HEAD, "s.yaml")
    path = ("network", "links", 1, "delay")

    assert str(loaded.problem(path, "too long")) == "s.yaml:10:31: network.links.1.delay: too long"
    assert str(loaded.problem(("bgp", "mrai"), "x")) == "s.yaml:1:1: bgp.mrai: x"
