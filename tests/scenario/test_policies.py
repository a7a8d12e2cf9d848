"""``policies:`` from the file to what routers do: rules resolved, mistakes located, routes that come out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.bgp.attributes import BLACKHOLE, NO_EXPORT
from emulator.bgp.policy import Relation
from emulator.bgp.rules import Change, Match, Rule, RulePolicy, Validity, Verdict, relationship_rules
from emulator.errors import ScenarioError
from emulator.scenario.build import build
from emulator.scenario.loader import loads
from emulator.sim.emulation import Emulation

if TYPE_CHECKING:
    from emulator.scenario.plan import Plan

HEAD = """\
version: 1
name: lab
network:
  routers:
    r0: {asn: 65000, prefixes: [10.0.0.0/16, 10.1.0.0/24, "2001:db8::/32"]ROUTER0}
    r1: {asn: 65001ROUTER1}
    r2: {asn: 65002}
    r3: {asn: 65003}
  links:
    - {ends: [r0, r1], delay: 10ms, relationship: customer-provider}
    - {ends: [r0, r2], delay: 10ms, relationship: customer-provider}
    - {ends: [r1, r3], delay: 10ms, relationship: customer-provider}
    - {ends: [r2, r3], delay: 10ms, relationship: customer-provider}
"""


def text(added: str, *, router0: str = "", router1: str = "") -> str:
    """The lab, a diamond from r0 over r1 and r2 up to r3, with more on r0 and r1 and ``added`` sections."""
    return HEAD.replace("ROUTER0", router0).replace("ROUTER1", router1) + added


def plan(added: str, **more: str) -> Plan:
    """The plan of the lab."""
    return build(loads(text(added, **more), "s.yaml"))


def problems(added: str, **more: str) -> list[str]:
    """What is said of the lab, reading and building it."""
    try:
        plan(added, **more)
    except ScenarioError as error:
        return [str(problem) for problem in error.problems]
    return []


def session(it: Plan, router: str, far: str) -> RulePolicy | None:
    """The policy of the session that ``router`` has with ``far``."""
    network = it.network
    configs = it.wiring.peers[network.router_by_name[router].index]
    policy = next(c.policy for c in configs if network.routers[c.router].name == far)
    assert policy is None or isinstance(policy, RulePolicy)
    return policy


def rule(written: str) -> Rule:
    """The one rule of a policy that r0 exports to everybody."""
    policy = session(plan(f"policies: {{p: [{written}]}}\nbgp: {{export: [p]}}\n"), "r0", "r1")
    assert policy is not None
    base = relationship_rules(Relation.PROVIDER, 65000)
    assert policy.exports.rules[:-1] == base.exports.rules
    return policy.exports.rules[-1]


def routes(it: Plan) -> dict[str, dict[str, tuple[int, ...]]]:
    """AS paths once settled, by router and prefix."""
    emulation = Emulation(it)
    emulation.settle()
    return {
        it.network.routers[speaker.router].name: {
            it.prefixes[prefix].text: best.attributes.as_path for prefix, best in speaker.loc_rib.items()
        }
        for speaker in emulation.speakers
    }


IN_10 = "{match: {prefix: {in: 10.0.0.0/8"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{then: reject}", Rule(verdict=Verdict.REJECT)),
        ("{match: {prefix: 10.1.0.0/24}, then: accept}", Rule(Match(frozenset({1})), verdict=Verdict.ACCEPT)),
        (
            IN_10 + "}}, then: reject}",
            Rule(Match(frozenset({0, 1})), verdict=Verdict.REJECT),
        ),
        (
            IN_10 + ", ge: 17}}, then: reject}",
            Rule(Match(frozenset({1})), verdict=Verdict.REJECT),
        ),
        (
            IN_10 + ", le: 16}}, then: reject}",
            Rule(Match(frozenset({0})), verdict=Verdict.REJECT),
        ),
        (
            '{match: {prefix: [10.0.0.0/16, {in: "::/0"}]}, then: reject}',
            Rule(Match(frozenset({0, 2})), verdict=Verdict.REJECT),
        ),
        (
            "{match: {community: [65000:1, blackhole]}, set: {med: 5}}",
            Rule(Match(communities=(65000 << 16 | 1, BLACKHOLE)), Change(med=5)),
        ),
        (
            "{match: {large_community: 65000:1:2}, set: {local_pref: 5}}",
            Rule(Match(large_communities=((65000, 1, 2),)), Change(local_pref=5)),
        ),
        (
            "{match: {as_path: {neighbor: 1, origin: 2, through: 3, longer_than: 4}}, then: reject}",
            Rule(Match(neighbor_as=1, origin_as=2, through_as=3, longer_than=4), verdict=Verdict.REJECT),
        ),
        (
            "{match: {learned_from: [customer, peer]}, set: {prepend: 3}}",
            Rule(Match(learned_from=frozenset({Relation.CUSTOMER, Relation.PEER})), Change(prepend=3)),
        ),
        (
            "{set: {add_communities: no-export, remove_communities: [1:2, 1:1]}}",
            Rule(change=Change(add_communities=(NO_EXPORT,), remove_communities=(65537, 65538))),
        ),
        (
            "{set: {add_large_communities: [1:2:3], remove_large_communities: 4:5:6}}",
            Rule(change=Change(add_large_communities=((1, 2, 3),), remove_large_communities=((4, 5, 6),))),
        ),
    ],
)
def test_rules_land_as_written(written: str, expected: Rule) -> None:
    """Prefixes become their numbers: 10.0.0.0/16 is 0, 10.1.0.0/24 is 1, 2001:db8::/32 is 2."""
    assert rule(written) == expected


def test_validity_needs_no_more_than_rov(tmp_path: Path) -> None:
    """A rule may ask for the validity where origins are validated."""
    (tmp_path / "v.csv").write_text("AS65000,10.0.0.0/16,16\n")
    added = "policies: {p: [{match: {validity: invalid}, then: reject}]}\n"
    added += "bgp: {import: [p], rov: {vrps: v.csv}}\n"
    it = build(loads(text(added), "s.yaml", folder=tmp_path))
    policy = session(it, "r1", "r0")

    assert policy is not None
    assert policy.imports.rules[-1] == Rule(Match(validity=Validity.INVALID), verdict=Verdict.REJECT)
    assert policy.roas is it.protocol.speakers[1].roas is not None


def test_the_closest_word_counts() -> None:
    """A session's list replaces its router's, which replaces `bgp`'s; an empty list is a word too."""
    added = "policies: {a: [{set: {med: 1}}], b: [{set: {med: 2}}], c: [{set: {med: 3}}]}\n"
    added += "bgp: {export: [a, b]}\n"
    it = plan(
        added,
        router0=", export: [b], neighbors: {r1: {export: [c]}}",
        router1=", neighbors: {r0: {export: []}}",
    )
    meds = {}
    for router, far in (("r0", "r1"), ("r0", "r2"), ("r2", "r0"), ("r1", "r3")):
        policy = session(it, router, far)
        assert policy is not None
        meds[router, far] = [r.change.med for r in policy.exports.rules if r.change.med is not None]

    assert meds == {("r0", "r1"): [3], ("r0", "r2"): [2], ("r2", "r0"): [1, 2], ("r1", "r3"): [1, 2]}
    assert session(it, "r1", "r0") is None


