"""GoBGP 3: gobgpd, driven by its own command line over a local socket."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.attributes import OWN_LOCAL_PREF, Origin
from emulator.bgp.messages import Family
from emulator.bgp.policy import announce_only_to
from emulator.units import SECOND
from emulator.verify.daemons.base import DaemonError, DaemonKind, RibEntry
from emulator.verify.daemons.clauses import pair, triple
from emulator.verify.daemons.gobgp_rules import FAMILY_NAME, GobgpPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.verify.daemons.base import Neighbor, Origination, Place, RouterSetup

_START_S: Final = 30.0
_ESTABLISHED: Final = 6
_FAMILY_OPTION: Final = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}
_ORIGIN, _AS_PATH, _NEXT_HOP, _MED, _LOCAL_PREF = 1, 2, 3, 4, 5
_COMMUNITIES, _MP_REACH, _LARGE_COMMUNITIES = 8, 14, 32
"""Attribute types (https://www.iana.org/assignments/bgp-parameters/)."""


def render(setup: RouterSetup) -> str:
    """Return ``gobgpd.toml``. What is originated cannot stand in it: it is added once gobgpd runs."""
    policy = GobgpPolicy(setup)
    sessions: list[str] = []
    imports, exports = [], []
    for neighbor in setup.neighbors:
        families = [f for f in setup.families if f in neighbor.remote and f in neighbor.config.families]
        imports.append(policy.define(neighbor, families, on_import=True))
        exports.append(policy.define(neighbor, families, on_import=False))
        sessions += ["", *_session(setup, neighbor, families)]
    compares_all = "true" if setup.speaker.tie_break.always_compare_med else "false"
    # Without it GoBGP prefers the older of two eBGP routes.
    tie_break = setup.speaker.tie_break
    compares_identifiers = "false" if tie_break.oldest or tie_break.incumbent else "true"
    lines = [
        "[global.config]",
        f"as = {setup.asn}",
        f'router-id = "{setup.router_id}"',
        "[global.route-selection-options.config]",
        f"external-compare-router-id = {compares_identifiers}",
        f"always-compare-med = {compares_all}",
        "[global.apply-policy.config]",
        f"import-policy-list = {json.dumps(imports)}",
        f"export-policy-list = {json.dumps(exports)}",
        'default-import-policy = "accept-route"',
        'default-export-policy = "accept-route"',
        *sessions,
        "",
        *policy.lines(),
    ]
    return "\n".join(lines) + "\n"


def _session(setup: RouterSetup, neighbor: Neighbor, families: Sequence[Family]) -> list[str]:
    config, session, transport = neighbor.config, setup.session, neighbor.transport
    hold_s = -(-session.hold_time // SECOND)
    lines = [
        "[[neighbors]]",
        "[neighbors.config]",
        f'neighbor-address = "{neighbor.remote[transport]}"',
        f"peer-as = {config.asn}",
        "[neighbors.timers.config]",
        "connect-retry = 1",
        "idle-hold-time-after-reset = 1",
        f"hold-time = {hold_s}",
        f"keepalive-interval = {max(session.keepalive // SECOND, 1)}",
        "[neighbors.transport.config]",
        f'local-address = "{neighbor.local[transport]}"',
        "[neighbors.as-path-options.config]",
        f"allow-own-as = {config.allow_own_as}",
    ]
    for family in families:
        lines += ["[[neighbors.afi-safis]]", "[neighbors.afi-safis.config]"]
        lines.append(f'afi-safi-name = "{FAMILY_NAME[family]}"')
        if config.max_prefixes is not None:
            lines += ["[neighbors.afi-safis.prefix-limit.config]"]
            lines.append(f"max-prefixes = {config.max_prefixes.limit}")
    return lines


class Gobgp:
    """One router on GoBGP: `emulator.verify.daemons.base.Daemon`."""

    def __init__(self, setup: RouterSetup, place: Place) -> None:
        """Not started yet."""
        self._setup = setup
        self._place = place
        self._socket = place.directory / "api"

    def start(self) -> None:
        """Write the configuration, start, and once it answers originate the prefixes."""
        config = self._place.directory / "gobgpd.toml"
        config.write_text(render(self._setup))
        address = f"unix://{self._socket}"
        command = ["gobgpd", "-f", str(config), "--api-hosts", address, "-l", "info", "--pprof-disable"]
        self._place.launch("gobgpd", command, cwd=self._place.directory)
        self._wait_for_neighbors()
        for route in self._setup.originations:
            self.announce(route)

    def _wait_for_neighbors(self) -> None:
        """Neighbours are the last that gobgpd does with its configuration; until then it takes no routes."""
        deadline = time.monotonic() + _START_S
        while len(self._neighbors_if_any()) < len(self._setup.neighbors):
            if time.monotonic() > deadline:
                message = f"gobgpd at {self._place.directory.name} did not start"
                raise DaemonError(message)
            time.sleep(0.05)

    # Questions ------------------------------------------------------------------------

    def _ask(self, *words: str) -> str:
        return self._place.run(["gobgp", "--target", f"unix://{self._socket}", *words])

    def _json(self, *words: str) -> Any:  # noqa: ANN401 - a list or a mapping, as asked
        text = self._ask(*words, "-j")
        try:
            return json.loads(text.strip() or "null")
        except ValueError as error:
            message = f"gobgpd at {self._place.directory.name} on {' '.join(words)!r}: {error}"
            raise DaemonError(message) from error

    def _neighbors(self) -> list[Mapping[str, Any]]:
        return self._json("neighbor") or []

    def _neighbors_if_any(self) -> list[Mapping[str, Any]]:
        try:
            return self._neighbors()
        except DaemonError:  # it does not answer yet
            return []

    def established(self) -> int:
        """Count the neighbours whose state is Established; 0 while gobgpd does not answer."""
        states = [it.get("state", {}) for it in self._neighbors_if_any()]
        return sum(state.get("session_state") == _ESTABLISHED for state in states)

    def activity(self) -> int:
        """Add up UPDATEs both ways."""
        total = 0
        for it in self._neighbors():
            messages = it.get("state", {}).get("messages", {})
            total += sum(messages.get(way, {}).get("update", 0) for way in ("received", "sent"))
        return total

    def routes(self) -> dict[str, RibEntry]:
        """Read the best routes of the scenario's prefixes."""
        known = frozenset(self._setup.prefixes)
        found: dict[str, RibEntry] = {}
        for family in self._setup.families:
            table = self._json("global", "rib", "-a", _FAMILY_OPTION[family]) or {}
            found.update(parse_routes(table))
        return {prefix: entry for prefix, entry in found.items() if prefix in known}

    # Orders ---------------------------------------------------------------------------

    def announce(self, route: Origination) -> None:
        """Add the route to the global table."""
        large = list(route.large_communities)
        if route.only_to is not None:
            large += announce_only_to(self._setup.asn, route.only_to)
        words = ["global", "rib", "add", route.prefix, "origin", "igp", "local-pref", str(OWN_LOCAL_PREF)]
        if route.med is not None:
            words += ["med", str(route.med)]
        if route.communities:
            words += ["community", ",".join(map(pair, route.communities))]
        if large:
            words += ["large-community", ",".join(map(triple, large))]
        self._ask(*words, "-a", _FAMILY_OPTION[route.family])

    def withdraw(self, prefix: str) -> None:
        """Take the route out of the global table."""
        family = Family.IPV6 if ":" in prefix else Family.IPV4
        self._ask("global", "rib", "del", prefix, "-a", _FAMILY_OPTION[family])

    def _order(self, number: int, order: str) -> None:
        neighbor = self._setup.neighbors[number]
        self._ask("neighbor", neighbor.remote[neighbor.transport], order)

    def reset(self, number: int) -> None:
        """Reset the session."""
        self._order(number, "reset")

    def shutdown(self, number: int) -> None:
        """Disable the neighbour."""
        self._order(number, "disable")

    def enable(self, number: int) -> None:
        """Enable the neighbour."""
        self._order(number, "enable")


def parse_routes(table: Mapping[str, Any]) -> dict[str, RibEntry]:
    """Read ``gobgp global rib -j``: prefix to best route."""
    return {
        prefix: _entry(path) for prefix, paths in table.items() for path in paths if path.get("best", False)
    }


def _entry(path: Mapping[str, Any]) -> RibEntry:
    attributes = {it["type"]: it for it in path["attrs"]}
    segments = attributes.get(_AS_PATH, {}).get("as_paths") or ()
    hop = attributes.get(_MP_REACH, attributes.get(_NEXT_HOP, {})).get("nexthop")
    large = attributes.get(_LARGE_COMMUNITIES, {}).get("value") or ()
    is_own = "neighbor-ip" not in path
    return RibEntry(
        as_path=tuple(asn for segment in segments for asn in segment["asns"]),
        next_hop=None if is_own else hop,
        local_pref=attributes.get(_LOCAL_PREF, {}).get("value", 100),
        med=attributes.get(_MED, {}).get("metric"),
        # GoBGP adds a community that is there already once more; it is a set all the same (RFC 1997).
        communities=tuple(sorted(set(attributes.get(_COMMUNITIES, {}).get("communities") or ()))),
        large_communities=tuple(sorted({(it["ASN"], it["LocalData1"], it["LocalData2"]) for it in large})),
        origin=Origin(attributes.get(_ORIGIN, {}).get("value", Origin.IGP)),
    )


def refuses(setup: RouterSetup) -> list[str]:
    """What GoBGP 3 cannot do."""
    found = []
    if setup.runs_igp:
        found.append("has no IGP, and this AS has several routers")
    if setup.speaker.tie_break.missing_med_as_worst:
        found.append("takes a missing MED for 0 (`missing_med_as_worst`)")
    if setup.speaker.damping is not None:
        found.append("has no flap damping (`flap_damping`)")
    if setup.speaker.aggregates:
        found.append("does not aggregate routes (`aggregates`)")
    if any(neighbor.config.role is not None for neighbor in setup.neighbors):
        found.append("has no roles (RFC 9234)")
    if any(_sets_no_preference(neighbor) for neighbor in setup.neighbors):
        found.append("takes LOCAL_PREF 0 for none given (`local_pref: 0`, graceful shutdown)")
    return found


def _sets_no_preference(neighbor: Neighbor) -> bool:
    rules = (*neighbor.imports.rules, *neighbor.exports.rules, *neighbor.closing)
    return any(rule.change.local_pref == 0 for rule in rules)


KIND: Final = DaemonKind(
    "gobgp", "gobgpd", ("gobgpd", "gobgp"), Gobgp, refuses, watches_links=False, patience_s=30.0
)
"""After a Cease GoBGP stays idle for 5 s, and a connection is tried every 5 to 10 s (pkg/server/fsm.go)."""
