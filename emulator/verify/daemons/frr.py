"""FRR 8.4: bgpd with zebra, ospfd and bfdd beside it where they are needed, driven over their sockets."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.attributes import (
    BLACKHOLE,
    GRACEFUL_SHUTDOWN,
    NO_ADVERTISE,
    NO_EXPORT,
    NO_EXPORT_SUBCONFED,
    Origin,
)
from emulator.bgp.liveness import Detection
from emulator.bgp.messages import Family
from emulator.verify.daemons.base import DaemonError, DaemonKind, RibEntry
from emulator.verify.daemons.frr_config import (
    FAMILY_NAME,
    MAX_OSPF_COST,
    bfdd,
    bgpd,
    needs_zebra,
    ospfd,
    own_body,
    own_map,
    own_maps,
    zebra,
)
from emulator.verify.daemons.vty import Vty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.verify.daemons.base import Origination, Place, RouterSetup

PROGRAMS: Final = "/usr/lib/frr"
"""Where Debian puts FRR's daemons: another program called bgpd, OpenBGPD's, is in /usr/sbin."""
_USER: Final = "frr"
"""Whom the daemons become: their sockets' directory must be his."""
_START_S: Final = 30.0
_COALESCE_S: Final = 1.0
_COALESCE_PEER_S: Final = 0.05
_QUEUE_S: Final = 0.05
"""From Established to the first advertisement: so long, more for every peer of the router, and the hold of
the queue of best paths (bgpd/bgp_updgrp.h, bgpd/bgp_route.c)."""
_WELL_KNOWN: Final = {
    "noExport": NO_EXPORT,
    "noAdvertise": NO_ADVERTISE,
    "localAs": NO_EXPORT_SUBCONFED,
    "blackhole": BLACKHOLE,
    "gracefulShutdown": GRACEFUL_SHUTDOWN,
}
_ORIGINS: Final = {"IGP": Origin.IGP, "EGP": Origin.EGP, "incomplete": Origin.INCOMPLETE}


