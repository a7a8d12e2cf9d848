"""What a world of overlapping networks is asked to be: plain values, before anything is looked up.

`emulator.network.world.build_world` turns a `WorldSpec` into a `Network`.
Everything a person can get wrong in one is reported at once, as a `WorldError`
whose problems name the item by its path in the spec (``networks.3.cities.2``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from emulator.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILTIN: Final = "builtin"
DEFAULT_CDN_ASN: Final = 54113
DEFAULT_CDN_TRANSIT: Final = (1299, 174, 3257, 2914, 6453, 3356, 12956, 3491, 6762, 6939)
DEFAULT_MEETING_PROBABILITY: Final = 0.55
DEFAULT_PEERING_SHARE: Final = 0.35


@dataclass(frozen=True, slots=True)
class TransitSpec:
    """A transit network. What is None comes from the built-in table, which must then have the AS number."""

    asn: int
    name: str | None = None
    cities: tuple[str, ...] | None = None
    cables: tuple[str, ...] | None = None
    """The only submarine cables it has capacity on; None: the table's, and a seeded share of others."""
    upstreams: tuple[int, ...] | None = None
    """AS numbers that it buys transit from; empty: nobody, it is one of the tier-1 networks."""


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """Access networks to be generated, in proportion to the Internet users of each country."""

    count: int = 150
    countries: tuple[str, ...] | None = None
    """ISO 3166-1 alpha-2 codes, each of which gets one network at least.

    None: every country with users and a city in the world that no other `AccessSpec` names,
    the largest first; one such spec a world.
    """


@dataclass(frozen=True, slots=True)
class AccessNetworkSpec:
    """One access network: a router and a client group a city, joined by a backbone of its own."""

    asn: int
    name: str | None = None
    cities: tuple[str, ...] = ()
    upstreams: tuple[int, ...] | None = None
    """Transit networks that it buys from, in every city from each; None: drawn as for generated ones."""
    weight: float = 1_000_000.0
    """Internet users, which are divided among its cities by their inhabitants.

    They come on top of those that an `AccessSpec` places in the same country.
    """


@dataclass(frozen=True, slots=True)
class CdnSpec:
    """The content delivery network: islands of one AS, joined by nothing but other networks."""

    asn: int = DEFAULT_CDN_ASN
    name: str = "CDN"
    pops: tuple[str, ...] | Literal["builtin"] = "builtin"
    transit: tuple[int, ...] = DEFAULT_CDN_TRANSIT
    """Transit networks that it buys from; each must be among the spec's networks."""
    peers: Literal["ixp"] | None = "ixp"
    """Peer with access networks near a POP, or with nobody."""
    peering_share: float = DEFAULT_PEERING_SHARE
    """Probability that an access network near a POP peers there."""
    meet: float | Mapping[int, tuple[str, ...]] = DEFAULT_MEETING_PROBABILITY
    """Probability that a provider present in a POP's city has a session there; or POP codes by AS number."""
    meet_otherwise: float = DEFAULT_MEETING_PROBABILITY
    """The probability for a provider that ``meet``, where it is a mapping, does not have."""


@dataclass(frozen=True, slots=True)
class CapacitySpec:
    """Link capacities in bit/s a direction: what a network sets aside for this CDN's traffic and its like."""

    backbone_land: float = 800e9
    backbone_sea: float = 400e9
    """A regional network has half of these."""
    peering: float = 400e9
    """Between transit networks, a city."""
    cdn_session: float = 200e9
    """Between the CDN and a provider, a POP: this, half or twice as much, drawn."""
    ixp: float = 100e9
    """Between the CDN and an access network."""
    access_total: float = 1e12
    """Over all access networks, in proportion to weight; each uplink takes its network's whole share."""


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """A world: transit networks, access networks, a CDN."""

    networks: tuple[TransitSpec | AccessSpec | AccessNetworkSpec, ...]
    cdn: CdnSpec = CdnSpec()
    capacity: CapacitySpec = CapacitySpec()
    year: int | None = None
    """Use only cables that had entered service by the end of this year; None: all."""


@dataclass(frozen=True, slots=True, order=True)
class WorldProblem:
    """One thing wrong with a spec; ``path`` in the spec's terms, such as ``networks.3.cities.2``."""

    path: str
    message: str


class WorldError(EmulatorError):
    """A spec that makes no network: every problem found."""

    def __init__(self, problems: tuple[WorldProblem, ...]) -> None:
        """``problems`` is never empty."""
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """One problem a line."""
        return "\n".join(f"{problem.path}: {problem.message}" for problem in self.problems)


@dataclass(slots=True)
class Problems:
    """Problems as they are found, and the way out with all of them."""

    found: list[WorldProblem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Note one."""
        self.found.append(WorldProblem(path, message))

    def raise_if_any(self) -> None:
        """Raise `WorldError` if any was noted."""
        if self.found:
            raise WorldError(tuple(self.found))
