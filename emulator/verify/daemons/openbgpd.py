"""OpenBGPD: Debian's /usr/sbin/bgpd, driven by bgpctl over a socket of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.attributes import (
    BLACKHOLE,
    GRACEFUL_SHUTDOWN,
    NO_ADVERTISE,
    NO_EXPORT,
    NO_EXPORT_SUBCONFED,
    OWN_LOCAL_PREF,
    Origin,
)
from emulator.bgp.messages import Family, Role
from emulator.bgp.policy import announce_only_to
from emulator.units import MINUTE, SECOND
from emulator.verify.daemons.base import DaemonError, DaemonKind, RibEntry
from emulator.verify.daemons.clauses import pair, triple
from emulator.verify.daemons.openbgpd_rules import OpenbgpdPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.verify.daemons.base import Neighbor, Origination, Place, RouterSetup

_HOME: Final = Path("/run/openbgpd")
"""Home of Debian's user _openbgpd, into which bgpd changes its root: it must exist."""
_FAMILY_NAME: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
_ROLES: Final = {
    Role.PROVIDER: "provider",
    Role.RS: "rs",
    Role.RS_CLIENT: "rs-client",
    Role.CUSTOMER: "customer",
    Role.PEER: "peer",
}
_WELL_KNOWN: Final = {
    "NO_EXPORT": NO_EXPORT,
    "NO_ADVERTISE": NO_ADVERTISE,
    "NO_EXPORT_SUBCONFED": NO_EXPORT_SUBCONFED,
    "BLACKHOLE": BLACKHOLE,
    "GRACEFUL_SHUTDOWN": GRACEFUL_SHUTDOWN,
}
_ORIGINS: Final = {"IGP": Origin.IGP, "EGP": Origin.EGP, "incomplete": Origin.INCOMPLETE}


