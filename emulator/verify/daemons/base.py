"""What every daemon's driver is given, and what it must be able to do.

A driver is a module ``emulator.verify.daemons.<name>`` with two things in it: a
class that satisfies `Daemon`, one object a router, and ``KIND``, which names
the class and the Debian package. As used by the lab, which never looks inside::

    kind = kind_of("bird")
    kind.require()                            # InputError that names the missing package
    reasons = kind.refuses(setup)             # what of this router it cannot do: told before anything starts
    daemon = kind.make(setup, place)          # setup: RouterSetup, place: Place
    daemon.start()                            # writes the configuration, starts the processes; does not wait
    while daemon.established() < len(setup.neighbors): ...
    daemon.routes()                           # {"203.0.113.0/24": RibEntry(...)}
    daemon.withdraw("203.0.113.0/24")
    daemon.announce(Origination("203.0.113.0/24"))
    daemon.reset(0)                           # Cease, and up again by itself
    daemon.shutdown(0); daemon.enable(0)

The lab ends the processes itself (SIGTERM, then SIGKILL), by the ids that
`Place.launch` has registered. Everything a driver raises about the daemon is a
`DaemonError`. Methods are called from several threads, but for one router never
from two at a time.

What every configuration must do, because the emulator's speaker does it:

* Import from eBGP: `Neighbor.ranked` where given, else `Neighbor.imports`, then
  `Neighbor.closing` on what was accepted. LOCAL_PREF is 100 where no rule sets it.
  Import over iBGP only where the lists hold something.
* Export to eBGP: every route, one's own too, through `Neighbor.exports`, with the
  AS_PATH as in the Loc-RIB and without a MED that a neighbour set (RFC 4271 5.1.4;
  that of an `Origination` is kept). After the list the AS's own
  marks, `emulator.bgp.policy.marks`, are removed, and NEXT_HOP is ours.
* An `Origination` with ``only_to`` carries the large communities
  `emulator.bgp.policy.announce_only_to` while it is inside its AS, and every border
  router refuses it to eBGP neighbours whose AS is not among them. Its LOCAL_PREF is 400.
* `Match.learned_from` on import over eBGP is `PeerConfig.relation`; elsewhere it is any
  one of the large communities `emulator.bgp.policy.own_tag` gives.
* NO_EXPORT, NO_ADVERTISE as RFC 1997 has it; the daemons do it by themselves.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from emulator.bgp.attributes import Community, LargeCommunity, Origin
from emulator.bgp.messages import Family
from emulator.errors import EmulatorError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.liveness import SessionConfig
    from emulator.bgp.peer import PeerConfig
    from emulator.bgp.rov import Roas
    from emulator.bgp.rules import Rule, RuleList


class DaemonError(EmulatorError):
    """A daemon did not start, or answered what nobody expects."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A router's end of a link, as it exists in the namespace. Addresses by family, without length."""

    name: str
    link: int
    is_internal: bool
    """Inside the AS: the IGP runs over it."""
    igp_cost: int
    address: Mapping[Family, str]
    length: Mapping[Family, int]
    """Of the link's subnet."""
    far_address: Mapping[Family, str]
    far_router: int


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One BGP session of a router, ``number`` as the emulator's speaker counts its peers.

    An eBGP session runs between the two addresses of its link's ends; an iBGP
    one between loopbacks, which the IGP carries. Where both families are spoken
    there is one session, over IPv4, and it carries both (RFC 4760).
    ``local`` is what goes into NEXT_HOP towards this neighbour, for each family.
    """

    number: int
    config: PeerConfig
    is_ebgp: bool
    local: Mapping[Family, str]
    remote: Mapping[Family, str]
    interface: str | None
    """None for iBGP."""
    imports: RuleList
    """What is done to routes received."""
    exports: RuleList
    """What is done to routes before they are sent; the daemon adds its own AS afterwards."""
    closing: tuple[Rule, ...] = ()
    """Done to every route received that ``imports`` has accepted: none of them judges. RFC 8326's LOCAL_PREF
    0 and RFC 7999's NO_EXPORT, where the scenario uses those communities."""
    ranked: tuple[tuple[int, ...], ...] | None = None
    """In place of ``imports``: the only AS paths accepted, as received, best first; LOCAL_PREF is 1000 less
    the place in the list, which counts from 0."""
    roas: Roas | None = None
    """What `Match.validity` is looked up in."""

    @property
    def transport(self) -> Family:
        """The family of the session's own addresses."""
        return Family.IPV4 if Family.IPV4 in self.remote else Family.IPV6


