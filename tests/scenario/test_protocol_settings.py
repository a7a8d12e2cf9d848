"""``bgp:``, a router's own settings and its sessions': what each speaker and session ends up with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.config import Aggregate, MraiScope, WithdrawalRule
from emulator.bgp.decision import TieBreak
from emulator.bgp.messages import BOTH_FAMILIES, Family, GracefulRestart, Role
from emulator.bgp.peer import MaxPrefixes, PeerConfig
from emulator.bgp.policy import GaoRexford, PermitAll
from emulator.bgp.presets import PRESETS
from emulator.bgp.rules import Validity
from emulator.errors import InputError, ScenarioError
from emulator.network.rpki import Vrp, authorized, covering, parse_vrps
from emulator.scenario.build import build
from emulator.scenario.loader import loads
from emulator.units import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.scenario.plan import Plan

TRANSIT = """\
version: 1
name: lab
network:
  routers:
    a: {asn: 65000A}
    b: {asn: 65000B}
    c: {asn: 65000C}
    d: {asn: 65000D}
    up: {asn: 65001, prefixes: [10.0.0.0/24, 10.0.1.0/24]}
    down: {asn: 65002}
  links:
    - {ends: [a, b], delay: 1ms}
    - {ends: [b, c], delay: 1ms}
    - {ends: [c, d], delay: 1ms}
    - {ends: [a, up], delay: 1ms, relationship: customer-provider}
    - {ends: [down, d], delay: 1ms, relationship: customer-provider}
"""


def text(added: str = "", **routers: str) -> str:
    """A transit of four routers in a row with a provider and a customer; keywords add to routers a to d."""
    written = TRANSIT
    for name in "ABCD":
        more = routers.get(name.lower())
        written = written.replace(f"65000{name}", f"65000, {more}" if more else "65000")
    return written + added


def plan(added: str = "", **routers: str) -> Plan:
    """Its plan."""
    return build(loads(text(added, **routers), "s.yaml"))


def peer(it: Plan, router: str, far: str) -> PeerConfig:
    """What ``router`` has configured for its session with ``far``."""
    configs = it.wiring.peers[it.network.router_by_name[router].index]
    return next(c for c in configs if it.network.routers[c.router].name == far)


def mesh(it: Plan) -> list[str]:
    """The iBGP sessions, by their routers' names."""
    names = [router.name for router in it.network.routers]
    return sorted("".join(names[r] for r in wire.routers) for wire in it.wiring.wires if wire.link is None)


def problems(added: str = "", **routers: str) -> list[str]:
    """What is said of the transit, reading and building it, without the file's name and place."""
    try:
        plan(added, **routers)
    except ScenarioError as error:
        return [str(problem).split(": ", 1)[1] for problem in error.problems]
    return []


# Speakers -------------------------------------------------------------------------


