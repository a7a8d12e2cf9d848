"""Two connections of one session at one end: which of them stays (RFC 4271 6.8, RFC 6286 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, State

if TYPE_CHECKING:
    from emulator.sim.attempt import Attempt
    from emulator.sim.half import Half

_COUNTING = (State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED)


def survives_collision(half: Half, attempt: Attempt) -> bool:
    """An OPEN came on ``attempt``: whether it stays.

    Of two connections the one stays that the end with the higher identifier
    opened. Ends know each other's identifiers beforehand, so that one in
    OpenSent counts too. An Established one stays, but where graceful restart
    was negotiated: there the peer has restarted (RFC 4724 section 5).
    """
    other = half.other(attempt)
    if other is None or other.state not in _COUNTING:
        return True
    if other.state is State.ESTABLISHED:
        agreed = other.machine.negotiated
        if agreed is not None and agreed.retains_routes:
            half.reason = "the peer has restarted"
            other.feed(Event.TCP_CONNECTION_FAILS)
            return True
        attempt.feed(Event.OPEN_COLLISION_DUMP)
        return False
    own, its = (
        (each.router.speaker.router_id, each.router.speaker.asn, -each.side) for each in (half, half.far)
    )
    favoured = half.side if own > its else 1 - half.side
    stays = attempt.connection is not None and attempt.connection.opener == favoured
    (other if stays else attempt).feed(Event.OPEN_COLLISION_DUMP)
    return stays
