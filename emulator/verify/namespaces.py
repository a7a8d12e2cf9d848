"""A network namespace for every router, joined by veth pairs, or by TAP pairs where a link has delay.

Neighbours are entered for good with fixed MAC addresses: no address resolution
in the timings, and none of the neighbour table's 1,024 places taken (one table
serves all namespaces of a machine, and permanent entries do not count).
"""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.verify.daemons.base import DaemonError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.verify.daemons.base import Interface, RouterSetup

_RELAY_START_S: Final = 60.0
_NOBODY: Final = "02:00:00:00:00:00"
"""A MAC address that no end of a link has (`mac`)."""
_FULL_LENGTH: Final = {Family.IPV4: 32, Family.IPV6: 128}


@dataclass(frozen=True, slots=True)
class Wire:
    """A link to be made: its ends as (router, interface), and its one-way delay in nanoseconds."""

    ends: tuple[tuple[int, Interface], tuple[int, Interface]]
    delay_ns: int = 0


def new_prefix() -> str:
    """Return a start for the names of one run's namespaces that no other run has."""
    return f"ipa-{os.getpid()}-{secrets.token_hex(3)}-"


def ip(orders: str, *options: str, force: bool = False) -> None:
    """Run ``ip -batch``. Raises `DaemonError` with what it said where an order fails."""
    if not orders:
        return
    flags = [*options, *(["-force"] if force else [])]
    done = subprocess.run(
        ["ip", *flags, "-batch", "-"], input=orders, capture_output=True, text=True, check=False
    )
    if done.returncode and not force:
        message = f"ip: {done.stderr.strip()[-500:]}"
        raise DaemonError(message)


class Namespaces:
    """The namespaces of one run. `build` them; whoever watches over the run deletes them by ``prefix``."""

    def __init__(self, prefix: str) -> None:
        """Make nothing yet."""
        self.prefix = prefix
        self.relay: subprocess.Popen[str] | None = None
        self._wires: dict[int, Wire] = {}

    def name(self, router: int) -> str:
        """Name of a router's namespace."""
        return f"{self.prefix}{router}"

    def build(self, setups: Sequence[RouterSetup], wires: Sequence[Wire]) -> None:
        """Make a namespace a router and the links between them, addresses and neighbours included."""
        self._wires = {wire.ends[0][1].link: wire for wire in wires}
        ip("".join(f"netns add {self.name(setup.index)}\n" for setup in setups))
        for setup in setups:
            prepare(self.name(setup.index))
        instant = [wire for wire in wires if not wire.delay_ns]
        ip("".join(self._veth(wire) for wire in instant))
        self._start_relay([wire for wire in wires if wire.delay_ns])
        instant_links = {wire.ends[0][1].link for wire in instant}
        for setup in setups:
            orders = ["link set lo up"]
            orders += [
                f"addr add {address}/{_FULL_LENGTH[family]} dev lo{_undoubted(family)}"
                for family, address in setup.loopback.items()
            ]
            for interface in setup.interfaces:
                side = self._side(interface, setup.index)
                orders += address_orders(interface)
                orders += up_orders(interface, side, quick=interface.link in instant_links)
            ip("\n".join(orders) + "\n", "-n", self.name(setup.index))

    def _side(self, interface: Interface, router: int) -> int:
        return 0 if self._wires[interface.link].ends[0][0] == router else 1

    def _veth(self, wire: Wire) -> str:
        (first, own), (second, far) = wire.ends
        return (
            f"link add name {own.name} address {mac(own.link, 0)} netns {self.name(first)} "
            f"type veth peer name {far.name} address {mac(own.link, 1)} netns {self.name(second)}\n"
        )

    def _start_relay(self, wires: Sequence[Wire]) -> None:
        if not wires:
            return
        links = [
            {
                "delay_ns": wire.delay_ns,
                "ends": [
                    [self.name(router), interface.name, mac(interface.link, side)]
                    for side, (router, interface) in enumerate(wire.ends)
                ],
            }
            for wire in wires
        ]
        script = Path(__file__).with_name("relay.py")
        self.relay = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        stdin, stdout = self.relay.stdin, self.relay.stdout
        if stdin is None or stdout is None:  # pragma: no cover - both are pipes
            return
        stdin.write(json.dumps(links) + "\n")
        stdin.flush()
        ready, _, _ = select.select([stdout], [], [], _RELAY_START_S)
        if not ready or stdout.readline().strip() != "ready":
            self.relay.kill()
            _, said = self.relay.communicate()
            message = f"the relay of links with delay did not start: {said.strip()[-500:]}"
            raise DaemonError(message)

    def cut(self, link: int) -> None:
        """Take both ends of a link down."""
        for router, interface in self._wires[link].ends:
            ip(f"link set {interface.name} down\n", "-n", self.name(router))

    def silence(self, link: int) -> None:
        """Have all frames over a link get lost: sent to a MAC address that neither end has."""
        for router, interface in self._wires[link].ends:
            orders = [
                f"neigh replace {address} lladdr {_NOBODY} dev {interface.name} nud permanent\n"
                for address in interface.far_address.values()
            ]
            ip("".join(orders), "-n", self.name(router))

    def repair(self, link: int) -> None:
        """Bring both ends of a link up again, with the neighbours that got lost or were made wrong."""
        wire = self._wires[link]
        for side, (router, interface) in enumerate(wire.ends):
            orders = "\n".join(up_orders(interface, side, quick=not wire.delay_ns))
            ip(f"{orders}\n", "-n", self.name(router))


