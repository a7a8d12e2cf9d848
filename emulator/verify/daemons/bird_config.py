"""BIRD 2's configuration of one router (https://bird.network.cz/doc/bird-20.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import BLACKHOLE, NO_ADVERTISE, NO_EXPORT, NO_EXPORT_SUBCONFED, OWN_LOCAL_PREF
from emulator.bgp.liveness import Detection
from emulator.bgp.messages import Family, Role
from emulator.bgp.policy import announce_only_to, marks, own_tag
from emulator.bgp.rules import Validity, Verdict
from emulator.units import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.bgp.attributes import Community, LargeCommunity
    from emulator.bgp.rov import Roas
    from emulator.bgp.rules import Change, Match, Rule, RuleList
    from emulator.verify.daemons.base import Neighbor, Origination, RouterSetup

CHANNEL: Final = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}
_ROLES: Final = {
    Role.PROVIDER: "provider",
    Role.RS: "rs_server",
    Role.RS_CLIENT: "rs_client",
    Role.CUSTOMER: "customer",
    Role.PEER: "peer",
}
_VALIDITIES: Final = {
    Validity.VALID: "ROA_VALID",
    Validity.INVALID: "ROA_INVALID",
    Validity.NOT_FOUND: "ROA_UNKNOWN",
}
_ONLY_TO_KIND: Final = announce_only_to(1, ())[0][1]
"""The middle part of the communities that say whom a route may be announced to."""
_TOP_RANK: Final = 1000


def render(setup: RouterSetup, originations: Iterable[Origination], log: str) -> str:
    """Return the whole of ``bird.conf``; ``log`` is the path of the log file."""
    lines = [
        f'log "{log}" all;',
        f"router id {setup.router_id};",
        "timeformat log iso long us;",
        "debug protocols { states };",
        "protocol device { scan time 3600; }",
    ]
    lines += _static(setup, list(originations))
    if setup.runs_igp:
        lines += _interior(setup)
    if setup.session.detection is Detection.BFD:
        interval = f"{max(setup.session.bfd_interval // MILLISECOND, 1)} ms"
        lines.append(
            f'protocol bfd {{ interface "l*" {{ interval {interval}; '
            f"multiplier {setup.session.bfd_multiplier}; }}; }}"
        )
    for neighbor in setup.neighbors:
        if neighbor.roas is not None:
            lines += _roas(setup, neighbor)
        lines += _functions(setup, neighbor)
        lines += _session(setup, neighbor)
    return "\n".join(lines) + "\n"


def protocol_name(neighbor: int) -> str:
    """Name of the protocol that is the session with a neighbour."""
    return f"p{neighbor}"


# What is originated, and the interior ------------------------------------------------


def _static(setup: RouterSetup, originations: Sequence[Origination]) -> list[str]:
    lines = []
    for family in setup.families:
        routes = [_route(setup, route) for route in originations if route.family is family]
        name = f"origin{CHANNEL[family][-1]}"
        lines.append(f"protocol static {name} {{ {CHANNEL[family]}; {' '.join(routes)} }}")
    return lines


def _route(setup: RouterSetup, route: Origination) -> str:
    """One static route with the attributes it is announced with."""
    large = list(route.large_communities)
    if route.only_to is not None:
        large += announce_only_to(setup.asn, route.only_to)
    sets = [f"bgp_local_pref = {OWN_LOCAL_PREF};"]
    if route.med is not None:
        sets.append(f"bgp_med = {route.med};")
    sets += [f"bgp_community.add({_pair(c)});" for c in route.communities]
    sets += [f"bgp_large_community.add({_triple(c)});" for c in large]
    return f"route {route.prefix} blackhole {{ {' '.join(sets)} }};"


def _interior(setup: RouterSetup) -> list[str]:
    """OSPF inside the AS; the kernel needs its routes for the sessions between loopbacks."""
    keeps_next_hop = any(not n.is_ebgp and not n.config.next_hop_self for n in setup.neighbors)
    interfaces = ['interface "lo" { stub; };']
    for interface in setup.interfaces:
        if interface.is_internal:
            interfaces.append(
                f'interface "{interface.name}" {{ type ptp; cost {interface.igp_cost}; hello 1; dead 4; '
                "rx buffer large; };"
            )
        elif keeps_next_hop:
            interfaces.append(f'interface "{interface.name}" {{ stub; }};')
    area = f"area 0 {{ {' '.join(interfaces)} }};"
    lines = []
    for family, version in ((Family.IPV4, "v2"), (Family.IPV6, "v3")):
        if family not in setup.loopback:
            continue
        channel = CHANNEL[family]
        lines.append(
            f"protocol ospf {version} igp{channel[-1]} "
            f"{{ tick 1; {channel} {{ import all; export none; }}; {area} }}"
        )
        lines.append(
            f"protocol kernel {{ {channel} {{ import none; export where source ~ "
            "[RTS_OSPF, RTS_OSPF_IA, RTS_OSPF_EXT1, RTS_OSPF_EXT2]; }; scan time 3600; }"
        )
    return lines


# Policy ------------------------------------------------------------------------------


def _pair(community: Community) -> str:
    return f"({community >> 16},{community & 0xFFFF})"


def _triple(community: LargeCommunity) -> str:
    return "({},{},{})".format(*community)


def _roas(setup: RouterSetup, neighbor: Neighbor) -> list[str]:
    """Tables of authorised origins for a neighbour, each prefix with exactly what covers it."""
    roas: Roas | None = neighbor.roas
    if roas is None:
        return []
    lines: list[str] = []
    for family in setup.families:
        kind, name = f"roa{CHANNEL[family][-1]}", _roa_table(neighbor, family)
        entries: list[str] = []
        for number, text in enumerate(setup.prefixes):
            if (":" in text) is not (family is Family.IPV6) or number not in roas.covered:
                continue
            length = text.rpartition("/")[2]
            # AS 0 authorises nobody (RFC 6483 section 4).
            authorized = sorted(roas.authorized.get(number, frozenset())) or [0]
            entries += [f"route {text} max {length} as {asn};" for asn in authorized]
        lines.append(f"{kind} table {name};")
        lines.append(f"protocol static {{ {kind} {{ table {name}; }}; {' '.join(entries)} }}")
    return lines


def _roa_table(neighbor: Neighbor, family: Family) -> str:
    return f"roas{neighbor.number}_{CHANNEL[family][-1]}"


def _functions(setup: RouterSetup, neighbor: Neighbor) -> list[str]:
    """Two functions a session, true for what is accepted."""
    number = neighbor.number
    if neighbor.ranked is not None:
        imports = [
            f"if bgp_path ~ [= {' '.join(map(str, path))} =] then "
            f"{{ bgp_local_pref = {_TOP_RANK - rank}; return true; }}"
            for rank, path in enumerate(neighbor.ranked)
        ] + ["return false;"]
    else:
        imports = _rules(setup, neighbor, neighbor.imports, on_import=True)
    return [
        f"function imports{number}() {{ {' '.join(imports)} }}",
        f"function exports{number}() {{ {' '.join(_rules(setup, neighbor, neighbor.exports))} }}",
    ]


def _rules(setup: RouterSetup, neighbor: Neighbor, rules: RuleList, *, on_import: bool = False) -> list[str]:
    statements = [_rule(setup, neighbor, rule, on_import=on_import) for rule in rules.rules]
    return [*statements, f"return {'false' if rules.default is Verdict.REJECT else 'true'};"]


def _rule(setup: RouterSetup, neighbor: Neighbor, rule: Rule, *, on_import: bool) -> str:
    body = _changes(setup, rule.change)
    if rule.verdict is not Verdict.NEXT:
        body.append(f"return {'true' if rule.verdict is Verdict.ACCEPT else 'false'};")
    conditions = _conditions(setup, neighbor, rule.match, on_import=on_import)
    return f"if {' && '.join(conditions) or 'true'} then {{ {' '.join(body)} }}"


def _conditions(setup: RouterSetup, neighbor: Neighbor, match: Match, *, on_import: bool) -> list[str]:
    """What of ``match`` is given, as expressions that must all be true."""
    found = []
    if match.prefixes is not None:
        found.append(_in_prefixes([setup.prefixes[number] for number in sorted(match.prefixes)]))
    if match.communities:
        found.append(_any(f"{_pair(c)} ~ bgp_community" for c in match.communities))
    if match.large_communities:
        found.append(_any(f"{_triple(c)} ~ bgp_large_community" for c in match.large_communities))
    if match.validity is not None:
        found.append(_has_validity(setup, neighbor, match.validity))
    if match.learned_from is not None:
        if on_import and neighbor.is_ebgp:
            found.append("true" if neighbor.config.relation in match.learned_from else "false")
        else:
            tags = (own_tag(setup.asn, relation) for relation in sorted(match.learned_from))
            found.append(_any(f"{_triple(tag)} ~ bgp_large_community" for tag in tags))
    return found + _path_conditions(match)


def _path_conditions(match: Match) -> list[str]:
    """The same for what ``match`` says of the path."""
    found = []
    if match.neighbor_as is not None:
        found.append(f"(bgp_path.len > 0 && bgp_path.first = {match.neighbor_as})")
    if match.origin_as is not None:
        found.append(f"(bgp_path.len > 0 && bgp_path.last = {match.origin_as})")
    if match.through_as is not None:
        found.append(f"bgp_path ~ [= * {match.through_as} * =]")
    if match.longer_than is not None:
        found.append(f"bgp_path.len > {match.longer_than}")
    return found


def _any(conditions: Iterable[str]) -> str:
    return f"({' || '.join(conditions) or 'false'})"


def _in_prefixes(texts: Sequence[str]) -> str:
    """Whether the route's prefix is among ``texts``; a set holds prefixes of one family only."""
    sets = []
    for is_v6 in (False, True):
        members = [text for text in texts if (":" in text) is is_v6]
        if members:
            sets.append(f"(net.type = {'NET_IP6' if is_v6 else 'NET_IP4'} && net ~ [{', '.join(members)}])")
    return _any(sets)


