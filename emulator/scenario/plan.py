"""A scenario with all its names resolved: what the sim runs. `build` makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.igp import IgpConfig
from emulator.units import HOUR, Duration

if TYPE_CHECKING:
    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.liveness import SessionConfig
    from emulator.clients.config import ClientConfig
    from emulator.forwarding.history import Destination
    from emulator.network.model import Network
    from emulator.timeline import Event, Originate


@dataclass(frozen=True, slots=True)
class Prefix:
    """An announced prefix: its number everywhere inside, its text at the edge, what it is for."""

    index: int
    text: str
    role: str = "lab"
    """``shared``, ``cover``, ``provider AS1299``, ``pop SIN`` or ``lab``."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How routers behave: one speaker config and one session config a router."""

    speakers: tuple[SpeakerConfig, ...]
    sessions: tuple[SessionConfig, ...]
    igp: IgpConfig = field(default_factory=IgpConfig)
    fib_install_delay: Duration = Duration(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs.

    ``settle_by_messages`` is `settle: simulate`. ``originations`` hold before
    t = 0. ``clients`` is None for a network without client groups.
    """

    name: str
    seed: int
    network: Network
    prefixes: tuple[Prefix, ...]
    destinations: tuple[Destination, ...]
    originations: tuple[Originate, ...]
    protocol: Protocol
    timeline: tuple[Event, ...]
    duration: Duration
    settle_by_messages: bool = False
    settle_limit: Duration = Duration(24 * HOUR)
    clients: ClientConfig | None = None
    expectations: tuple[Any, ...] = ()
    list_routes: bool = True
    inputs: dict[str, str] = field(default_factory=dict)
    """Input file name -> SHA-256."""
