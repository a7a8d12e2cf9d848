"""What a session's end lives through when its router loses power, or its BGP process stops, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.liveness import Detection
from emulator.sim.attempt import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.sim.half import Half


def power_off(half: Half) -> None:
    """The router has lost power, and with it all connections, without a word."""
    half.reason = "router down"
    _quit(half, Attempt.abandon)
    half.detector.is_dark = half.is_restarting = False


def power_on(half: Half) -> None:
    """The router is back, empty."""
    if not half.is_off:
        return
    half.is_off = False
    if not half.session.is_alive and half.config.detection is Detection.INTERFACE:
        half.detector.is_dark = True
    half.caller.start()
    half.session.reach_changed()


def process_exit(half: Half) -> None:
    """The BGP process stops; TCP closes its connections, forwarding goes on where both ends agreed.

    This end keeps the routes of such a session as stale ones. They stand for
    the forwarding table of RFC 4724 4.1; unlike there the speaker does not
    wait for its peers' End-of-RIBs before it advertises again.
    """
    agreed = half.negotiated
    half.reason = "BGP process restarts"
    half.is_restarting = agreed is not None and agreed.graceful_restart is not None
    _quit(half, Attempt.quit, retain=half.is_restarting)


def process_start(half: Half) -> None:
    """The BGP process is back, unless its router has gone meanwhile."""
    if not (half.is_off and half.router.is_up):
        return
    half.is_off = False
    half.caller.start()
    half.session.reach_changed()


def _quit(half: Half, leave: Callable[[Attempt], None], *, retain: bool = False) -> None:
    half.is_off = True
    half.caller.stop_waiting()
    half.lost(retain=retain)
    for attempt in (half.second, half.attempt):
        if attempt is not None:
            leave(attempt)
    half.attempt, half.second = Attempt(half), None
    if half.session.tap is not None:
        half.session.tap.stepped(half)
    half.session.reach_changed()