def render(setup: RouterSetup, socket: str) -> str:
    """Return ``bgpd.conf``; ``socket`` is the path of the control socket."""
    tie_break = setup.speaker.tie_break
    hold_s = -(-setup.session.hold_time // SECOND)
    lines = [
        f"AS {setup.asn}",
        f"router-id {setup.router_id}",
        "fib-update no",
        f'socket "{socket}"',
        "connect-retry 1",
        *([f"holdtime {hold_s}"] if hold_s else []),
        f"rde med compare {'always' if tie_break.always_compare_med else 'strict'}",
        f"rde route-age {'evaluate' if tie_break.oldest else 'ignore'}",
        *_roas(setup),
        *(f"network {route.prefix} set {{ {' '.join(_own(setup, route))} }}" for route in setup.originations),
    ]
    policy = OpenbgpdPolicy(setup)
    for neighbor in setup.neighbors:
        families = [f for f in setup.families if f in neighbor.remote and f in neighbor.config.families]
        lines += _session(setup, neighbor)
        policy.write(neighbor, families)
    return "\n".join([*lines, *policy.lines()]) + "\n"


def _own(setup: RouterSetup, route: Origination) -> list[str]:
    """Attributes of a route originated here, as `network` takes them and bgpctl too."""
    large = list(route.large_communities)
    if route.only_to is not None:
        large += announce_only_to(setup.asn, route.only_to)
    found = [f"localpref {OWN_LOCAL_PREF}"]
    if route.med is not None:
        found.append(f"med {route.med}")
    found += [f"community {pair(c)}" for c in route.communities]
    return found + [f"large-community {triple(c)}" for c in large]


def _roas(setup: RouterSetup) -> list[str]:
    """VRPs, each prefix with exactly what covers it; AS 0 authorises nobody (RFC 6483 section 4)."""
    all_roas = [setup.speaker.roas, *(neighbor.roas for neighbor in setup.neighbors)]
    roas = next((each for each in all_roas if each is not None), None)
    if roas is None:
        return []
    entries = [
        f"\t{text} source-as {asn}"
        for number, text in enumerate(setup.prefixes)
        if number in roas.covered
        for asn in sorted(roas.authorized.get(number, frozenset())) or [0]
    ]
    return ["roa-set {", *entries, "}"] if entries else []


def _session(setup: RouterSetup, neighbor: Neighbor) -> list[str]:
    config, transport = neighbor.config, neighbor.transport
    options = [f"remote-as {config.asn}", f"local-address {neighbor.local[transport]}"]
    for family in Family:
        is_spoken = family in setup.families and family in neighbor.remote and family in config.families
        options.append(f"announce {_FAMILY_NAME[family]} {'unicast' if is_spoken else 'none'}")
    if config.router < setup.index:
        # One end connects: where two connections collide OpenBGPD may stay idle for 30 s.
        options.append("passive")
    if neighbor.is_ebgp and set(setup.families) - {transport}:
        options.append("multihop 2")
    if config.role is not None:
        enforce = " enforce" if config.strict_role else ""
        options.append(f"announce policy {_ROLES[config.role]}{enforce}")
    if config.allow_own_as:
        options.append("enforce local-as no")
    limit = config.max_prefixes
    if limit is not None:
        restart = limit.restart_after
        again = "" if restart is None else f" restart {max(restart // MINUTE, 1)}"
        options.append(f"max-prefix {limit.limit}{again}")
    return [f"neighbor {neighbor.remote[transport]} {{", *(f"\t{option}" for option in options), "}"]


class Openbgpd:
    """One router on OpenBGPD: `emulator.verify.daemons.base.Daemon`."""

    def __init__(self, setup: RouterSetup, place: Place) -> None:
        """Not started yet."""
        self._setup = setup
        self._place = place
        self._socket = place.directory / "bgpd.sock"

    def start(self) -> None:
        """Write the configuration, which nobody else may read, and start."""
        _HOME.mkdir(exist_ok=True)
        config = self._place.directory / "bgpd.conf"
        config.write_text(render(self._setup, str(self._socket)))
        config.chmod(0o600)
        self._place.launch("openbgpd", [PROGRAM, "-d", "-f", str(config)])

    # Questions ------------------------------------------------------------------------

    def _ask(self, *words: str) -> str:
        return self._place.run(["bgpctl", "-s", str(self._socket), *words])

    def _json(self, *words: str) -> dict[str, Any]:
        text = self._ask("-j", *words)
        try:
            answer: dict[str, Any] = json.loads(text)
        except ValueError as error:
            message = f"openbgpd at {self._place.directory.name} on {' '.join(words)!r}: {error}"
            raise DaemonError(message) from error
        return answer

    def _neighbors(self) -> list[Mapping[str, Any]]:
        if not self._socket.exists():
            return []
        try:
            found: list[Mapping[str, Any]] = self._json("show", "neighbor").get("neighbors", [])
        except DaemonError:  # bgpd makes its socket before it listens
            return []
        return found

    def established(self) -> int:
        """Count the neighbours whose state is Established."""
        return sum(it.get("state") == "Established" for it in self._neighbors())

    def activity(self) -> int:
        """Add up what was announced and withdrawn both ways."""
        total = 0
        for it in self._neighbors():
            for way in ("sent", "received"):
                counts = it.get("stats", {}).get("update", {}).get(way, {})
                total += counts.get("updates", 0) + counts.get("withdraws", 0)
        return total

    def routes(self) -> dict[str, RibEntry]:
        """Read the best routes of the scenario's prefixes."""
        known = frozenset(self._setup.prefixes)
        table = self._json("show", "rib", "selected", "detail")
        return {prefix: entry for prefix, entry in parse_routes(table).items() if prefix in known}

    # Orders ---------------------------------------------------------------------------

    def announce(self, route: Origination) -> None:
        """Add the network, in place of what there was."""
        words = (word for each in _own(self._setup, route) for word in each.split(" "))
        self._ask("network", "add", route.prefix, *("metric" if word == "med" else word for word in words))

    def withdraw(self, prefix: str) -> None:
        """Delete the network."""
        self._ask("network", "delete", prefix)

    def _order(self, number: int, order: str) -> None:
        neighbor = self._setup.neighbors[number]
        self._ask("neighbor", neighbor.remote[neighbor.transport], order)

    def reset(self, number: int) -> None:
        """Clear the session."""
        self._order(number, "clear")

    def shutdown(self, number: int) -> None:
        """Take the session down."""
        self._order(number, "down")

    def enable(self, number: int) -> None:
        """Bring the session up."""
        self._order(number, "up")


def parse_routes(table: Mapping[str, Any]) -> dict[str, RibEntry]:
    """Read ``bgpctl -j show rib selected detail``: prefix to best route."""
    return {path["prefix"]: _entry(path) for path in table.get("rib", ()) if path.get("best", False)}


def _entry(path: Mapping[str, Any]) -> RibEntry:
    is_own = path.get("announced", False)
    return RibEntry(
        as_path=tuple(map(int, path.get("aspath", "").split())),
        next_hop=None if is_own else path["exit_nexthop"],
        local_pref=path.get("localpref", 100),
        # OpenBGPD shows 0 for a MED that is absent too, and takes the two for the same.
        med=path.get("metric") or None,
        communities=tuple(sorted(set(map(_community, path.get("communities", ()))))),
        large_communities=tuple(sorted(set(map(_large, path.get("large_communities", ()))))),
        origin=_ORIGINS.get(path.get("origin", "IGP"), Origin.IGP),
    )


def _community(text: str) -> int:
    known = _WELL_KNOWN.get(text)
    if known is not None:
        return known
    high, _, low = text.partition(":")
    return int(high) << 16 | int(low)


def _large(text: str) -> tuple[int, int, int]:
    first, second, third = map(int, text.split(":"))
    return first, second, third


def refuses(setup: RouterSetup) -> list[str]:
    """What OpenBGPD 7.7 cannot do."""
    found = []
    if setup.runs_igp:
        found.append("knows no IGP on Linux, and this AS has several routers")
    if setup.speaker.tie_break.missing_med_as_worst:
        found.append("takes a missing MED for 0 (`missing_med_as_worst`)")
    if setup.speaker.damping is not None:
        found.append("has no flap damping (`flap_damping`)")
    if setup.speaker.aggregates:
        found.append("does not aggregate routes (`aggregates`)")
    if any(neighbor.ranked is not None for neighbor in setup.neighbors):
        found.append("has no condition on a whole AS path (`rank_paths`)")
    if any(
        neighbor.config.max_prefixes and neighbor.config.max_prefixes.warn_only
        for neighbor in setup.neighbors
    ):
        found.append("closes the session at the limit (`max_prefixes` that only warn)")
    return found


PROGRAM: Final = "/usr/sbin/bgpd"
"""By its full path: FRR's daemon has the same name."""
KIND: Final = DaemonKind(
    "openbgpd", "openbgpd", (PROGRAM, "bgpctl"), Openbgpd, refuses, watches_links=False, patience_s=40.0
)
"""After a Cease OpenBGPD may stay idle for 30 s (INTERVAL_IDLE_HOLD_INITIAL in session.h)."""
