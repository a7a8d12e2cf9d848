"""BIRD 2: one process a router, driven over its control socket."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import Origin
from emulator.bgp.liveness import Detection
from emulator.verify.daemons.base import DaemonError, DaemonKind, RibEntry
from emulator.verify.daemons.bird_config import protocol_name, render

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from emulator.verify.daemons.base import Origination, Place, RouterSetup

_TIMEOUT_S: Final = 60.0
_START_S: Final = 30.0
_ORIGINS: Final = {"IGP": Origin.IGP, "EGP": Origin.EGP, "Incomplete": Origin.INCOMPLETE}
_ROUTE: Final = re.compile(r"(?P<prefix>\S+/\d+)\s+(?P<kind>\w+) \[(?P<protocol>\S+) ")
_ATTRIBUTE: Final = re.compile(r"\tBGP\.(?P<name>\w+): ?(?P<value>.*)")
_CHANGES: Final = re.compile(r"(?:Import|Export) (?:updates|withdraws):\s+(\d+)")
_FIRST_ERROR: Final = 8000
"""Reply codes from here on say that a command failed (doc/reply_codes)."""


class ControlSocket:
    """Conversations with a running BIRD, as birdcl has them.

    Each line of a reply starts with four digits and ``-``, or a space where it is
    the last; a line that starts with a space, or ``+``, goes on with the code before.
    A connection a command: a thousand that stay would be more than a process may have.
    """

    def __init__(self, path: Path) -> None:
        """Talk to the socket at ``path``, once there is one."""
        self._path = path
        self._name = f"bird at {path.parent.name}"

    def ask(self, command: str) -> list[str]:
        """Return the lines of the reply, without codes. Raises `DaemonError` where BIRD objects."""
        with self._connected() as connection, connection.makefile("rb") as lines:
            try:
                self._reply(lines, "the greeting")
                connection.sendall(command.encode() + b"\n")
                return self._reply(lines, command)
            except OSError as error:
                message = f"{self._name} does not answer {command!r}: {error}"
                raise DaemonError(message) from error

    def _connected(self) -> socket.socket:
        """A connection; BIRD makes its socket before it has read its configuration."""
        deadline = time.monotonic() + _START_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(_TIMEOUT_S)
            try:
                connection.connect(str(self._path))
            except OSError as error:
                connection.close()
                if time.monotonic() > deadline:
                    message = f"{self._name} did not open its control socket"
                    raise DaemonError(message) from error
                time.sleep(0.02)
            else:
                return connection

    def _reply(self, lines: Iterable[bytes], command: str) -> list[str]:
        found: list[str] = []
        for octets in lines:
            line = octets.decode(errors="replace").rstrip("\n")
            if line[:1] in {" ", "+"}:
                found.append(line[1:])
                continue
            code, more, text = line[:4], line[4:5], line[5:]
            if code.isdigit() and int(code) >= _FIRST_ERROR:
                message = f"{self._name} on {command!r}: {text}"
                raise DaemonError(message)
            found.append(text)
            if more != "-":
                return found
        message = f"{self._name} closed the connection on {command!r}"
        raise DaemonError(message)


class Bird:
    """One router on BIRD: `emulator.verify.daemons.base.Daemon`."""

    def __init__(self, setup: RouterSetup, place: Place) -> None:
        """Not started yet."""
        self._setup = setup
        self._place = place
        self._originations = {route.prefix: route for route in setup.originations}
        self._config = place.directory / "bird.conf"
        self._control = ControlSocket(place.directory / "ctl")

    def _write(self) -> None:
        log = str(self._place.directory / "bird.log")
        self._config.write_text(render(self._setup, self._originations.values(), log))

    def start(self) -> None:
        """Write the configuration and start."""
        self._write()
        directory = self._place.directory
        control, process = directory / "ctl", directory / "pid"
        command = ["bird", "-f", "-c", str(self._config), "-s", str(control), "-P", str(process)]
        self._place.launch("bird", command)

    def established(self) -> int:
        """Count BGP protocols whose state is Established, and that BFD watches where it shall.

        0 while there is no control socket.
        """
        if not (self._place.directory / "ctl").exists():
            return 0
        states = [line.split() for line in self._control.ask("show protocols")]
        open_ones = {words[0] for words in states if "BGP" in words and "Established" in words}
        if self._setup.session.detection is Detection.BFD:
            watched = {
                words[0] for line in self._control.ask("show bfd sessions") if "Up" in (words := line.split())
            }
            open_ones &= {
                protocol_name(neighbor.number)
                for neighbor in self._setup.neighbors
                if neighbor.remote[neighbor.transport] in watched
            }
        return len(open_ones)

    def activity(self) -> int:
        """Add up the counters of routes received, sent and withdrawn."""
        total = 0
        for line in self._control.ask("show protocols all"):
            found = _CHANGES.search(line)
            if found:
                total += int(found[1])
        return total

    def routes(self) -> dict[str, RibEntry]:
        """Read the best routes of BGP and those originated."""
        known = frozenset(self._setup.prefixes)
        lines = self._control.ask("show route all primary where source ~ [RTS_BGP, RTS_STATIC]")
        return {prefix: entry for prefix, entry in parse_routes(lines).items() if prefix in known}

    def announce(self, route: Origination) -> None:
        """Originate ``route``: BIRD re-reads its configuration and leaves sessions alone."""
        self._originations[route.prefix] = route
        self._reconfigure()

    def withdraw(self, prefix: str) -> None:
        """Originate ``prefix`` no more."""
        self._originations.pop(prefix, None)
        self._reconfigure()

    def _reconfigure(self) -> None:
        self._write()
        self._control.ask("configure")

    def reset(self, number: int) -> None:
        """Restart the session's protocol."""
        self._control.ask(f"restart {protocol_name(number)}")

    def shutdown(self, number: int) -> None:
        """Disable the session's protocol."""
        self._control.ask(f"disable {protocol_name(number)}")

    def enable(self, number: int) -> None:
        """Enable the session's protocol."""
        self._control.ask(f"enable {protocol_name(number)}")