def test_a_policy_cannot_leak() -> None:
    """A rule that accepts everything comes after relationships: a customer's providers stay apart."""
    it = plan("policies: {all: [{then: accept}]}\nbgp: {export: [all]}\n")
    bare = plan("")

    assert routes(it) == routes(bare)


def test_permit_all_remembers_where_routes_come_from_if_a_rule_asks() -> None:
    """With permit-all and a rule against what providers sent, r0 no longer carries between r1 and r2.

    Without r3 the only way from r1 to r2 leads through r0. r1 announces a
    prefix; r0 must keep it from r2, and still announce its own.
    """
    added = "policies: {own: [{match: {learned_from: provider}, then: reject}]}\nbgp: {policy: permit-all}\n"
    lab = text(added, router0=", export: [own]", router1=", prefixes: [10.9.0.0/24]")
    cut = "\n".join(line for line in lab.split("\n") if "r3]" not in line)
    heard = routes(build(loads(cut)))["r2"]

    assert sorted(heard) == ["10.0.0.0/16", "10.1.0.0/24", "2001:db8::/32"]
    assert "10.9.0.0/24" in routes(build(loads(cut.replace(", export: [own]", ""))))["r2"]


def test_prepending_moves_traffic() -> None:
    """r3 hears of r0 over r1 and r2; r1 wins by its lower identifier until r0 prepends towards it."""
    added = "policies: {longer: [{match: {prefix: 10.0.0.0/16}, set: {prepend: 1}}]}\n"
    before = routes(plan(added))["r3"]
    after = routes(plan(added, router0=", neighbors: {r1: {export: [longer]}}"))

    assert before["10.0.0.0/16"] == before["10.1.0.0/24"] == (65001, 65000)
    assert after["r3"]["10.0.0.0/16"] == (65002, 65000)
    assert after["r3"]["10.1.0.0/24"] == (65001, 65000)
    assert after["r1"]["10.0.0.0/16"] == (65000, 65000)


