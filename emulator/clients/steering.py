"""The authoritative side: what address each client network is answered with, and why.

A strategy has a weight for every (group, address). A resolver's answer is drawn
by weighted rendezvous hashing: with one exponential variate e for each
(resolver, address), fixed for the run, it gets the address with the least
e / weight (Schindelhauer and Schomaker, SPAA 2005: the logarithmic method). So
each address gets demand in proportion to its weight, and when weights move only
the difference changes hands. Addresses that health checks hold down are left
out; when that leaves none, the answer is what it would have been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from emulator.clients import wan
from emulator.clients.config import Kind
from emulator.errors import InputError
from emulator.units import seconds

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.clients.config import Strategy
    from emulator.clients.health import Health
    from emulator.clients.sampling import Quality, Window

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_UNMEASURED: Final = 1e-12
"""Weight of a unicast address of which nothing good is known: the last resort."""


@dataclass(frozen=True, slots=True)
class View:
    """What a user's strategy may look at; arrays are read-only.

    ``samples_ms`` (groups, addresses, samples) holds the sliding window in no
    particular order: RTT in ms, +inf for a lost probe, NaN for none.
    ``is_healthy`` (groups, addresses) is what health checks say, ``demand``
    (groups,) each group's share of all requests, ``providers`` the ASN behind each
    address or None.
    """

    now_s: float
    groups: tuple[str, ...]
    addresses: tuple[str, ...]
    providers: tuple[int | None, ...]
    samples_ms: npt.NDArray[np.float32]
    is_healthy: Bools
    demand: Floats


class Steering(Protocol):
    """A user's strategy: a class without constructor arguments that has this method.

    ``shares`` is called at t = 0 and then every ``reevaluate_every`` with a `View`,
    and returns an array (groups, addresses) of shares: finite, none negative, no
    row all zero. Rows need not sum to 1. An instance lives for one run, so it may
    keep state. Resolvers draw from the shares as they do from the built-in ones,
    and addresses that health checks hold down are left out.
    """

    def shares(self, view: View) -> npt.NDArray[np.float64]:
        """Relative weights of the answers, (groups, addresses)."""
        ...


class Authority:
    """The authoritative server of one strategy: measures, ranks, answers."""

    def __init__(
        self,
        strategy: Strategy,
        groups: tuple[str, ...],
        demand: Floats,
        health: Health | None,
        window: Window | None,
    ) -> None:
        """``demand`` (groups,) in bit/s. A strategy with one address needs neither health nor window."""
        self.strategy = strategy
        self._groups = groups
        self._demand = demand
        self._health = health
        self._window = window
        self._due = 0
        self._user: Steering | None = _instance(strategy)
        base = np.array([address.weight for address in strategy.addresses], dtype=np.float64)
        self.weights: Floats = np.broadcast_to(base, (len(groups), len(base))).copy()
        self.wan: Floats = np.full(self.weights.shape, np.nan)
        self.is_drawn = strategy.kind is not Kind.UNICAST
        """Answers are drawn by weight; otherwise the largest weight wins for every resolver."""

    @property
    def is_fixed(self) -> bool:
        """There is but one address, so caches and checks change nothing."""
        return len(self.strategy.addresses) == 1

    def reevaluate(self, now: int, quality: Quality) -> None:
        """Measure up to ``now`` and, when it is time, rank anew."""
        if self.strategy.kind is Kind.ANYCAST or self._window is None:
            return
        self._window.measure_until(now, quality)
        if now < self._due:
            return
        self._due = now + self.strategy.reevaluate_every
        if self.strategy.kind is Kind.UNICAST:
            self.weights = _least_median(self._window.samples)
        elif self._user is not None:
            self.weights = self._ask_user(self._user, now)
        else:
            self._rank(self._window.samples)

    def _rank(self, samples: npt.NDArray[np.float32]) -> None:
        """Shares by Wins Above Nominal."""
        strategy = self.strategy
        ranking = wan.rank(samples, strategy.shrinkage)
        base = np.array([address.weight for address in strategy.addresses], dtype=np.float64)
        capacity = np.array([address.capacity_bps for address in strategy.addresses], dtype=np.float64)
        pull = wan.attraction(ranking, base, strategy.bias)
        self.wan = ranking.wan
        self.weights = wan.fill_capacities(
            pull, strategy.floor, strategy.cap, demand=self._demand, capacity=capacity
        )

    def _ask_user(self, user: Steering, now: int) -> Floats:
        """Weights from the user's class, checked."""
        healthy = (
            np.ones(self.weights.shape, dtype=bool) if self._health is None else self._health.all_at(now)
        )
        samples = self._window.samples.view() if self._window is not None else np.zeros(0, np.float32)
        demand = self._demand / self._demand.sum()
        for array in (samples, healthy, demand):
            array.setflags(write=False)
        addresses = self.strategy.addresses
        names, providers = tuple(a.name for a in addresses), tuple(a.provider for a in addresses)
        view = View(seconds(now), self._groups, names, providers, samples, healthy, demand)
        return checked_shares(user.shares(view), self.weights.shape, type(user).__qualname__)

    def shares(self, now: int) -> Floats:
        """Share of each group's demand that would be answered with each address now, (groups, addresses)."""
        weights = self._masked(self.weights, self._health.all_at(now) if self._health else None)
        if self.is_drawn:
            normalised: Floats = weights / weights.sum(axis=1, keepdims=True)
            return normalised
        best = np.zeros_like(weights)
        best[np.arange(len(weights)), weights.argmax(axis=1)] = 1.0
        return best

    def answer(self, group: Ints, instant: Ints, variates: Floats, now: int, end: int) -> Ints:
        """Address index for resolvers of ``group`` that ask at ``instant``, all within [now, end).

        ``variates`` (askers, addresses) are each resolver's exponential variates.
        """
        healthy = None
        if self._health is not None:
            if self._health.changes_within(now, end):
                addresses = np.arange(self.weights.shape[1])
                healthy = self._health.at(group[:, None], addresses, instant[:, None])
            else:
                healthy = self._health.all_at(now)[group]
        weights = self._masked(self.weights[group], healthy)
        if not self.is_drawn:
            best: Ints = weights.argmax(axis=1)
            return best
        with np.errstate(divide="ignore"):
            drawn: Ints = (variates / weights).argmin(axis=1)
        return drawn

    @staticmethod
    def _masked(weights: Floats, healthy: Bools | None) -> Floats:
        """``weights`` without the unhealthy, row by row; a row that would have none keeps all."""
        if healthy is None or healthy.all():
            return weights
        left = np.where(healthy, weights, 0.0)
        return np.where((left > 0).any(axis=1, keepdims=True), left, weights)


