"""One strategy's run through the requests: answers, paths, outcomes, counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients import attempts as tries
from emulator.clients import tally
from emulator.clients.admission import Calendar, Crowd, Knocks, bin_edges, by_bin, first_syns
from emulator.clients.arrivals import is_download, last_mile_ms
from emulator.clients.config import Kind
from emulator.clients.draws import name_keys
from emulator.clients.health import watch
from emulator.clients.histogram import rtt_bin
from emulator.clients.reconvergence import Reconvergence
from emulator.clients.resolvers import Caches
from emulator.clients.sampling import Window, make_prober
from emulator.clients.scene import Weather
from emulator.clients.steering import Authority
from emulator.record.tables import RTT_BINS
from emulator.units import SECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.clients.admission import Gate
    from emulator.clients.arrivals import Arrivals
    from emulator.clients.config import Strategy
    from emulator.clients.scene import Scene
    from emulator.forwarding.load import LoadResult
    from emulator.record.tables import Table

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_LINKS_LISTED = 50
"""Links with the highest peak utilisation that the load table lists."""


def _authority(scene: Scene, strategy: Strategy) -> Authority:
    """Return the authoritative side of ``strategy``, measuring unless there is nothing to choose."""
    bits = scene.cells.weight * scene.cells.is_steered * scene.cell_bytes * (8 * scene.config.demand.rate)
    demand = tally.sums(scene.cells.group, bits, len(scene.groups))
    if strategy.kind is Kind.ANYCAST or len(strategy.addresses) == 1:
        return Authority(strategy, scene.groups, demand, None, None)
    addresses = [(address.name, address.destination) for address in strategy.addresses]
    end = scene.config.phases.end + scene.config.retry.budget
    health, checks = None, scene.config.health
    if checks is not None:
        health = watch(scene.paths, checks, scene.groups, addresses, seed=scene.seed, end=end)
    destination = np.array([address.destination for address in strategy.addresses])
    pair = destination * scene.paths.group_count + np.arange(len(scene.groups))[:, None]
    names = [name for name, _ in addresses]
    sigma = scene.config.last_mile_sigma
    prober = make_prober(
        scene.groups, names, pair, last_mile_ms=scene.last_mile_ms, sigma=sigma, seed=scene.seed
    )
    window = Window(prober, strategy.samples_per_s, strategy.window)
    return Authority(strategy, scene.groups, demand, health, window)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One chunk as its requests meet it; (cells,) unless noted."""

    arrivals: Arrivals
    conditions: tries.Conditions
    entry: Ints
    """Path at the chunk's begin, by the answer then held."""
    is_settled: npt.NDArray[np.bool_]
    """Path and answer hold to the chunk's end."""
    is_plain: npt.NDArray[np.bool_]
    """Settled, and nothing but a POP's capacity can make a request go wrong."""
    rtt: npt.NDArray[np.float32]
    """(requests,) RTT on ``entry``; corrected for those that do well on another one."""


