"""What all strategies of a run share: paths, cells, demand; and how load changes the paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.admission import Gate, shares
from emulator.clients.attempts import Conditions
from emulator.clients.draws import lognormal_quantiles
from emulator.clients.paths import DARK, NO_POP, Paths
from emulator.clients.resolvers import Cells, make_cells
from emulator.clients.tally import phase_edges, sums
from emulator.errors import InputError
from emulator.forwarding.load import LoadModel, LoadResult
from emulator.units import MILLISECOND, SECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.clients.config import ClientConfig
    from emulator.forwarding.history import ForwardingHistory
    from emulator.network.model import Network

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_SHORTEST_TTL = SECOND
_ROUNDING = 1e-6
_LONGEST_CHUNK = 60 * SECOND
_SHORTEST_CHUNK = 100 * MILLISECOND


@dataclass(frozen=True, slots=True)
class Scene:
    """Read-only from the start of the evaluation to its end."""

    network: Network
    config: ClientConfig
    seed: int
    paths: Paths
    cells: Cells
    load: LoadModel
    groups: tuple[str, ...]
    demand: Floats
    """(groups,) part of all requests."""
    last_mile_ms: Floats
    """(groups,) median access RTT."""
    pop_capacity: Floats
    """(pops,) requests a second."""
    cell_bytes: Floats
    """(cells,) mean size of an answer."""
    fixed_destination: Ints
    """(cells,) destination of a host that is not steered, -1 for one that is."""
    phase_edges: Ints

    @property
    def has_limits(self) -> bool:
        """Whether any link or POP has a capacity."""
        return not self.load.is_unlimited or bool(np.isfinite(self.pop_capacity).any())

    def transfer_ns(self, cell: Ints, is_download: npt.NDArray[np.bool_]) -> Ints:
        """Return how long requests' bytes take: only downloads carry any, unless the host says otherwise."""
        demand, hosts = self.config.demand, self.config.hosts
        download = demand.response_bytes / demand.downloads if demand.downloads else 0.0
        given = np.array([np.nan if host.response_bytes is None else host.response_bytes for host in hosts])
        size = given[self.cells.host[cell]]
        size = np.where(np.isnan(size), np.where(is_download, download, 0.0), size)
        return (size * (8e9 / self.config.connections.throughput_bps)).astype(np.int64)


def make_scene(network: Network, history: ForwardingHistory, config: ClientConfig, seed: int) -> Scene:
    """Lay everything out; raises `InputError` where the configuration contradicts itself."""
    _check(network, history, config)
    groups = network.groups
    names = tuple(group.name for group in groups)
    weight = np.array([group.weight for group in groups], dtype=np.float64)
    demand = weight / weight.sum()
    cells = make_cells(names, demand, config.hosts, config.resolvers, seed)
    size = [
        config.demand.response_bytes if h.response_bytes is None else h.response_bytes for h in config.hosts
    ]
    fixed = [-1 if host.steered or host.destination is None else host.destination for host in config.hosts]
    return Scene(
        network=network,
        config=config,
        seed=seed,
        paths=Paths(history, len(groups)),
        cells=cells,
        load=LoadModel(network, history.states),
        groups=names,
        demand=demand,
        last_mile_ms=np.array([group.last_mile / MILLISECOND for group in groups], dtype=np.float64),
        pop_capacity=np.array([pop.capacity_rps for pop in network.pops], dtype=np.float64),
        cell_bytes=np.array(size, dtype=np.float64)[cells.host],
        fixed_destination=np.array(fixed, dtype=np.int64)[cells.host],
        phase_edges=phase_edges(config.phases),
    )


def _check(network: Network, history: ForwardingHistory, config: ClientConfig) -> None:
    """Refuse what cannot be evaluated."""
    problems = [*_host_problems(config), *_strategy_problems(history, config)]
    if not network.groups or sum(group.weight for group in network.groups) <= 0:
        problems.append("there are no clients: expected at least one group with a weight above 0")
    checks = config.health
    if checks and (checks.interval < 1 or not 0 <= checks.timeout <= checks.interval):
        problems.append("health checks: expected a timeout no longer than the interval")
    if checks and min(checks.failures, checks.successes) < 1:
        problems.append("health checks: expected at least one failure and one success")
    if problems:
        raise InputError("; ".join(problems))


def _host_problems(config: ClientConfig) -> list[str]:
    """Return what is wrong with the hosts."""
    total = sum(host.share for host in config.hosts)
    problems = [] if abs(total - 1) < _ROUNDING else [f"the hosts' shares sum to {total:g}, expected 1"]
    for host in config.hosts:
        if not host.steered and host.destination is None:
            problems.append(f"host {host.name!r} is fixed but has no destination")
        if host.ttl is not None and host.ttl < _SHORTEST_TTL:
            problems.append(f"host {host.name!r}: expected a TTL of at least 1 s")
    return problems