def checked_shares(value: object, shape: tuple[int, ...], name: str) -> Floats:
    """Return ``value`` as weights of ``shape``; raises `InputError` naming class ``name`` otherwise."""
    try:
        shares = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"{name}.shares: expected an array of numbers, got {type(value).__name__}"
        raise InputError(message) from error
    problem = None
    if shares.shape != shape:
        problem = f"expected shape {shape} (groups, addresses), got {shares.shape}"
    elif not np.isfinite(shares).all():
        problem = "every share must be finite"
    elif (shares < 0).any():
        problem = f"no share may be negative, the least is {shares.min():g}"
    elif not (shares > 0).any(axis=1).all():
        row = int((shares > 0).any(axis=1).argmin())
        problem = f"row {row} is all zero: some address must be answered"
    if problem is not None:
        message = f"{name}.shares: {problem}"
        raise InputError(message)
    scaled: Floats = shares / shares.max(axis=1, keepdims=True)
    return scaled


def _instance(strategy: Strategy) -> Steering | None:
    """Return the object of a `Kind.USER` strategy's class; raises `InputError` where it does not fit."""
    if strategy.kind is not Kind.USER:
        return None
    made = strategy.user_class
    if made is None:
        message = f"strategy {strategy.name!r}: a user strategy needs its class"
        raise InputError(message)
    user = made()
    if not callable(getattr(user, "shares", None)):
        message = f"{type(user).__qualname__}: a strategy needs a method shares(view)"
        raise InputError(message)
    checked: Steering = user
    return checked


def _least_median(samples: npt.NDArray[np.float32]) -> Floats:
    """Weights that order addresses by measured median RTT: its reciprocal, next to 0 where most is lost."""
    ranked = np.sort(samples, axis=2)  # NaN last
    count = (~np.isnan(samples)).sum(axis=2)
    middle = np.maximum(count - 1, 0) // 2
    median = np.take_along_axis(ranked, middle[:, :, None], axis=2)[:, :, 0].astype(np.float64)
    weights = 1.0 / np.where(count > 0, np.maximum(median, 1e-6), np.inf)
    return np.maximum(weights, _UNMEASURED)
