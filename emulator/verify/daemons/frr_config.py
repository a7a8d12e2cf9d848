"""FRR's configuration of one router, a file for each of its daemons (https://docs.frrouting.org)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import OWN_LOCAL_PREF
from emulator.bgp.liveness import Detection
from emulator.bgp.messages import Family, Role
from emulator.bgp.policy import announce_only_to
from emulator.units import MILLISECOND, MINUTE, SECOND
from emulator.verify.daemons.clauses import exports, imports, pair, roas_of, triple
from emulator.verify.daemons.frr_rules import FrrPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.verify.daemons.base import Neighbor, Origination, RouterSetup

FAMILY_NAME: Final = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}
_ROLES: Final = {
    Role.PROVIDER: "provider",
    Role.RS: "rs-server",
    Role.RS_CLIENT: "rs-client",
    Role.CUSTOMER: "customer",
    Role.PEER: "peer",
}
MAX_OSPF_COST: Final = 65535
_START: Final = ("frr defaults traditional", "log timestamp precision 6")


def needs_zebra(setup: RouterSetup) -> bool:
    """Whether bgpd alone will not do.

    zebra tells it of interfaces that go down, of the IGP's routes, of IPv6
    addresses for next hops.
    """
    return (
        setup.runs_igp
        or Family.IPV6 in setup.families
        or setup.session.detection in {Detection.INTERFACE, Detection.BFD}
    )


def own_maps(setup: RouterSetup) -> dict[tuple[str, ...], str]:
    """Name the route-maps for what is originated, by what they say; the first is for a route without more."""
    bodies: list[tuple[str, ...]] = [(f" set local-preference {OWN_LOCAL_PREF}",)]
    bodies += [own_body(setup, route) for route in setup.originations]
    return {body: f"own{number}" for number, body in enumerate(dict.fromkeys(bodies))}


def bgpd(setup: RouterSetup, own: Mapping[tuple[str, ...], str]) -> str:
    """Return bgpd's file; ``own`` are the route-maps of `own_maps`."""
    policy = FrrPolicy(setup)
    sessions = [line for neighbor in setup.neighbors for line in _session(setup, neighbor)]
    families = [line for family in setup.families for line in _family(setup, family, policy, own)]
    own_lines = [line for body, name in own.items() for line in own_map(name, body)]
    lines = [
        *_START,
        # Else FRR announces everything anew 5 s after it has read its route-maps.
        "bgp route-map delay-timer 0",
        *policy.lines(),
        *own_lines,
        f"router bgp {setup.asn}",
        f" bgp router-id {setup.router_id}",
        " no bgp ebgp-requires-policy",
        " no bgp network import-check",
        " no bgp default ipv4-unicast",
        *_decision(setup),
        *sessions,
        *families,
        "exit",
    ]
    return "\n".join(lines) + "\n"


def own_map(name: str, body: tuple[str, ...]) -> list[str]:
    """Return the route-map ``name`` that gives routes originated here their attributes."""
    return [f"route-map {name} permit 1", *body, "exit"]


def own_body(setup: RouterSetup, route: Origination) -> tuple[str, ...]:
    """What a route originated here is given."""
    large = list(route.large_communities)
    if route.only_to is not None:
        large += announce_only_to(setup.asn, route.only_to)
    lines = [f" set local-preference {OWN_LOCAL_PREF}"]
    if route.med is not None:
        lines.append(f" set metric {route.med}")
    if route.communities:
        lines.append(f" set community {' '.join(map(pair, route.communities))}")
    if large:
        lines.append(f" set large-community {' '.join(map(triple, large))}")
    return tuple(lines)


def _decision(setup: RouterSetup) -> list[str]:
    tie_break = setup.speaker.tie_break
    lines = [" bgp deterministic-med"]
    if not (tie_break.oldest or tie_break.incumbent):
        # Without it FRR keeps to the eBGP route that it has.
        lines.append(" bgp bestpath compare-routerid")
    if tie_break.always_compare_med:
        lines.append(" bgp always-compare-med")
    if tie_break.missing_med_as_worst:
        lines.append(" bgp bestpath med missing-as-worst")
    if setup.speaker.cluster_id is not None:
        lines.append(f" bgp cluster-id {setup.speaker.cluster_id}")
    return lines