def _has_validity(setup: RouterSetup, neighbor: Neighbor, wanted: Validity) -> str:
    if neighbor.roas is None:
        return "true" if wanted is Validity.NOT_FOUND else "false"
    checks = []
    for family in setup.families:
        kind = "NET_IP6" if family is Family.IPV6 else "NET_IP4"
        table, state = _roa_table(neighbor, family), _VALIDITIES[wanted]
        # RFC 6811 section 2: the origin of an empty path is the speaker's own AS.
        checks.append(
            f"(net.type = {kind} && ((bgp_path.len > 0 && roa_check({table}) = {state}) || "
            f"(bgp_path.len = 0 && roa_check({table}, net, {setup.asn}) = {state})))"
        )
    return _any(checks)


def _changes(setup: RouterSetup, change: Change) -> list[str]:
    found = [f"bgp_path.prepend({setup.asn});"] * change.prepend
    if change.local_pref is not None:
        found.append(f"bgp_local_pref = {change.local_pref};")
    if change.med is not None:
        found.append(f"bgp_med = {change.med};")
    found += [f"bgp_community.delete({_pair(c)});" for c in change.remove_communities]
    found += [f"bgp_community.add({_pair(c)});" for c in change.add_communities]
    found += [f"bgp_large_community.delete({_triple(c)});" for c in change.remove_large_communities]
    found += [f"bgp_large_community.add({_triple(c)});" for c in change.add_large_communities]
    return found