def test_a_prefix_may_carry_communities_and_a_med() -> None:
    """They reach the neighbour, the MED no further (RFC 4271 5.1.4); with no-export it never leaves."""
    carrying = "{prefix: 10.1.0.0/24, communities: 65000:5, med: 7}"
    it = build(loads(text("").replace("10.1.0.0/24", carrying)))
    emulation = Emulation(it)
    emulation.settle()
    found = [emulation.speakers[router].loc_rib[1].attributes for router in (1, 3)]
    secret = text("").replace("10.1.0.0/24", "{prefix: 10.1.0.0/24, communities: no-export}")

    assert [each.med for each in found] == [7, None]
    assert [each.communities for each in found] == [(65000 << 16 | 5,)] * 2
    assert "10.1.0.0/24" not in routes(build(loads(secret)))["r1"]


def test_no_export_by_rule_stops_at_the_neighbour() -> None:
    """r0 asks r1 to keep its prefixes to itself, so r3 has only the way over r2."""
    added = "policies: {here: [{set: {add_communities: no-export}}]}\n"
    found = routes(plan(added, router0=", neighbors: {r1: {export: [here]}}"))

    assert found["r1"]["10.0.0.0/16"] == (65000,)
    assert found["r3"]["10.0.0.0/16"] == (65002, 65000)


def test_a_session_carries_only_its_families() -> None:
    """With IPv4 alone between r0 and r1, r1 hears of the IPv6 prefix the long way round."""
    found = routes(plan("", router0=", neighbors: {r1: {families: [ipv4]}}"))["r1"]

    assert found["10.0.0.0/16"] == (65000,)
    assert found["2001:db8::/32"] == (65003, 65002, 65000)