def mac(link: int, side: int) -> str:
    """Return the MAC address of a link's end, as `emulator.wire.addresses` has it."""
    return ":".join(f"{octet:02x}" for octet in (0x02, side + 1, *link.to_bytes(4, "big")))


def _undoubted(family: Family) -> str:
    """Option that spares an IPv6 address duplicate detection, a second of waiting."""
    return " nodad" if family is Family.IPV6 else ""


def address_orders(interface: Interface) -> list[str]:
    """Orders that give an interface its addresses."""
    return [
        f"addr add {address}/{interface.length[family]} dev {interface.name}{_undoubted(family)}"
        for family, address in interface.address.items()
    ]


def up_orders(interface: Interface, side: int, *, quick: bool) -> list[str]:
    """Orders that bring an interface up and enter the neighbour for good.

    ``quick`` acknowledges every segment at once. Without it a daemon that leaves
    Nagle's algorithm on holds its second small message for the 40 ms of a delayed
    acknowledgement. Where a link has delay of its own, waiting for the
    acknowledgement costs a round trip either way.
    """
    orders = [f"link set {interface.name} up"]
    for family, address in interface.far_address.items():
        far = mac(interface.link, 1 - side)
        orders.append(f"neigh replace {address} lladdr {far} dev {interface.name} nud permanent")
        if quick and family is Family.IPV4:
            own = interface.address[family]
            subnet = ip_network(f"{own}/{interface.length[family]}", strict=False)
            # The kernel's own route again, with the option: daemons must go on seeing a connected subnet.
            orders.append(
                f"route replace {subnet} dev {interface.name} proto kernel scope link src {own} quickack 1"
            )
    return orders


def prepare(namespace: str) -> None:
    """Make a namespace a router: it forwards, and an interface that goes down keeps its IPv6 addresses."""
    settings = {
        "ipv4/ip_forward": 1,
        "ipv6/conf/all/forwarding": 1,
        "ipv6/conf/default/forwarding": 1,
        "ipv6/conf/default/keep_addr_on_down": 1,
        "ipv6/conf/default/accept_dad": 0,
        "ipv6/conf/default/accept_ra": 0,
    }
    command = "; ".join(f"echo {value} > /proc/sys/net/{name}" for name, value in settings.items())
    subprocess.run(
        ["nsenter", f"--net=/run/netns/{namespace}", "sh", "-c", command], capture_output=True, check=False
    )