def _strategy_problems(history: ForwardingHistory, config: ClientConfig) -> list[str]:
    """Return what is wrong with the strategies."""
    problems = [] if config.strategies else ["there is no strategy to evaluate"]
    known = range(len(history.destinations))
    for strategy in config.strategies:
        if not strategy.addresses:
            problems.append(f"strategy {strategy.name!r} has no address")
        if strategy.ttl < _SHORTEST_TTL:
            problems.append(f"strategy {strategy.name!r}: expected a TTL of at least 1 s")
        problems += [
            f"strategy {strategy.name!r}: address {address.name!r} has no destination {address.destination}"
            for address in strategy.addresses
            if address.destination not in known
        ]
    return problems


def chunk_edges(config: ClientConfig) -> list[int]:
    """Instants at which chunks begin and end: a regular grid, the phases' edges and the run's end."""
    asked = [strategy.reevaluate_every for strategy in config.strategies]
    step = max(_SHORTEST_CHUNK, min(_LONGEST_CHUNK, config.chunk, *asked))
    end = config.phases.end
    inner = [edge for edge in phase_edges(config.phases).tolist() if 0 < edge < end]
    return sorted(dict.fromkeys([*range(0, end, step), *inner, end]))


class Weather:
    """What packets meet under one strategy: the paths, and the queues and losses its own load makes.

    The links' load is that of each chunk's start (answers then in use, paths then
    valid) and holds for the chunk: a feedback that lags by up to one chunk. What
    POPs with a capacity answer is settled bin by bin, by the ``gate``.
    """

    def __init__(self, scene: Scene) -> None:
        """Begin without load."""
        self._scene = scene
        self._longest_access = float(scene.last_mile_ms.max()) * float(
            lognormal_quantiles(scene.config.last_mile_sigma)[-1]
        )
        self.pass_by_entry: Floats = scene.paths.pass_share
        """(entries,) chance that a packet and its answer get through, POPs' capacities aside."""
        self.rtt_by_entry = scene.paths.rtt_ms.astype(np.float32)
        is_limited = bool(np.isfinite(scene.pop_capacity).any())
        self.gate = Gate(scene.pop_capacity, scene.paths.site) if is_limited else None
        """None where no POP has a capacity."""
        self._answered: Floats = np.ones(len(scene.pop_capacity) + 1)

    def entries(self, pairs: Ints, instants: Ints) -> Ints:
        """Entries that hold for ``pairs`` at ``instants``."""
        return self._scene.paths.at(pairs, instants)

    def rtt_ms(self, entries: Ints) -> npt.NDArray[np.float32]:
        """Propagation and queueing both ways, ms."""
        return self.rtt_by_entry[entries]

    def pass_share(self, entries: Ints) -> Floats:
        """Chance that a packet and its answer get through, and that the POP answers at all."""
        through = self.pass_by_entry[entries]
        return through if self.gate is None else through * self._answered[self.gate.place[entries]]

    def conditions(self) -> Conditions:
        """Return what attempts need."""
        connections, demand = self._scene.config.connections, self._scene.config.demand
        rtt = np.nanmax(self.rtt_by_entry, initial=0.0) + self._longest_access
        sizes = [host.response_bytes or 0.0 for host in self._scene.config.hosts]
        largest = max([demand.response_bytes / demand.downloads if demand.downloads else 0.0, *sizes])
        seconds = connections.round_trips * rtt / 1e3 + largest * 8 / connections.throughput_bps
        longest = int(seconds * SECOND) + 1
        return Conditions(self.pass_by_entry, self.rtt_by_entry, connections.round_trips, longest)

    def press(self, entry: Ints, rate: float, again: Ints | None = None) -> tuple[Floats, LoadResult | None]:
        """Load the network with ``rate`` requests a second, each cell's on ``entry`` (cells,).

        ``again`` holds the entries of the SYNs beside the requests' first that leave in
        the next second. Returns the requests a second offered to each POP, each once
        however often it tries, and the links' load where any link has a capacity.
        """
        scene, paths = self._scene, self._scene.paths
        site = paths.site[entry]
        served = (site != DARK) & (site != NO_POP)
        asked = scene.cells.weight * rate
        offered = sums(site[served], asked[served], len(scene.pop_capacity))
        if not scene.has_limits:
            return offered, None
        bits = sums(paths.state[entry], asked * scene.cell_bytes * 8, len(scene.load))
        result = scene.load.evaluate(bits)
        self.pass_by_entry = paths.pass_share * (1 - result.state_loss)[paths.state]
        queueing = (result.state_delay_ns / MILLISECOND)[paths.state]
        self.rtt_by_entry = (paths.rtt_ms + queueing).astype(np.float32)
        if self.gate is not None:
            load = self.gate.load(entry, asked * self.pass_by_entry[entry])
            if again is not None:
                load += self.gate.load(again, self.pass_by_entry[again])
            self._answered = shares(self.gate.capacity, load)
        return offered, None if scene.load.is_unlimited else result