def _session(setup: RouterSetup, neighbor: Neighbor) -> list[str]:
    """Settings of a session that hold for all families."""
    config, session, far = neighbor.config, setup.session, neighbor.remote[neighbor.transport]
    keepalive_s, hold_s = max(session.keepalive // SECOND, 1), -(-session.hold_time // SECOND)
    mrai = setup.speaker.mrai if neighbor.is_ebgp else setup.speaker.ibgp_mrai
    options = [
        f"remote-as {config.asn}",
        f"timers {keepalive_s if hold_s else 0} {hold_s}",
        "timers connect 1",
        f"advertisement-interval {round(mrai / SECOND)}",
    ]
    if neighbor.is_ebgp:
        options.append("disable-connected-check")
    else:
        options.append(f"update-source {neighbor.local[neighbor.transport]}")
    if config.role is not None:
        options.append(f"local-role {_ROLES[config.role]}{' strict-mode' if config.strict_role else ''}")
    if session.detection is Detection.BFD:
        options.append("bfd")
    return [f" neighbor {far} {option}" for option in options]


def _family(
    setup: RouterSetup, family: Family, policy: FrrPolicy, own: Mapping[tuple[str, ...], str]
) -> list[str]:
    lines = [f" address-family {FAMILY_NAME[family]} unicast"]
    lines += [
        f"  network {route.prefix} route-map {own[own_body(setup, route)]}"
        for route in setup.originations
        if route.family is family
    ]
    damping = setup.speaker.damping
    if damping is not None:
        half_life, longest = (max(time // MINUTE, 1) for time in (damping.half_life, damping.max_suppress))
        lines.append(f"  bgp dampening {half_life} {damping.reuse:.0f} {damping.suppress:.0f} {longest}")
    for aggregate in setup.speaker.aggregates:
        text = setup.prefixes[aggregate.prefix]
        if (":" in text) is (family is Family.IPV6):
            lines.append(f"  aggregate-address {text}{' summary-only' if aggregate.summary_only else ''}")
    for neighbor in setup.neighbors:
        if family in neighbor.remote and family in neighbor.config.families:
            far = neighbor.remote[neighbor.transport]
            lines += [f"  neighbor {far} {option}" for option in _in_family(setup, neighbor, family, policy)]
    return [*lines, " exit-address-family"]


def _in_family(setup: RouterSetup, neighbor: Neighbor, family: Family, policy: FrrPolicy) -> list[str]:
    config, roas = neighbor.config, roas_of(setup, neighbor)
    options = ["activate"]
    if not neighbor.is_ebgp and config.next_hop_self:
        options.append("next-hop-self")
    if config.is_client:
        options.append("route-reflector-client")
    if config.allow_own_as:
        options.append(f"allowas-in {config.allow_own_as}")
    limit = config.max_prefixes
    if limit is not None:
        action = ""
        if limit.warn_only:
            action = " warning-only"
        elif limit.restart_after is not None:
            action = f" restart {max(limit.restart_after // MINUTE, 1)}"
        options.append(f"maximum-prefix {limit.limit}{action}")
    next_hop = neighbor.local[family] if family is not neighbor.transport and neighbor.is_ebgp else None
    inward = policy.route_map(imports(setup, neighbor, family), family, roas)
    outward = policy.route_map(exports(setup, neighbor, family), family, roas, next_hop)
    if inward is not None:
        options.append(f"route-map {inward} in")
    if outward is not None:
        options.append(f"route-map {outward} out")
    return options


def zebra() -> str:
    """Return zebra's file."""
    return "\n".join(_START) + "\n"


def ospfd(setup: RouterSetup, family: Family) -> str:
    """Return the file of ospfd (IPv4) or ospf6d (IPv6): point-to-point links, one-second hellos, fast SPF."""
    six = family is Family.IPV6
    word, area = ("ipv6 ospf6", "ipv6 ospf6 area 0") if six else ("ip ospf", "ip ospf area 0")
    keeps_next_hop = any(not n.is_ebgp and not n.config.next_hop_self for n in setup.neighbors)
    lines = [*_START, "interface lo", f" {area}", f" {word} passive", "exit"]
    for interface in setup.interfaces:
        options = [area]
        if interface.is_internal:
            options += [f"{word} network point-to-point", f"{word} cost {interface.igp_cost}"]
            options += [f"{word} hello-interval 1", f"{word} dead-interval 4"]
        elif keeps_next_hop:
            options.append(f"{word} passive")
        else:
            continue
        lines += [f"interface {interface.name}", *(f" {option}" for option in options), "exit"]
    lines += [
        "router ospf6" if six else "router ospf",
        f" {'ospf6' if six else 'ospf'} router-id {setup.router_id}",
        " timers throttle spf 10 50 500",
        "exit",
    ]
    return "\n".join(lines) + "\n"


def bfdd(setup: RouterSetup) -> str:
    """Return bfdd's file, its own: in a shared one bfdd stops at the first line that it does not know."""
    interval_ms = max(setup.session.bfd_interval // MILLISECOND, 10)
    lines = [*_START, "bfd"]
    for neighbor in setup.neighbors:
        family = neighbor.transport
        options = "" if neighbor.is_ebgp else f" multihop local-address {neighbor.local[family]}"
        lines += [
            f" peer {neighbor.remote[family]}{options}",
            f"  detect-multiplier {setup.session.bfd_multiplier}",
            f"  receive-interval {interval_ms}",
            f"  transmit-interval {interval_ms}",
            " exit",
        ]
    return "\n".join([*lines, "exit"]) + "\n"