def parse_routes(lines: list[str]) -> dict[str, RibEntry]:
    """Read the output of ``show route all primary``: prefix to best route.

    A route whose next hop does not resolve is ``unreachable`` and counts as none
    (RFC 4271 9.1.2); BIRD shows it when there is no other.
    """
    found: dict[str, RibEntry] = {}
    prefix: str | None = None
    attributes: dict[str, str] = {}
    is_own = False

    def finish() -> None:
        if prefix is not None:
            found[prefix] = _entry(attributes, is_own=is_own)

    for line in lines:
        attribute = _ATTRIBUTE.match(line)
        if attribute is not None:
            attributes[attribute["name"]] = attribute["value"]
            continue
        start = _ROUTE.match(line)
        if start is not None:
            finish()
            is_own = start["protocol"].startswith("origin")
            is_usable = is_own or start["kind"] != "unreachable"
            prefix, attributes = start["prefix"] if is_usable else None, {}
    finish()
    return found


def _entry(attributes: dict[str, str], *, is_own: bool) -> RibEntry:
    numbers = re.findall(r"\d+", attributes.get("as_path", ""))
    pairs = re.findall(r"\((\d+),\s*(\d+)\)", attributes.get("community", ""))
    triples = re.findall(r"\((\d+),\s*(\d+),\s*(\d+)\)", attributes.get("large_community", ""))
    med = attributes.get("med")
    return RibEntry(
        as_path=tuple(int(number) for number in numbers),
        next_hop=None if is_own else attributes.get("next_hop", "").split(" ")[0],
        local_pref=int(attributes.get("local_pref", "100")),
        med=None if med is None else int(med),
        communities=tuple(sorted({int(high) << 16 | int(low) for high, low in pairs})),
        large_communities=tuple(sorted({(int(a), int(b), int(c)) for a, b, c in triples})),
        origin=_ORIGINS[attributes.get("origin", "IGP")],
    )


def refuses(setup: RouterSetup) -> list[str]:
    """What BIRD 2.0 cannot do."""
    found = []
    if setup.speaker.damping is not None:
        found.append("has no flap damping (`flap_damping`)")
    if setup.speaker.aggregates:
        found.append("does not aggregate routes (`aggregates`)")
    return found


KIND: Final = DaemonKind("bird", "bird2", ("bird",), Bird, refuses)
