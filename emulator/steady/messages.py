"""Settle speakers by exchanging messages without a clock.

The same speakers as in the timed run, driven first in, first out: each
activation is later than any MRAI timer, so nothing ever waits. With
Gao-Rexford policies the fixed point is unique and this reaches the one that the
timed run would; where there is none it gives up and says so.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.errors import EmulatorError
from emulator.units import HOUR, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Family, Notification, Update
    from emulator.bgp.speaker import Speaker
    from emulator.bgp.wiring import Wiring
    from emulator.timeline import Originate
    from emulator.units import Duration

_STEP: Final = 24 * HOUR
_START: Final = -(2**80)
"""Logical time of the first activation: all of settling lies before t = 0."""
_ACTIVATIONS_PER_ROUTE: Final = 200


class DoesNotSettleError(EmulatorError):
    """The network has no fixed point, or does not find it. ``args``: the number of activations spent."""

    def __str__(self) -> str:
        """Say what to do about it."""
        return (
            f"the routes still change after {self.args[0]} rounds: this network has no stable state; "
            "announce its prefixes in the timeline instead, or mend the policies"
        )


class StillChangingError(DoesNotSettleError):
    """The network was not quiet within the time it had. ``args``: that time, simulated (ns)."""

    def __str__(self) -> str:
        """Say what to do about it."""
        return (
            f"the routes still change after {format_duration(self.args[0])}: this network has no stable "
            "state, or long delays; announce its prefixes in the timeline instead, mend the policies, or say "
            "`settle: solve`"
        )


@dataclass(frozen=True, slots=True)
class Closing:
    """A session that a speaker closed while the network settled; see `Host.close`."""

    router: int
    peer: int
    notification: Notification
    restart_after: Duration | None


class _Exchange:
    """The message queues between all speakers."""

    def __init__(self, speakers: Sequence[Speaker], wiring: Wiring) -> None:
        self.speakers = speakers
        self.now = _START
        self.active: deque[int] = deque()
        self.timers: list[tuple[int, int, int]] = []
        self.closings: list[Closing] = []
        self._inbox: list[list[tuple[int, Update]]] = [[] for _ in speakers]
        self._far: list[list[tuple[int, int]]] = [[(-1, -1)] * len(peers) for peers in wiring.peers]
        self._is_active = [False] * len(speakers)
        for wire in wiring.wires:
            (first, second), (first_peer, second_peer) = wire.routers, wire.peers
            self._far[first][first_peer] = (second, second_peer)
            self._far[second][second_peer] = (first, first_peer)

    def activate(self, router: int) -> None:
        if not self._is_active[router]:
            self._is_active[router] = True
            self.active.append(router)

    def send(self, router: int, peer: int, update: Update) -> None:
        far, far_peer = self._far[router][peer]
        self._inbox[far].append((far_peer, update))
        self.activate(far)

    def close(self, closing: Closing) -> None:
        """A session ends: what it brought goes at its other end too."""
        self.closings.append(closing)
        far, far_peer = self._far[closing.router][closing.peer]
        self.speakers[far].session_down(far_peer)
        self.activate(far)

    def step(self) -> None:
        """Let the router that has waited longest take its messages and decide."""
        self.now += _STEP
        if not self.active:
            instant, router, peer = heapq.heappop(self.timers)
            self.now = max(self.now, instant)
            self.speakers[router].timer(peer, instant)
        else:
            router = self.active.popleft()
            self._is_active[router] = False
        speaker = self.speakers[router]
        messages, self._inbox[router] = self._inbox[router], []
        for peer, update in messages:
            speaker.receive(peer, update, self.now)
        speaker.decide(self.now)


class _Untimed:
    """A speaker's host within an exchange."""

    def __init__(self, exchange: _Exchange, router: int) -> None:
        self._exchange = exchange
        self._router = router

    def send(self, peer: int, update: Update) -> None:
        self._exchange.send(self._router, peer, update)

    def end_of_rib(self, peer: int, family: Family) -> None:
        """No restart is waited out here."""

    def close(self, peer: int, notification: Notification, restart_after: Duration | None) -> None:
        """Leave the session closed: nothing comes over it any more."""
        self._exchange.close(Closing(self._router, peer, notification, restart_after))

    def wake_at(self, instant: int, peer: int) -> None:
        heapq.heappush(self._exchange.timers, (instant, self._router, peer))

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """Nobody watches the way to the fixed point."""


def settle(
    speakers: Sequence[Speaker],
    wiring: Wiring,
    originations: Sequence[Originate],
    families: Mapping[tuple[int, int], tuple[Family, ...]] | None = None,
) -> tuple[Closing, ...]:
    """Bring the sessions up, announce ``originations``, run to the fixed point; return what was closed.

    ``families`` has what each session that is up carries, by router and peer;
    None: every session is up and carries what is configured. Leaves the
    speakers without a host and with idle timers. Raises `DoesNotSettleError`
    where the routes keep changing.
    """
    exchange = _Exchange(speakers, wiring)
    for router, speaker in enumerate(speakers):
        speaker.host = _Untimed(exchange, router)
        for peer in range(len(speaker.peers)):
            if families is None:
                speaker.session_up(peer)
            elif (router, peer) in families:
                speaker.session_up(peer, families[router, peer])
    for each in originations:
        speakers[each.router].originate(each.prefix, _START, each.only_to, carrying=each.carrying)
        exchange.activate(each.router)
    budget = _ACTIVATIONS_PER_ROUTE * len(speakers) * max(1, len({each.prefix for each in originations}))
    spent = 0
    while exchange.active or exchange.timers:
        if spent > budget:
            raise DoesNotSettleError(spent)
        spent += 1
        exchange.step()
    for speaker in speakers:
        speaker.reset_timers()
    return tuple(exchange.closings)