@dataclass(frozen=True, slots=True)
class Origination:
    """A route that a router brings into BGP; ``prefix`` as text."""

    prefix: str
    only_to: tuple[int, ...] | None = None
    """The neighbour ASes that may hear it, ascending; None: all."""
    med: int | None = None
    communities: tuple[Community, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()

    @property
    def family(self) -> Family:
        """Of the prefix."""
        return Family.IPV6 if ":" in self.prefix else Family.IPV4


@dataclass(frozen=True, slots=True)
class RouterSetup:
    """All that one router is to be configured with: names and addresses are final."""

    index: int
    name: str
    asn: int
    router_id: str
    """Dotted."""
    loopback: Mapping[Family, str]
    interfaces: tuple[Interface, ...]
    neighbors: tuple[Neighbor, ...]
    families: tuple[Family, ...]
    """Those that the scenario has prefixes of: configure no other."""
    prefixes: tuple[str, ...]
    """Every prefix of the scenario by its number: what `Match.prefixes` counts."""
    originations: tuple[Origination, ...]
    """Announced from the start; what is announced later comes through `Daemon.announce`."""
    speaker: SpeakerConfig
    session: SessionConfig
    runs_igp: bool = False
    """The AS has several routers: OSPF over the internal interfaces, with loopbacks, and with the
    subnets of external links as stubs where a peer has ``next_hop_self`` off."""
    limits_audience: bool = True
    """Somewhere in the scenario a route is announced to some neighbour ASes only (`Origination.only_to`)."""


@dataclass(frozen=True, slots=True)
class RibEntry:
    """A best route, as a daemon shows it and as the emulator expects it.

    ``next_hop`` is an address, None for a route originated here (whose
    ``local_pref`` and ``origin`` are then the daemon's own affair and not compared).
    ``local_pref`` is the value in force: 100 where a daemon shows none. ``med`` None
    where the attribute is absent. Community lists are sorted.
    """

    as_path: tuple[int, ...]
    next_hop: str | None
    local_pref: int = 100
    med: int | None = None
    communities: tuple[Community, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    origin: Origin = Origin.IGP


class Place(Protocol):
    """Where one router's daemon lives: a directory and a network namespace."""

    directory: Path
    """Of this router alone; it exists, and everybody may traverse it."""
    namespace: str

    def launch(
        self,
        kind: str,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Start a process in the namespace that stays; return its id.

        Its output goes to ``<directory>/<kind>.out``. The process must stay in the foreground.
        """

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> str:
        """Run a short command in the namespace and return what it printed.

        Raises `DaemonError` with its stderr where it fails or takes longer.
        """


class Daemon(Protocol):
    """One router's daemon. Sessions are named by `Neighbor.number`."""

    def start(self) -> None:
        """Write the configuration and start; return without waiting for sessions."""

    def established(self) -> int:
        """How many sessions are Established; 0 while the daemon does not answer yet."""

    def activity(self) -> int:
        """A number that changes with every UPDATE received or sent and every route changed."""

    def routes(self) -> dict[str, RibEntry]:
        """The best route of every prefix, the router's own included (next_hop None)."""

    def announce(self, route: Origination) -> None:
        """Originate ``route``, in place of what was originated for the prefix before."""

    def withdraw(self, prefix: str) -> None:
        """Originate ``prefix`` no more."""

    def reset(self, number: int) -> None:
        """Close a session with a Cease; it comes up again by itself."""

    def shutdown(self, number: int) -> None:
        """Close a session and keep it closed."""

    def enable(self, number: int) -> None:
        """Open a session that was shut down."""


@dataclass(frozen=True, slots=True)
class DaemonKind:
    """A routing daemon: what it needs, and how an instance is made.

    ``refuses`` gives for a router what the daemon cannot do, each a clause for
    "router r1: bird ...", such as "has no MRAI timer (mrai: 30s)"; empty when it can
    do all. Only what would change the routes counts, not what changes the timing.
    """

    name: str
    package: str
    """The Debian package."""
    programs: tuple[str, ...]
    """All must exist: names looked up in PATH and the sbin directories, or absolute paths."""
    make: Callable[[RouterSetup, Place], Daemon]
    refuses: Callable[[RouterSetup], list[str]] = field(default=lambda _setup: [])
    has_mrai: bool = False
    """It holds announcements for `SpeakerConfig.mrai`."""
    watches_links: bool = True
    """It closes a session at once when its interface goes down."""
    patience_s: float = 4.0
    """How long it may be silent although it has something left to do: connect-retry timers and the like."""

    def require(self) -> None:
        """Raise `InputError` with what to install where a program is missing."""
        for program in self.programs:
            if find_program(program) is None:
                said = f"{self.name} is not installed ({program} is missing): apt-get install {self.package}"
                raise InputError(said)


def find_program(name: str) -> str | None:
    """Return the path of a program, also in the directories that a plain user's PATH leaves out."""
    paths = [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return shutil.which(name, path=os.pathsep.join(paths))