# Sessions ----------------------------------------------------------------------------


def _import_filter(setup: RouterSetup, neighbor: Neighbor) -> str:
    if not neighbor.is_ebgp and not neighbor.imports.rules and neighbor.imports.default is Verdict.ACCEPT:
        return "import all;"
    closing = " ".join(_rule(setup, neighbor, rule, on_import=True) for rule in neighbor.closing)
    return f"import filter {{ if ! imports{neighbor.number}() then reject; {closing} accept; }};"


def _export_filter(setup: RouterSetup, neighbor: Neighbor) -> str:
    """Only BGP's own routes; whom they may go to; the rules; and the AS's marks taken off."""
    number, own = neighbor.number, setup.asn
    start = "if source !~ [RTS_BGP, RTS_STATIC] then reject;"
    start += f" if source = RTS_STATIC && {_own_scope(setup, neighbor)} then reject;"
    if not neighbor.is_ebgp:
        return f"export filter {{ {start} if ! exports{number}() then reject; accept; }};"
    marked = f"({own},{_ONLY_TO_KIND},0) ~ bgp_large_community"
    allowed = f"({own},{_ONLY_TO_KIND},{neighbor.config.asn}) ~ bgp_large_community"
    audience = f"if {marked} && ! ({allowed}) then reject; " if setup.limits_audience else ""
    return (
        f"export filter {{ {start} {audience}"
        # BIRD sends a MED to another AS only where the export filter itself has set it.
        "if source = RTS_STATIC && defined(bgp_med) then bgp_med = bgp_med; "
        f"if ! exports{number}() then reject; bgp_large_community.delete([{_marks(own)}]); accept; }};"
    )