def test_settings_reach_the_speaker() -> None:
    """Every key of `bgp` is found again in the configs."""
    it = plan(
        "bgp: {policy: permit-all, mrai: 5s, ibgp_mrai: 1s, mrai_scope: prefix, mrai_clock: 1s, "
        "withdrawals: with-pending, withdrawal_starts_mrai: true, batch_delay: 50ms, "
        "first_advertisement_delay: 1s, echo: false, always_compare_med: true, missing_med: worst, "
        "tie_break: current-best, require_policy: true, enforce_first_as: false, honor_blackhole: true, "
        "honor_graceful_shutdown: false, hold_time: 9s, send_hold_time: 10s, connect_retry: 7s, "
        "idle_hold: 6s, graceful_restart: {restart_time: 60s}, max_prefixes: {limit: 9, warn_only: true}}\n"
    )
    speaker, session = it.protocol.speakers[0], it.protocol.sessions[0]

    assert speaker.policy == PermitAll()
    assert (speaker.mrai, speaker.ibgp_mrai, speaker.mrai_scope) == (5 * SECOND, SECOND, MraiScope.PREFIX)
    assert (speaker.mrai_clock, speaker.withdrawals) == (SECOND, WithdrawalRule.WITH_PENDING)
    assert (speaker.withdrawal_starts_mrai, speaker.batch_delay) == (True, SECOND // 20)
    assert (speaker.first_advertisement_delay, speaker.echo) == (SECOND, False)
    assert speaker.tie_break == TieBreak(incumbent=True, always_compare_med=True, missing_med_as_worst=True)
    assert (speaker.require_policy, speaker.enforce_first_as) == (True, False)
    assert (speaker.honor_blackhole, speaker.honor_graceful_shutdown) == (True, False)
    assert (session.hold_time, session.send_hold_time) == (9 * SECOND, 10 * SECOND)
    assert session.keepalive is None  # a third of what is negotiated
    assert (session.connect_retry, session.idle_hold) == (7 * SECOND, 6 * SECOND)
    assert session.graceful_restart == GracefulRestart(60, preserved=BOTH_FAMILIES)
    assert peer(it, "a", "up").max_prefixes == MaxPrefixes(9, warn_only=True)
    assert peer(it, "a", "b").max_prefixes is None


@pytest.mark.parametrize("name", ["frr", "bird", "gobgp", "openbgpd", "ios", "junos"])
def test_a_preset_holds_where_nothing_is_said(name: str) -> None:
    """What is said wins over presets, the router's preset over the scenario's; policy is not a preset's."""
    it = plan(f"bgp: {{like: {name}, mrai: 7s}}\n", b="like: bird, bgp: {mrai: 8s}")
    preset, speakers = PRESETS[name], it.protocol.speakers

    assert speakers[0].mrai == 7 * SECOND
    assert speakers[1].mrai == 8 * SECOND
    assert speakers[0].batch_delay == preset.speaker.batch_delay
    assert speakers[0].tie_break == preset.speaker.tie_break
    assert speakers[0].policy == GaoRexford()
    assert it.protocol.sessions[0] == preset.session
    assert it.protocol.sessions[1] == PRESETS["bird"].session


def test_permit_all_that_is_written_down_is_a_policy() -> None:
    """A preset's RFC 8212 does not silence a network whose policy says that everything passes."""
    silent, spoken = plan("bgp: {like: frr}\n"), plan("bgp: {like: frr, policy: permit-all}\n")

    assert silent.protocol.speakers[0].require_policy == PRESETS["frr"].speaker.require_policy
    assert spoken.protocol.speakers[0].require_policy is False


@pytest.mark.parametrize(
    ("common", "own", "expected"),
    [
        ("{}", "{}", "free"),
        ("{mrai_on_withdrawals: true}", "{}", "wait"),
        ("{withdrawals: wait}", "{}", "wait"),
        ("{like: frr}", "{}", "with-pending"),
        ("{like: frr, withdrawals: free}", "{}", "free"),
        ("{withdrawals: with-pending}", "{mrai_on_withdrawals: true}", "wait"),
        ("{mrai_on_withdrawals: true}", "{withdrawals: free}", "free"),
    ],
)
def test_the_last_word_on_withdrawals(common: str, own: str, expected: str) -> None:
    """`withdrawals` and `mrai_on_withdrawals` are two names for one thing, on two levels."""
    it = plan(f"bgp: {common}\n", a=f"bgp: {own}")

    assert it.protocol.speakers[0].withdrawals is WithdrawalRule(expected)


def test_a_hold_time_brings_its_keepalive() -> None:
    """A third of it, or the usual 30 s where that is less; what is written stays as it is."""
    found = [
        plan(f"bgp: {{{given}}}\n").protocol.sessions[0].keepalive
        for given in ("hold_time: 180s", "hold_time: 180s, keepalive: 100s")
    ]

    assert found == [30 * SECOND, 100 * SECOND]


# Sessions -------------------------------------------------------------------------


def test_without_reflectors_there_is_a_full_mesh() -> None:
    """Four routers, six sessions."""
    assert mesh(plan()) == ["ab", "ac", "ad", "bc", "bd", "cd"]


@pytest.mark.parametrize(
    ("routers", "expected"),
    [
        ({"b": "reflector: true"}, ["ab", "bc", "bd"]),
        ({"b": "reflector: true", "c": "reflector: true"}, ["ab", "ac", "bc", "bd", "cd"]),
        ({"b": "clients: [a]"}, ["ab", "bc", "bd", "cd"]),
        ({"b": "clients: [a, c]", "c": "clients: [d]"}, ["ab", "bc", "cd"]),
    ],
)
def test_reflectors_replace_the_mesh(routers: dict[str, str], expected: list[str]) -> None:
    """RFC 4456: one for all, two for all, one with outsiders that keep their mesh, and a hierarchy."""
    assert mesh(plan(**routers)) == expected


def test_a_reflector_knows_its_clients_and_its_cluster() -> None:
    """The client does not know that it is one."""
    it = plan(b="reflector: true, cluster_id: 1.2.3.4")

    assert (peer(it, "b", "a").is_client, peer(it, "a", "b").is_client) == (True, False)
    assert [speaker.cluster_id for speaker in it.protocol.speakers[:3]] == [None, 0x01020304, None]


def test_roles_follow_relationships() -> None:
    """The provider's customer is `customer`, and the other way round; iBGP has none; a session may differ."""
    it = plan("bgp: {roles: true}\n", d="neighbors: {down: {role: 'off'}}")

    assert peer(it, "a", "up").role is Role.CUSTOMER
    assert peer(it, "up", "a").role is Role.PROVIDER
    assert peer(it, "down", "d").role is Role.CUSTOMER
    assert peer(it, "d", "down").role is None
    assert peer(it, "a", "b").role is None


def test_a_session_of_its_own() -> None:
    """Everything under `neighbors` lands on that session and on no other."""
    it = plan(
        a="neighbors: {up: {role: rs-client, strict_role: true, allow_own_as: 2, families: [ipv6], "
        "passive: true, max_prefixes: {limit: 5, restart_after: 60s}, local_pref: 70}, "
        "b: {next_hop_self: false}}"
    )
    up, b, c = (peer(it, "a", far) for far in ("up", "b", "c"))
    number = it.wiring.peers[0].index(up)

    assert (up.role, up.strict_role, up.allow_own_as) == (Role.RS_CLIENT, True, 2)
    assert (up.families, up.max_prefixes) == ((Family.IPV6,), MaxPrefixes(5, 60 * SECOND))
    assert up.policy is not None
    assert (b.next_hop_self, c.next_hop_self) == (False, True)
    assert [it.protocol.session(0, i).passive for i in range(len(it.wiring.peers[0]))] == [
        i == number for i in range(len(it.wiring.peers[0]))
    ]
    assert c == PeerConfig(65000, 2, 3, c.relation)


def test_without_a_policy_nothing_passes_where_one_is_required() -> None:
    """RFC 8212, each way on its own: a's import is said, its export is not."""
    it = plan(
        "bgp: {policy: permit-all, require_policy: true}\npolicies: {any: [{then: accept}]}\n",
        a="import: [any]",
    )
    policy: Any = peer(it, "a", "up").policy

    assert (policy.imports.default.value, policy.exports.default.value) == ("accept", "reject")
    assert peer(it, "d", "down").policy is None


def test_aggregates() -> None:
    """Contributors are all more specific prefixes of the scenario, or those named."""
    it = plan(d="aggregate: [{prefix: 10.0.0.0/16}, {prefix: 10.0.0.0/23, contributors: [10.0.1.0/24]}]")

    assert [prefix.text for prefix in it.prefixes] == [
        "10.0.0.0/24",
        "10.0.1.0/24",
        "10.0.0.0/16",
        "10.0.0.0/23",
    ]
    assert it.protocol.speakers[3].aggregates == (
        Aggregate(2, frozenset({0, 1, 3})),
        Aggregate(3, frozenset({1})),
    )


# Origin validation ----------------------------------------------------------------

CSV = b"""ASN,IP Prefix,Max Length,Trust Anchor
AS65001,10.0.0.0/16,24,x
AS0,10.0.1.0/24,24,x
AS65002,10.0.0.0/23,23,x
"""
JSON = b"""{"metadata": {}, "roas": [{"asn": "AS65001", "prefix": "10.0.0.0/16", "maxLength": 24, "ta": "x"},
 {"asn": 0, "prefix": "10.0.1.0/24", "maxLength": 24, "expires": 5},
 {"asn": 65002, "prefix": "10.0.0.0/23"}]}"""


def test_both_formats_say_the_same() -> None:
    """Routinator's and rpki-client's CSV and JSON; a length that is not given is the prefix's own."""
    expected = (Vrp("10.0.0.0/16", 24, 65001), Vrp("10.0.1.0/24", 24, 0), Vrp("10.0.0.0/23", 23, 65002))

    assert parse_vrps(CSV, "v.csv") == parse_vrps(JSON, "v.json") == expected


def test_who_may_originate() -> None:
    """RFC 6811: covered by length and bits, authorised up to the maximum length, AS 0 for nobody."""
    above = covering(parse_vrps(CSV, "v"), ("10.0.0.0/24", "10.0.1.0/25", "10.0.0.0/8", "2001:db8::/32"))

    assert [len(each) for each in above] == [2, 3, 0, 0]
    assert [authorized(each, length) for each, length in zip(above, (24, 25, 8, 32), strict=True)] == [
        {65001},
        set(),
        set(),
        set(),
    ]


def test_payloads_reach_the_speaker(tmp_path: Path) -> None:
    """Resolved to the scenario's prefix numbers, where origins are validated; the file counts as an input."""
    (tmp_path / "v.csv").write_bytes(CSV)
    it = build(loads(text(a="bgp: {rov: {vrps: v.csv, drop_invalid: false}}"), "s.yaml", folder=tmp_path))
    validating, trusting = it.protocol.speakers[:2]

    assert (trusting.roas, validating.drop_invalid) == (None, False)
    assert validating.roas is not None
    assert validating.roas.validity(0, 65001) is Validity.VALID
    assert validating.roas.validity(0, 65002) is Validity.INVALID
    assert sorted(it.inputs) == ["s.yaml", "v.csv"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\xfe\x00", "v: expected JSON or CSV, got something that is not text"),
        (b"{", "v: not readable as JSON: "),
        (b'{"a": 1}', "v: expected a list `roas` of {asn, prefix, maxLength}"),
        (b'{"roas": [5]}', "v: roas[0]: expected {asn, prefix, maxLength}, got 5"),
        (b'{"roas": [{"asn": true, "prefix": "10.0.0.0/8"}]}', "v: roas[0]: expected an AS number such as"),
        (
            b'{"roas": [{"asn": 1, "prefix": 8}]}',
            "v: roas[0]: expected a prefix such as '203.0.113.0/24', got 8",
        ),
        (b"AS1,10.0.0.0/8,8\nASx,10.0.0.0/8,8\n", "v:2: expected an AS number such as AS64496, got 'ASx'"),
        (b"AS1\n", "v:1: expected ASN, prefix and maximum length, got 'AS1'"),
        (b"AS1,10.0.0.1/8,8\n", "v:1: expected a prefix such as '203.0.113.0/24', got '10.0.0.1/8'"),
        (b"AS1,10.0.0.0/8,7\n", "v:1: expected a maximum length from 8 to 32, got '7'"),
        (b"AS4294967296,10.0.0.0/8,8\n", "v:1: expected an AS number such as AS64496, got 'AS4294967296'"),
    ],
)
def test_wrong_payload_files(data: bytes, expected: str) -> None:
    """Each mistake with its line or item."""
    with pytest.raises(InputError) as caught:
        parse_vrps(data, "v")

    assert str(caught.value).startswith(expected)