class Replay:
    """The state of one strategy, advanced chunk by chunk."""

    def __init__(self, scene: Scene, strategy: Strategy) -> None:
        """Start at t = 0 with caches filled and everything measured."""
        self._scene = scene
        self._strategy = strategy
        self._weather = Weather(scene)
        self._authority = _authority(scene, strategy)
        self._authority.reevaluate(0, self._weather)
        ttls = np.array([strategy.ttl if host.ttl is None else host.ttl for host in scene.config.hosts])
        keys = name_keys(scene.seed, (f"answer/{address.name}" for address in strategy.addresses))
        self._caches = Caches(scene.cells, ttls, self._authority, scene.config.demand.rate, keys)
        self._destination = np.array([address.destination for address in strategy.addresses])
        self._waiting: list[tries.Attempts] = []
        """Attempts yet to start, where no POP has a capacity."""
        self._calendar = Calendar()
        """SYNs yet to leave, where one has."""
        seconds = tally.second_count(scene.config.phases.end)
        self._counts = tally.no_counts(
            len(scene.groups), seconds, len(scene.paths.state), len(scene.config.hosts)
        )
        faults, validation = scene.config.faults, scene.config.validation
        self._reconvergence = Reconvergence(faults, len(scene.groups), validation)
        self._journal = tally.Journal(strategy.name)
        self._link_load: list[tuple[int, Floats, Floats]] = []
        self._noted = -1

    @property
    def is_waiting(self) -> bool:
        """Whether requests still wait for another attempt."""
        return len(self._waiting) > 0 or bool(self._calendar)

    def _pair(self, cells: Ints | slice, answer: Ints) -> Ints:
        """Pair that ``cells`` send to when they hold ``answer``."""
        fixed = self._scene.fixed_destination[cells]
        destination = np.where(fixed >= 0, fixed, self._destination[answer])
        pair: Ints = destination * self._scene.paths.group_count + self._scene.cells.group[cells]
        return pair

    def step(self, arrivals: Arrivals, key: Ints, seconds: int, rate: float) -> None:
        """Replay one chunk.

        ``key`` is each request's group * ``seconds`` + second within the chunk's
        ``seconds``; ``rate`` the demand at its start in requests a second.
        """
        paths, gate = self._scene.paths, self._weather.gate
        now = paths.all_at(arrivals.begin)
        entry = now[self._pair(slice(None), self._caches.answer)]
        again = None if gate is None else self._entries_soon(arrivals.begin)
        offered, links = self._weather.press(entry, rate, again)
        self._authority.reevaluate(arrivals.begin, self._weather)
        self._note(arrivals.begin, offered, links)
        conditions = self._weather.conditions()
        due = self._take_due(arrivals.end) if gate is None else self._asking(arrivals.end)
        moved = self._caches.refresh(arrivals, due.cell, due.start)
        is_settled = paths.until[entry] >= arrivals.end
        is_settled[moved] = False
        is_plain = (
            is_settled
            & (conditions.pass_share[entry] >= 1)
            & (paths.moved[entry] >= arrivals.end + conditions.longest)
        )
        rtt = np.repeat(conditions.rtt_ms[entry], arrivals.counts)
        rtt += arrivals.last_mile_ms
        chunk = _Chunk(arrivals, conditions, entry, is_settled, is_plain, rtt)
        bad = self._play(chunk) if gate is None else self._admit(chunk, gate, rate)
        self._count_good(arrivals, key, seconds, rtt, bad)
        plain = np.flatnonzero(is_plain & (arrivals.counts > 0))
        np.add.at(self._counts.served[self._phase(arrivals)], entry[plain], arrivals.counts[plain])
        self._count_hosts(arrivals)
        if gate is None:
            self._retry(due, arrivals.end, conditions)
        bad_group = np.searchsorted(arrivals.group_starts, bad, side="right") - 1
        self._reconvergence.observe(arrivals.end, arrivals.instant, arrivals.group_starts, bad, bad_group)

    def drain(self, rest: Arrivals) -> None:
        """Play the retries of a chunk after the run's end."""
        gate, conditions = self._weather.gate, self._weather.conditions()
        due = self._take_due(rest.end) if gate is None else self._asking(rest.end)
        self._caches.refresh(rest, due.cell, due.start)
        if gate is None:
            self._retry(due, rest.end, conditions)
            return
        while len(again := self._to(self._calendar.take(rest.end))):
            self._knock(again, self._entries(again), conditions, gate.share)

    def _phase(self, arrivals: Arrivals) -> int:
        """Return which part of the run a chunk's requests belong to."""
        return int(np.searchsorted(self._scene.phase_edges, arrivals.begin, side="right"))

    def _take_due(self, end: int) -> tries.Attempts:
        """Take the attempts that start before ``end`` off the waiting list."""
        due, later = [], []
        for batch in self._waiting:
            is_due = batch.start < end
            if not is_due.any():
                later.append(batch)
                continue
            due.append(batch.take(is_due))
            if not is_due.all():
                later.append(batch.take(~is_due))
        self._waiting = later
        return tries.join(due)

    def _play(self, chunk: _Chunk) -> Ints:
        """First attempts of the cells that are not plain; returns those that did not go well, ascending."""
        arrivals = chunk.arrivals
        rows, first = self._first(chunk, np.flatnonzero(~chunk.is_plain))
        if not len(rows):
            return rows
        outcome = self._run(first, arrivals.last_mile_ms[rows], chunk.conditions)
        good = (outcome.entry >= 0) & ~outcome.is_slow
        self._count_first(chunk, rows[good], outcome.entry[good])
        self._settle(first, outcome, chunk.conditions)
        return rows[~good]

    @staticmethod
    def _first(chunk: _Chunk, cells: Ints) -> tuple[Ints, tries.Attempts]:
        """Return the requests of ``cells``, by index, and the first attempt of each."""
        arrivals = chunk.arrivals
        rows = arrivals.of_cells(cells)
        cell = np.repeat(cells, arrivals.counts[cells])
        start = arrivals.instant[rows]
        return rows, tries.Attempts(arrivals.words[rows], cell, start, np.zeros(len(rows), np.int64), start)

    def _count_first(self, chunk: _Chunk, rows: Ints, used: Ints) -> None:
        """Count requests ``rows`` of cells that are not plain: they went well on the entries ``used``."""
        chunk.rtt[rows] = chunk.conditions.rtt_ms[used] + chunk.arrivals.last_mile_ms[rows]
        np.add.at(self._counts.served[self._phase(chunk.arrivals)], used, 1)

    def _run(
        self, batch: tries.Attempts, access_ms: npt.NDArray[np.float32], conditions: tries.Conditions
    ) -> tries.Outcome:
        """Play ``batch`` on the addresses that their resolvers answer with."""
        scene = self._scene
        pair = self._pair(batch.cell, self._caches.answer_at(batch.cell, batch.start))
        transfer = self._transfer(batch)
        return tries.run(batch, pair, access_ms, transfer, scene.paths, conditions, scene.config.retry)

    def _retry(self, due: tries.Attempts, end: int, conditions: tries.Conditions) -> None:
        """Play ``due`` and whatever follows from it, and from the first attempts, before ``end``."""
        due = tries.join([due, self._take_due(end)])
        while len(due):
            outcome = self._run(due, self._access(due), conditions)
            self._settle(due, outcome, conditions)
            due = self._take_due(end)

    def _transfer(self, batch: tries.Attempts) -> Ints:
        """How long the bytes of requests take, ns."""
        downloads = self._scene.config.demand.downloads
        return self._scene.transfer_ns(batch.cell, is_download(batch.words, downloads))

    def _access(self, batch: tries.Attempts) -> npt.NDArray[np.float32]:
        """Last-mile RTT of requests, the same at every attempt."""
        scene = self._scene
        median = scene.last_mile_ms[scene.cells.group[batch.cell]].astype(np.float32)
        return last_mile_ms(batch.words, median, scene.config.last_mile_sigma)

    def _asking(self, end: int) -> tries.Attempts:
        """Return the attempts known so far that start before ``end``: they ask their resolver."""
        due = self._calendar.until(end)
        return due.attempts.take(due.syn == 0)

    def _to(self, knocks: Knocks) -> Knocks:
        """Return ``knocks`` with the pair of each: what its resolver answers, where the attempt begins."""
        fresh = np.flatnonzero(knocks.pair < 0)
        if not len(fresh):
            return knocks
        cell = knocks.attempts.cell[fresh]
        pair = knocks.pair.copy()
        pair[fresh] = self._pair(cell, self._caches.answer_at(cell, knocks.attempts.start[fresh]))
        return replace(knocks, pair=pair)

    def _entries(self, knocks: Knocks) -> Ints:
        """Path entries that SYNs meet."""
        return self._scene.paths.at(knocks.pair, knocks.instant)

    def _entries_soon(self, begin: int) -> Ints:
        """Entries of the SYNs of the next second, by the answers held now."""
        due = self._calendar.until(begin + SECOND)
        cell = due.attempts.cell
        held = self._pair(cell, self._caches.answer[cell])
        return self._scene.paths.at(np.where(due.pair >= 0, due.pair, held), due.instant)

    def _admit(self, chunk: _Chunk, gate: Gate, rate: float) -> Ints:
        """As `_play`, and all that waits with it, bin by bin as the POPs answer."""
        arrivals, chance = chunk.arrivals, chunk.conditions.pass_share
        cells = np.flatnonzero(chunk.is_settled)
        still = chunk.entry[cells]
        steady = gate.load(still, self._scene.cells.weight[cells] * rate * chance[still])
        rows, attempts = self._first(chunk, np.flatnonzero(~chunk.is_plain))
        if not len(rows) and not self._calendar and gate.fits(steady):
            gate.open(SECOND, steady)
            return rows
        edges = bin_edges(arrivals.begin, arrivals.end)
        crowd = Crowd(gate, arrivals, chunk.entry, chunk.is_plain, edges)
        first = self._to(first_syns(attempts))
        is_single = ~chunk.is_settled[attempts.cell]
        bad = [rows[:0]]
        for number, mine in enumerate(by_bin(first.instant, edges)):
            begin, end = int(edges[number]), int(edges[number + 1])
            new, again = first.take(mine), self._to(self._calendar.take(end))
            on, then = self._entries(new), self._entries(again)
            load = gate.load(on, is_single[mine] * chance[on]) + gate.load(then, chance[then])
            gate.open(end - begin, steady * ((end - begin) / SECOND) + load)
            good = self._knock(new, on, chunk.conditions, gate.share)
            self._count_first(chunk, rows[mine[good]], on[good])
            bad += [rows[mine[~good]], self._turn_away(chunk, *crowd.refused(number))]
            self._knock(again, then, chunk.conditions, gate.share)
            self._knock_again(gate, end, chunk.conditions)
        return np.sort(np.concatenate(bad))

    def _knock_again(self, gate: Gate, end: int, conditions: tries.Conditions) -> None:
        """Play what comes back before the bin's ``end``: it gets what the bin has left."""
        while len(again := self._to(self._calendar.take(end))):
            entry = self._entries(again)
            self._knock(again, entry, conditions, gate.admit(gate.load(entry, conditions.pass_share[entry])))

    def _knock(
        self, knocks: Knocks, entry: Ints, conditions: tries.Conditions, share: Floats
    ) -> npt.NDArray[np.bool_]:
        """Send SYNs on their ``entry`` while POPs answer a ``share`` (places,); returns which are good."""
        scene, gate, attempts = self._scene, self._weather.gate, knocks.attempts
        chance = conditions.pass_share[entry] * (1.0 if gate is None else share[gate.place[entry]])
        passed = chance >= 1
        unsure = np.flatnonzero((chance > 0) & ~passed)
        drawn = tries.luck(attempts.words[unsure], attempts.number[unsure], knocks.syn[unsure])
        passed[unsure] = drawn < chance[unsure]
        self._refuse(knocks.take(~passed), entry[~passed], conditions)
        through = attempts.take(passed)
        outcome = tries.finish(
            through,
            entry[passed],
            knocks.instant[passed],
            knocks.syn[passed] > 0,
            self._access(through),
            self._transfer(through),
            scene.paths,
            conditions,
            scene.config.retry,
        )
        self._settle(through, outcome, conditions)
        good = passed.copy()
        good[passed] = (outcome.entry >= 0) & ~outcome.is_slow
        return good

    def _refuse(self, knocks: Knocks, entry: Ints, conditions: tries.Conditions) -> None:
        """Let clients whose SYN got no answer on ``entry`` wait for their next, or give the attempt up."""
        paths, retry = self._scene.paths, self._scene.config.retry
        over = knocks.is_last(retry) | tries.is_hopeless(entry, knocks.attempts.start, paths, retry)
        self._calendar.add(knocks.take(~over).following(retry))
        self._settle(*tries.give_up(knocks.attempts.take(over), retry), conditions)

    def _turn_away(self, chunk: _Chunk, rows: Ints, cell: Ints) -> Ints:
        """Let the requests ``rows`` of the plain cells ``cell`` be refused; returns them."""
        arrivals, entry = chunk.arrivals, chunk.entry[cell]
        start = arrivals.instant[rows]
        attempts = tries.Attempts(arrivals.words[rows], cell, start, np.zeros(len(rows), np.int64), start)
        np.subtract.at(self._counts.served[self._phase(arrivals)], entry, 1)
        self._refuse(first_syns(attempts, self._scene.paths.pair[entry]), entry, chunk.conditions)
        return rows

    def _settle(self, batch: tries.Attempts, outcome: tries.Outcome, conditions: tries.Conditions) -> None:
        """Count late successes, resets and losses; put the rest on the waiting list."""
        scene, counts, retry = self._scene, self._counts, self._scene.config.retry
        seconds = counts.slow.shape[1]
        group = scene.cells.group[batch.cell]
        where = group * seconds + batch.origin // SECOND
        late = np.flatnonzero(outcome.is_slow)
        if len(late):
            used = outcome.entry[late]
            rtt = conditions.rtt_ms[used] + self._access(batch.take(late))
            phase = np.searchsorted(scene.phase_edges, batch.origin[late], side="right")
            np.add.at(counts.slow.reshape(-1), where[late], 1)
            np.add.at(counts.rtt_sum.reshape(-1), where[late], rtt)
            np.add.at(counts.rtt.reshape(-1), batch.origin[late] // SECOND * RTT_BINS + rtt_bin(rtt), 1)
            np.add.at(counts.served.reshape(-1), phase * counts.served.shape[1] + used, 1)
            np.add.at(counts.hosts[2], (phase, scene.cells.host[batch.cell[late]]), 1)
        np.add.at(counts.resets.reshape(-1), where[outcome.is_reset], 1)
        failed = outcome.entry < 0
        gone = np.flatnonzero(failed & (batch.number + 1 >= retry.attempts))
        if len(gone):
            phase = np.searchsorted(scene.phase_edges, batch.origin[gone], side="right")
            np.add.at(counts.lost.reshape(-1), where[gone], 1)
            np.add.at(counts.hosts[3], (phase, scene.cells.host[batch.cell[gone]]), 1)
        again = np.flatnonzero(failed & (batch.number + 1 < retry.attempts))
        if len(again):
            sleeps = np.array(retry.sleeps, dtype=np.int64)[batch.number[again]]
            self._wait(batch.retried(again, outcome.failed_at[again] + sleeps))

    def _wait(self, attempts: tries.Attempts) -> None:
        """Let ``attempts`` wait until they start."""
        if self._weather.gate is None:
            self._waiting.append(attempts)
        else:
            self._calendar.add(first_syns(attempts))

    def _count_good(
        self, arrivals: Arrivals, key: Ints, seconds: int, rtt: npt.NDArray[np.float32], bad: Ints
    ) -> None:
        """RTT of the requests that went well: all but ``bad``."""
        counts, first = self._counts, arrivals.first_second
        slot = arrivals.second * RTT_BINS
        slot += rtt_bin(rtt)
        if len(bad):
            slot[bad] = seconds * RTT_BINS
            rtt[bad] = 0
        histogram = np.bincount(slot, minlength=seconds * RTT_BINS + 1)[:-1].reshape(-1, RTT_BINS)
        counts.rtt[first : first + seconds] += histogram.astype(np.int32)
        sums = tally.sums(key, rtt, len(self._scene.groups) * seconds)
        counts.rtt_sum[:, first : first + seconds] += sums.reshape(-1, seconds)

    def _count_hosts(self, arrivals: Arrivals) -> None:
        """Count requests by host."""
        hosts = len(self._scene.config.hosts)
        asked = tally.sums(self._scene.cells.host, arrivals.counts, hosts)
        self._counts.hosts[0, self._phase(arrivals)] += asked.astype(np.int64)

    def _note(self, now: int, offered: Floats, links: LoadResult | None) -> None:
        """Steering and load as of the chunk's start, at most once a second."""
        scene, second = self._scene, now // SECOND
        if second == self._noted:
            return
        self._noted = second
        share = scene.demand @ self._authority.shares(now)
        steered = scene.cells.steered
        held, weight = self._caches.answer[steered], scene.cells.weight[steered]
        in_use = tally.sums(held, weight, len(share)) / max(weight.sum(), 1e-300)
        ranked = self._authority.wan
        known = ~np.isnan(ranked)
        with np.errstate(invalid="ignore"):
            level = (scene.demand @ np.where(known, ranked, 0.0)) / (scene.demand @ known)
        for i, address in enumerate(self._strategy.addresses):
            row = (second, address.name, float(share[i]), float(in_use[i]), float(level[i]))
            self._journal.steering.append(row)
        for pop, rate in zip(scene.network.pops, offered.tolist(), strict=True):
            self._journal.load.append((second, "pop", pop.code, rate, rate / pop.capacity_rps))
        if links is not None:
            self._link_load.append((second, links.offered_bps, links.utilisation.astype(np.float32)))

    def _note_links(self) -> None:
        """List the busiest links, each direction by itself, once the whole run is known."""
        if not self._link_load:
            return
        network = self._scene.network
        peak = np.max([used for _, _, used in self._link_load], axis=0)
        busiest = np.argsort(-peak, kind="stable")[:_LINKS_LISTED]
        for directed in np.sort(busiest[peak[busiest] > 0]).tolist():
            ends = network.links[directed // 2].ends
            source, target = ends if directed % 2 == 0 else ends[::-1]
            name = f"{network.routers[source].name} > {network.routers[target].name}"
            for second, offered, used in self._link_load:
                row = (second, "link", name, float(offered[directed]), float(used[directed]))
                self._journal.load.append(row)

    def tables(self, requests: Ints) -> dict[str, Table]:
        """Return the strategy's tables; ``requests`` (groups, seconds) is the same under every strategy."""
        name, counts = self._strategy.name, self._counts
        counts.hosts[1] = counts.hosts[0] - counts.hosts[2] - counts.hosts[3]
        self._note_links()
        steering, load = self._journal.tables()
        return {
            "requests": tally.request_rows(name, requests, counts),
            "rtt": tally.rtt_rows(name, counts),
            "catchment": tally.catchment_rows(name, counts, self._scene.paths),
            "steering": steering,
            "load": load,
            "reconvergence": tally.reconvergence_rows(name, self._reconvergence.rows()),
            "hosts": tally.host_rows(name, counts, self._scene.config.hosts),
        }