P = "policies: {p: ["
COMMUNITY = (
    "expected a community such as '65000:100', or one of graceful-shutdown, blackhole, no-export, "
    "no-advertise, no-export-subconfed"
)


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (P + "]}\n", "policies.p: expected at least 1 items, got 0"),
        (P + "{}]}\n", "policies.p.0: a rule without `set` and `then` does nothing: give one of them"),
        (
            P + "{then: acept}]}\n",
            "policies.p.0.then: expected 'accept' or 'reject', got 'acept' (did you mean 'accept'?)",
        ),
        (P + "{mach: {}, then: reject}]}\n", "policies.p.0.mach: unknown key 'mach' (did you mean 'match'?)"),
        (
            P + "{set: {med: 1}, then: reject}]}\n",
            "policies.p.0.set: nothing is left to change of a route that is",
        ),
        (P + "{set: {prepend: 0}}]}\n", "policies.p.0.set.prepend: expected at least 1, got the number 0"),
        (
            P + "{set: {local_pref: -1}}]}\n",
            "policies.p.0.set.local_pref: expected at least 0, got the number -1",
        ),
        (
            P + "{set: {add_communities: 5}}]}\n",
            "policies.p.0.set.add_communities: expected a community such as ",
        ),
        (
            P + "{match: {community: no-exprt}, then: reject}]}\n",
            f"policies.p.0.match.community: {COMMUNITY}, got 'no-exprt' (did you mean 'no-export'?)",
        ),
        (
            P + "{match: {community: 70000:1}, then: reject}]}\n",
            f"policies.p.0.match.community: {COMMUNITY}, got '70000:1': its halves end at 65535, use",
        ),
        (
            P + "{match: {large_community: 1:2}, then: reject}]}\n",
            "policies.p.0.match.large_community: expected a l",
        ),
        (
            P + "{match: {prefix: 10.0.0.1/16}, then: reject}]}\n",
            "policies.p.0.match.prefix: '10.0.0.1/16' has bits ",
        ),
        (
            P + "{match: {prefix: {in: 10.0.0.0/16, ge: 8}}, then: reject}]}\n",
            "policies.p.0.match.prefix.ge: expected a length from 16 to 32, got 8",
        ),
        (
            P + IN_10 + ", ge: 24, le: 16}}, then: reject}]}\n",
            "policies.p.0.match.prefix.ge: expected at most `le`, 16, got 24",
        ),
        (
            P + "{match: {as_path: {}}, then: reject}]}\n",
            "policies.p.0.match.as_path: expected one of `neighbor`, ",
        ),
        (
            P + "{match: {learned_from: provder}, then: reject}]}\n",
            "policies.p.0.match.learned_from: expected 'customer', 'peer' or 'provider', or a list",
        ),
        (
            P + "{match: {validity: invalid}, then: reject}]}\n",
            "policies.p.0.match.validity: nobody validates origins: give `rov` in `bgp` or in a router",
        ),
        (
            P + "{match: {prefix: 10.1.0.0/25}, then: reject}]}\n",
            "policies.p.0.match.prefix: no router announces 10.1.0.0/25 (did you mean '10.1.0.0/24'?)",
        ),
        (
            P + "{then: reject}]}\nbgp: {import: [q]}\n",
            "bgp.import.0: unknown policy 'q'; known: p",
        ),
        (
            "policies: {prefer: [{then: reject}]}\nbgp: {export: [prefr]}\n",
            "bgp.export.0: unknown policy 'prefr' (did you mean 'prefer'?); known: prefer",
        ),
        (
            P + "{set: {prepend: 1}}]}\nbgp: {import: [p]}\n",
            "bgp.import.0: policy 'p' prepends, which only an export can: use it under `export`",
        ),
        ("bgp: {import: p}\n", "bgp.import: expected a list, got 'p'"),
    ],
)
def test_one_mistake_one_message(added: str, expected: str) -> None:
    """Each mistake is reported once, at its key, with what was meant where that can be guessed."""
    found = [one.split(": ", 1)[1] for one in problems(added)]

    assert [one[: len(expected)] for one in found] == [expected]
    assert all(one.startswith("s.yaml:1") for one in problems(added))


def test_a_ranking_takes_no_rules() -> None:
    """Ranked paths say everything already."""
    found = problems(P + "{then: reject}]}\nbgp: {import: [p]}\n", router0=", rank_paths: [[r1]]")

    expected = "network.routers.r0.rank_paths: expected either `rank_paths` or rule lists: a ranking says all"

    assert [one.split(": ", 1)[1][: len(expected)] for one in found] == [expected]


def test_the_library_shows_what_origin_validation_is_for() -> None:
    """In `origin-hijack` without `rov`, the network that validates follows the hijacker, as it says there."""
    file = Path(__file__).parents[2] / "scenarios" / "origin-hijack.yaml"
    written = file.read_text(encoding="utf-8").replace(", bgp: {rov: {vrps: origin-hijack.csv}}", "")
    written = written.replace("hijacker: {asn: 65066}", "hijacker: {asn: 65066, prefixes: [203.0.113.0/24]}")
    found = routes(build(loads(written)))

    assert found["validating"]["203.0.113.0/24"] == (65001, 65066)
