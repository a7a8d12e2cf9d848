"""What the clients' side of a run is told: strategies, hosts, resolvers, retries, checks, demand.

Plain values. Times are integer nanoseconds, shares lie in [0, 1]. Defaults are
the scenario format's; where they were measured, the field says by whom.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from emulator.units import DAY, HOUR, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(Enum):
    """How a strategy chooses the address that the authoritative server answers with."""

    ANYCAST = "anycast"
    """One shared address; BGP alone decides."""
    IPA = "ipa"
    """One anycast address a transit provider, ranked and drawn by shares."""
    UNICAST = "unicast"
    """One address a POP; the one with the best measured median RTT."""
    USER = "user"
    """A class given by the user, see `emulator.clients.steering.Steering`."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address that a strategy may answer with.

    ``name`` is what the tables show: the provider's name, ``shared`` or the POP's
    code. ``destination`` indexes `ForwardingHistory.destinations`. ``weight`` is
    the address' base share b(p) at nominal rank; ``capacity_bps`` is what its
    provider carries towards the CDN for all networks together.
    """

    name: str
    destination: int
    provider: int | None = None
    weight: float = 1.0
    capacity_bps: float = float("inf")


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way of steering, evaluated on the same forwarding history as the others.

    ``bias`` is how far shares follow the ranking, 0 for not at all.
    ``floor`` and ``cap`` bound a share; ``window`` is how long a sample counts
    and how long a provider may go without a success before it leaves the
    answers. Every ``reevaluate_every`` the ranking is made anew from
    ``samples_per_s`` probes a second, group and address.
    """

    name: str
    kind: Kind
    addresses: tuple[Address, ...]
    ttl: int = 30 * SECOND
    bias: float = 8.0
    floor: float = 0.02
    cap: float = 0.70
    window: int = 60 * SECOND
    reevaluate_every: int = 10 * SECOND
    samples_per_s: float = 1.0
    shrinkage: float = 20.0
    cover: bool = False
    user_class: Callable[..., Any] | None = None
    """Called with no argument once a run; only for `Kind.USER`."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host name that requests go to.

    ``share`` is its part of all requests. A host that is not ``steered`` sits on
    ``destination`` whatever the strategy, its answers living ``ttl``; a steered
    one takes its strategy's addresses, and its TTL where ``ttl`` is None.
    ``response_bytes`` is the mean size of an answer.
    """

    name: str
    share: float = 1.0
    steered: bool = True
    ttl: int | None = None
    destination: int | None = None
    response_bytes: float | None = None


SERVICE = Host("service")


def pypi_hosts(shared_destination: int) -> tuple[Host, ...]:
    """PyPI's two hosts: the index on plain anycast with a day's TTL, the files steered with 30 s.

    A quarter of the requests are downloads; the index' answers are small beside them.
    """
    return (
        Host("pypi.org", 0.75, steered=False, ttl=DAY, destination=shared_destination, response_bytes=50e3),
        Host("files.pythonhosted.org", 0.25, ttl=30 * SECOND, response_bytes=2_638e3),
    )


@dataclass(frozen=True, slots=True)
class Resolvers:
    """Recursive resolvers of a client group.

    A share of ``ttl_violators`` (measured) keeps an answer ``violator_factor`` times
    as long as told (a guess: how long was not published). The group's demand is
    spread over its resolvers log-normally:
    ``skew`` is sigma, 0 shares it evenly.
    """

    per_group: int = 50
    ttl_violators: float = 0.0874
    violator_factor: float = 3.0
    skew: float = 1.0


@dataclass(frozen=True, slots=True)
class Retry:
    """What a client does when no answer comes: pip's behaviour.

    SYNs leave ``syn`` after an attempt's start (doubling from 1 s, RFC 6298) for
    as long as the attempt's ``timeout`` lasts; attempt i starts ``sleeps[i - 1]``
    after attempt i - 1 timed out. One dead address: 6 x 15 s + 7.5 s = 97.5 s.
    """

    syn: tuple[int, ...] = (0, 1 * SECOND, 3 * SECOND, 7 * SECOND)
    timeout: int = 15 * SECOND
    sleeps: tuple[int, ...] = (0, SECOND // 2, 1 * SECOND, 2 * SECOND, 4 * SECOND)

    @property
    def attempts(self) -> int:
        """Attempts in all."""
        return len(self.sleeps) + 1

    @property
    def budget(self) -> int:
        """Nanoseconds until a request whose every SYN is lost is given up."""
        return self.attempts * self.timeout + sum(self.sleeps)


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """Probes that take a dead address out of a group's answers.

    Every ``interval`` a check starts, failing when nothing came back for
    ``timeout``; ``failures`` in a row remove the address, ``successes`` in a row
    bring it back. Detection takes [(k - 1) h, k h] + u, mean (k - 1/2) h + u.
    """

    interval: int = 10 * SECOND
    failures: int = 3
    timeout: int = 2 * SECOND
    successes: int = 2


@dataclass(frozen=True, slots=True)
class Demand:
    """How much is asked, over all groups.

    ``rate`` is the mean number of requests a second. ``diurnal`` is the relative
    amplitude of a cosine of ``day`` peaking at ``peak``; 0 is flat.
    ``response_bytes`` is PyPI's mean: 66 PB a month over 36,000 requests a second;
    a share of ``downloads`` of the requests carries all of it.
    """

    rate: float = 36_000.0
    response_bytes: float = 697e3
    diurnal: float = 0.0
    peak: int = 12 * HOUR
    day: int = DAY
    downloads: float = 0.25


@dataclass(frozen=True, slots=True)
class Connections:
    """How long a request holds its connection, hence can be cut by a catchment change.

    It lasts ``round_trips`` RTTs for handshakes and window growth plus its bytes at
    ``throughput_bps``; both are round numbers, not measurements. Every request opens
    a connection of its own: pools that are kept alive for longer are not modelled.
    """

    round_trips: float = 4.0
    throughput_bps: float = 20e6


@dataclass(frozen=True, slots=True)
class Phases:
    """The three parts of a run: before [0, fault), during [fault, during_end), after [during_end, end).

    Without a fault everything is ``before``.
    """

    end: int
    fault: int | None = None
    during_end: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault on the timeline: its index there, its instant, and that of the next event."""

    event: int
    at: int
    until: int = 2**62


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Everything `emulator.clients.requests.evaluate` needs beside network and history."""

    strategies: tuple[Strategy, ...]
    phases: Phases
    faults: tuple[Fault, ...] = ()
    hosts: tuple[Host, ...] = (SERVICE,)
    resolvers: Resolvers = field(default_factory=Resolvers)
    retry: Retry = field(default_factory=Retry)
    health: HealthChecks | None = field(default_factory=HealthChecks)
    """None for no checks."""
    demand: Demand = field(default_factory=Demand)
    connections: Connections = field(default_factory=Connections)
    validation: int = 10 * SECOND
    """A group has reconverged once no request went wrong for so long."""
    last_mile_sigma: float = 0.4
    """Log-normal spread of the access RTT around its group's median."""
    chunk: int = 10 * SECOND
    """Longest stretch evaluated at once; also the lag of the load feedback."""