class Frr:
    """One router on FRR: `emulator.verify.daemons.base.Daemon`."""

    def __init__(self, setup: RouterSetup, place: Place) -> None:
        """Not started yet."""
        self._setup = setup
        self._place = place
        self._bgpd = Vty(place.directory / "bgpd.vty")
        self._own = own_maps(setup)
        self._seen: dict[str, tuple[int, float]] = {}
        """By neighbour: which of its sessions was seen Established last, and when first."""

    # Start ----------------------------------------------------------------------------

    def start(self) -> None:
        """Write the files and start: zebra first, for the others connect to it."""
        setup = self._setup
        with_zebra = needs_zebra(setup)
        shutil.chown(self._place.directory, _USER, _USER)
        if with_zebra:
            self._launch("zebra", zebra())
            self._wait_for("zserv.api")
        if setup.runs_igp:
            for family, name in ((Family.IPV4, "ospfd"), (Family.IPV6, "ospf6d")):
                if family in setup.loopback:
                    self._launch(name, ospfd(setup, family))
        if setup.session.detection is Detection.BFD:
            self._launch("bfdd", bfdd(setup), "--bfdctl", str(self._place.directory / "bfdd.sock"))
        self._launch("bgpd", bgpd(setup, self._own), "-p", "179", *([] if with_zebra else ["-Z"]))

    def _launch(self, name: str, config: str, *options: str) -> None:
        directory = self._place.directory
        file = directory / f"{name}.conf"
        file.write_text(config)
        command = [f"{PROGRAMS}/{name}", "-u", _USER, "-g", _USER, "-f", str(file)]
        command += ["-i", str(directory / f"{name}.pid")]
        command += ["--vty_socket", str(directory), "-z", str(directory / "zserv.api"), "-P", "0"]
        command += ["--log", f"file:{directory / name}.log", "--log-level", "informational"]
        self._place.launch(name, [*command, *options])

    def _wait_for(self, socket_name: str) -> None:
        deadline = time.monotonic() + _START_S
        while not (self._place.directory / socket_name).exists():
            if time.monotonic() > deadline:
                message = f"frr at {self._place.directory.name} did not open {socket_name}"
                raise DaemonError(message)
            time.sleep(0.02)

    # Questions ------------------------------------------------------------------------

    def _json(self, command: str) -> dict[str, Any]:
        text = self._bgpd.ask(command)
        try:
            answer: dict[str, Any] = json.loads(text or "{}")
        except ValueError as error:
            message = f"frr at {self._place.directory.name} on {command!r}: {error}"
            raise DaemonError(message) from error
        return answer

    def established(self) -> int:
        """Count the neighbours whose state is Established, and that BFD watches where it shall."""
        if not self._bgpd.is_there():
            return 0
        has_bfd = self._setup.session.detection is Detection.BFD
        return sum(
            isinstance(it, dict)
            and it.get("bgpState") == "Established"
            and (not has_bfd or it.get("peerBfdInfo", {}).get("status") == "Up")
            for it in self._json("show bgp neighbors json").values()
        )

    def activity(self) -> int:
        """Add up UPDATEs both ways and table versions; until new sessions have advertised, time moves it."""
        if not self._bgpd.is_there():
            return 0
        neighbors = {
            far: it for far, it in self._json("show bgp neighbors json").items() if isinstance(it, dict)
        }
        total = time.monotonic_ns() if self._is_coalescing(neighbors) else 0
        for it in neighbors.values():
            counts = it.get("messageStats", {})
            total += counts.get("updatesSent", 0) + counts.get("updatesRecv", 0)
        for summary in self._json("show bgp summary json").values():
            if isinstance(summary, dict):
                total += summary.get("tableVersion", 0)
        return total

    def _is_coalescing(self, neighbors: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether a session has not been Established for long enough to have advertised anything.

        FRR tells its age in whole seconds only, so it is measured here.
        """
        now = time.monotonic()
        for far, it in neighbors.items():
            number = it.get("connectionsEstablished", 0)
            if it.get("bgpState") == "Established" and self._seen.get(far, (0, 0.0))[0] != number:
                self._seen[far] = (number, now)
        until = _COALESCE_S + _COALESCE_PEER_S * len(neighbors) + _QUEUE_S
        return any(now - seen < until for _, seen in self._seen.values())

    def routes(self) -> dict[str, RibEntry]:
        """Read the best routes of the scenario's prefixes."""
        known = frozenset(self._setup.prefixes)
        found: dict[str, RibEntry] = {}
        for family in self._setup.families:
            table = self._json(f"show bgp {FAMILY_NAME[family]} unicast json detail")
            found.update(parse_routes(table))
        return {prefix: entry for prefix, entry in found.items() if prefix in known}

    # Orders ---------------------------------------------------------------------------

    def announce(self, route: Origination) -> None:
        """Originate ``route`` with the route-map for its attributes, which is made if there is none yet."""
        body = own_body(self._setup, route)
        lines = []
        if body not in self._own:
            self._own[body] = f"own{len(self._own)}"
            lines += own_map(self._own[body], body)
        lines += self._family(route.family)
        self._bgpd.configure([*lines, f"network {route.prefix} route-map {self._own[body]}"])

    def withdraw(self, prefix: str) -> None:
        """Originate ``prefix`` no more."""
        family = Family.IPV6 if ":" in prefix else Family.IPV4
        self._bgpd.configure([*self._family(family), f"no network {prefix}"])

    def _family(self, family: Family) -> list[str]:
        return [f"router bgp {self._setup.asn}", f"address-family {FAMILY_NAME[family]} unicast"]

    def _far(self, number: int) -> str:
        neighbor = self._setup.neighbors[number]
        return neighbor.remote[neighbor.transport]

    def reset(self, number: int) -> None:
        """Clear the session."""
        self._bgpd.ask(f"clear bgp {self._far(number)}")

    def shutdown(self, number: int) -> None:
        """Shut the session down."""
        self._bgpd.configure([f"router bgp {self._setup.asn}", f"neighbor {self._far(number)} shutdown"])

    def enable(self, number: int) -> None:
        """Take the shutdown back."""
        self._bgpd.configure([f"router bgp {self._setup.asn}", f"no neighbor {self._far(number)} shutdown"])


def parse_routes(table: Mapping[str, Any]) -> dict[str, RibEntry]:
    """Read ``show bgp ipv4 unicast json detail``: prefix to best route."""
    found = {}
    for prefix, paths in table.get("routes", {}).items():
        for path in paths:
            if "bestpath" in path and path["bestpath"].get("overall"):
                found[prefix] = _entry(path)
    return found


def _entry(path: Mapping[str, Any]) -> RibEntry:
    is_own = path.get("sourced", False)
    used = [hop for hop in path.get("nexthops", ()) if hop.get("scope", "global") == "global"]
    return RibEntry(
        as_path=tuple(asn for segment in path["aspath"].get("segments", ()) for asn in segment["list"]),
        next_hop=None if is_own or not used else used[0]["ip"],
        local_pref=path.get("locPrf", 100),
        # FRR announces its own routes with MED 0 where none is set; 0 is what absence means.
        med=path.get("metric") or None,
        communities=tuple(sorted(map(_community, path.get("community", {}).get("list", ())))),
        large_communities=tuple(sorted(map(_large, path.get("largeCommunity", {}).get("list", ())))),
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
    """What FRR 8.4 cannot do."""
    found = []
    if setup.runs_igp and any(i.is_internal and i.igp_cost > MAX_OSPF_COST for i in setup.interfaces):
        found.append(f"has OSPF costs up to {MAX_OSPF_COST:,} (`igp_cost`)")
    if setup.speaker.tie_break.missing_med_as_worst:
        found.append("announces its own routes with MED 0, so none is ever missing (`missing_med_as_worst`)")
    return found


KIND: Final = DaemonKind("frr", "frr", (f"{PROGRAMS}/zebra", f"{PROGRAMS}/bgpd"), Frr, refuses, has_mrai=True)