# Mistakes -------------------------------------------------------------------------

ROUTER = "network.routers.a."


@pytest.mark.parametrize(
    ("added", "router", "expected"),
    [
        (
            "bgp: {like: fr}\n",
            "",
            (
                "bgp.like: expected 'frr', 'bird', 'gobgp', 'openbgpd', 'ios', 'junos' or 'internet-2019', "
                "got 'fr'"
            ),
        ),
        (
            "bgp: {withdrawals: never}\n",
            "",
            "bgp.withdrawals: expected 'free', 'with-pending' or 'wait', got 'never'",
        ),
        (
            "bgp: {withdrawals: free, mrai_on_withdrawals: true}\n",
            "",
            "bgp.mrai_on_withdrawals: `withdrawals` says which of them wait already: give one of the two",
        ),
        ("bgp: {batch_delay: 50}\n", "", "bgp.batch_delay: expected a duration with its unit"),
        ("bgp: {missing_med: best}\n", "", "bgp.missing_med: expected 'zero' or 'worst', got 'best'"),
        ("bgp: {rov: on}\n", "", "bgp.rov: expected 'off' or {vrps: FILE}, got 'on'"),
        (
            "bgp: {rov: {vrps: none.csv}}\n",
            "",
            "bgp.rov.vrps: none.csv: cannot be read: No such file or directory",
        ),
        (
            "bgp: {graceful_restart: {restart_time: 1.5s}}\n",
            "",
            "bgp.graceful_restart.restart_time: expected whole s",
        ),
        (
            "bgp: {graceful_restart: on}\n",
            "",
            "bgp.graceful_restart: expected 'off' or {restart_time: 120s}, got",
        ),
        (
            "bgp: {max_prefixes: {limit: 0}}\n",
            "",
            "bgp.max_prefixes.limit: expected at least 1, got the number 0",
        ),
        ("bgp: {connect_retry: 0s}\n", "", "bgp.connect_retry: expected a duration with its unit"),
        (
            "bgp: {keepalive: 9s, hold_time: 9s}\n",
            "",
            "bgp.keepalive: expected less than the hold time of 9s, or",
        ),
        ("", "bgp: {like: frr}", ROUTER + "bgp.like: unknown key 'like'; known keys: policy, mrai"),
        (
            "",
            "bgp: {mrai: {0s: 50%, 5s: 50%}}",
            ROUTER + "bgp.mrai: shares of speakers make no sense for one router",
        ),
        ("", "bgp: {keepalive: 100s}", ROUTER + "bgp.keepalive: expected less than the hold time of 90s"),
        (
            "",
            "cluster_id: 1.1.1.1",
            ROUTER + "cluster_id: only a reflector has a cluster: say `reflector: true`",
        ),
        ("", "clients: [bb]", ROUTER + "clients.0: unknown router 'bb' (did you mean 'b'?)"),
        ("", "clients: [up]", ROUTER + "clients.0: 'up' is in AS 65001, not in AS 65000"),
        ("", "clients: [a]", ROUTER + "clients.0: a router is not its own client"),
        ("", "neighbors: {upp: {}}", ROUTER + "neighbors.upp: unknown router 'upp' (did you mean 'up'?)"),
        ("", "neighbors: {a: {}}", ROUTER + "neighbors.a: that is itself"),
        (
            "",
            "neighbors: {down: {}}",
            ROUTER + "neighbors.down: there is no session with 'down'; there are with: ",
        ),
        (
            "",
            "neighbors: {b: {role: peer}}",
            ROUTER + "neighbors.b.role: roles are for eBGP sessions; both routers",
        ),
        (
            "",
            "neighbors: {up: {rolle: peer}}",
            ROUTER + "neighbors.up.rolle: unknown key 'rolle' (did you mean 'role'",
        ),
        (
            "",
            "neighbors: {up: {families: []}}",
            ROUTER + "neighbors.up.families: expected at least 1 items, got 0",
        ),
        (
            "",
            "neighbors: {up: {families: [ip]}}",
            ROUTER + "neighbors.up.families.0: expected 'ipv4' or 'ipv6', got",
        ),
        (
            "",
            "neighbors: {up: {next_hop_self: false}}",
            ROUTER + "neighbors.up.next_hop_self: over eBGP the next hop",
        ),
        (
            "",
            "local_pref: {up: 5}, neighbors: {up: {local_pref: 6}}",
            ROUTER + "neighbors.up.local_pref: `local_pref` of 'a' sets it for 'up' too: give one of them",
        ),
        (
            "",
            "aggregate: [{prefix: 11.0.0.0/8}]",
            ROUTER + "aggregate.0.prefix: the scenario has no prefix inside",
        ),
        (
            "",
            "aggregate: [{prefix: 10.0.0.0/8, contributors: [11.0.0.0/24]}]",
            ROUTER + "aggregate.0.contributors.0: expected a more specific prefix inside 10.0.0.0/8, got",
        ),
        (
            "",
            "aggregate: [{prefix: 10.0.0.0/8, contributors: [10.0.2.0/24]}]",
            ROUTER
            + "aggregate.0.contributors.0: 10.0.2.0/24 is no more specific prefix of the scenario inside",
        ),
        (
            "",
            "prefixes: [10.0.0.0/8], aggregate: [{prefix: 10.0.0.0/8}]",
            ROUTER + "aggregate.0.prefix: 10.0.0.0/8 is among `prefixes`, and so always originated",
        ),
        (
            "",
            "prefixes: [{prefix: 10.0.0.0/8, comunities: 1:1}]",
            ROUTER + "prefixes.0.comunities: unknown key ",
        ),
    ],
)
def test_one_mistake_one_message(added: str, router: str, expected: str) -> None:
    """Each mistake is reported once, at its key."""
    found = problems(added, a=router)

    assert [one[: len(expected)] for one in found] == [expected]


def test_two_routers_are_not_each_others_clients() -> None:
    """Said at both ends."""
    found = problems(a="clients: [b]", b="clients: [a]")

    assert found == [
        "network.routers.a.clients.0: 'a' is a client of 'b': each would be the other's",
        "network.routers.b.clients.0: 'b' is a client of 'a': each would be the other's",
    ]
