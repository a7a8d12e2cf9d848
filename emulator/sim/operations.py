"""What operators do to BGP sessions: reset, shut down, refresh, drain, restart, and get wrong."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from emulator.bgp.messages import RouteRefresh
from emulator.bgp.reason import shutdown_data
from emulator.sim.restarts import process_exit, process_start
from emulator.timeline import (
    Drain,
    Leak,
    RefreshSession,
    ResetSession,
    RestartBgp,
    ShutSessions,
)

if TYPE_CHECKING:
    from emulator.sim.emulation import Emulation
    from emulator.sim.half import Half

Operation = ResetSession | ShutSessions | RefreshSession | RestartBgp | Drain | Leak


class Operations:
    """What is shut, drained and leaking at the moment; causes add up."""

    def __init__(self, emulation: Emulation) -> None:
        """Nothing is."""
        self._emulation = emulation
        self._drains: Counter[tuple[int, int | None]] = Counter()
        self._leaks: Counter[int] = Counter()

    def apply(self, action: Operation) -> None:
        """Do it, or take it back."""
        match action:
            case ResetSession((router, peer)):
                for half in self._ends(router, peer):
                    half.reset()
            case ShutSessions():
                self._shut(action)
            case RefreshSession((router, peer)):
                for half in self._ends(router, peer):
                    agreed = half.negotiated
                    for family in agreed.families if agreed is not None and agreed.route_refresh else ():
                        half.transmit(RouteRefresh(family))
            case RestartBgp(router, takes):
                for half in self._emulation.routers[router].ends():
                    process_exit(half)
                    self._emulation.engine.after(takes, process_start, half)
            case Drain() | Leak():
                self._turn(action)

    def _shut(self, action: ShutSessions) -> None:
        for half in [half for pair in action.pairs for half in self._ends(*pair)]:
            if action.repair:
                half.unshut()
            else:
                half.shut(shutdown_data(action.message))

    def _turn(self, action: Drain | Leak) -> None:
        step = -1 if action.repair else 1
        process = self._emulation.routers[action.router]
        match action:
            case Drain(router, peer):
                count = self._drains[router, peer] = max(0, self._drains[router, peer] + step)
                lines = (None,) if peer is None else [half.peer for half in self._ends(router, peer)]
                for line in lines:
                    process.put(partial(process.speaker.drain, line, count > 0))
            case Leak(router):
                count = self._leaks[router] = max(0, self._leaks[router] + step)
                process.put(partial(process.speaker.leak, count > 0))

    def _ends(self, router: int, peer: int) -> list[Half]:
        """The ends at ``router`` of its sessions with ``peer``."""
        process = self._emulation.routers[router]
        return [process.lines[each.index] for each in process.speaker.peers if each.config.router == peer]