def _marks(own: int) -> str:
    """What stays inside the AS, as items of a set."""
    return ", ".join(
        f"({administrator},{kind},{'*' if value is None else value})"
        for administrator, kind, value in marks(own)
    )


def _own_scope(setup: RouterSetup, neighbor: Neighbor) -> str:
    """Whether a route of our own carries a community that keeps it from the neighbour.

    RFC 1997 speaks of routes received, and BIRD lets its own routes out whatever
    they carry; other routers, and the emulator, keep them in.
    """
    scopes = [NO_ADVERTISE]
    if neighbor.is_ebgp:
        scopes += [NO_EXPORT, NO_EXPORT_SUBCONFED]
        if setup.speaker.honor_blackhole:
            scopes.append(BLACKHOLE)
    return _any(f"{_pair(scope)} ~ bgp_community" for scope in scopes)


def _session(setup: RouterSetup, neighbor: Neighbor) -> list[str]:
    transport, config, session = neighbor.transport, neighbor.config, setup.session
    hold_s = -(-session.hold_time // SECOND)
    options = [
        f"local {neighbor.local[transport]} as {setup.asn};",
        f"neighbor {neighbor.remote[transport]} as {config.asn};",
        "connect delay time 1; connect retry time 2; error wait time 1, 2; error forget time 1;",
        f"hold time {hold_s}; startup hold time 240;",
        *_tie_break(setup),
    ]
    if hold_s and session.keepalive is not None:
        options.append(f"keepalive time {max(session.keepalive // SECOND, 1)};")
    if config.allow_own_as:
        options.append(f"allow local as {config.allow_own_as};")
    if session.detection is Detection.BFD:
        options.append("bfd on;")
    if config.role is not None:
        options.append(f"local role {_ROLES[config.role]};")
        if config.strict_role:
            options.append("require roles on;")
    if config.is_client:
        options.append("rr client;")
    if setup.speaker.cluster_id is not None and not neighbor.is_ebgp:
        options.append(f"rr cluster id {_dotted(setup.speaker.cluster_id)};")
    channels = [_channel(setup, neighbor, family) for family in setup.families if family in neighbor.remote]
    return [
        f"protocol bgp {protocol_name(neighbor.number)} {{",
        *(f"  {option}" for option in (*options, *channels)),
        "}",
    ]


def _tie_break(setup: RouterSetup) -> list[str]:
    tie_break = setup.speaker.tie_break
    options = ["deterministic med on;"]
    if tie_break.always_compare_med:
        options.append("med metric on;")
    if tie_break.missing_med_as_worst:
        options.append("default bgp_med 4294967295;")
    if tie_break.oldest:
        options.append("prefer older on;")
    return options


def _channel(setup: RouterSetup, neighbor: Neighbor, family: Family) -> str:
    options = [_import_filter(setup, neighbor), _export_filter(setup, neighbor)]
    if not neighbor.is_ebgp and neighbor.config.next_hop_self:
        options.append("next hop self ebgp;")
    if family is not neighbor.transport:
        options.append(f"next hop address {neighbor.local[family]};")
    limit = neighbor.config.max_prefixes
    if limit is not None:
        action = "warn" if limit.warn_only else "disable" if limit.restart_after is None else "restart"
        options.append(f"receive limit {limit.limit} action {action};")
    return f"{CHANNEL[family]} {{ {' '.join(options)} }};"


def _dotted(number: int) -> str:
    return ".".join(str(octet) for octet in number.to_bytes(4, "big"))
