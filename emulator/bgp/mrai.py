"""When what has changed may be sent: MinRouteAdvertisementInterval and its variants (RFC 4271 9.2.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.config import MraiScope, WithdrawalRule
from emulator.bgp.exporting import Withheld, export
from emulator.bgp.messages import Update
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes
    from emulator.bgp.peer import Peer
    from emulator.bgp.speaker import Speaker


def advertise(speaker: Speaker, peer: Peer, now: int, *, has_expired: bool = False) -> None:
    """Send what may go now, hold what must wait; ``has_expired`` when the timer has just come.

    What is held is looked up again when its time has come: only the latest
    state is ever sent, and nothing when that is what the peer already has.
    """
    if peer.is_opening:
        peer.is_opening = False
        peer.quiet_until = now + speaker.config.first_advertisement_delay
    if peer.quiet_until > now:
        _ask_for_timer(speaker, peer, peer.quiet_until)
        return
    changes = _changes(speaker, peer)
    if changes:
        changes = _send(speaker, peer, changes, now, has_expired=has_expired)
    peer.pending = changes
    if peer.owes_end_of_rib and not changes:
        peer.owes_end_of_rib = False
        speaker.end_of_rib_due(peer)


def _changes(speaker: Speaker, peer: Peer) -> dict[int, Attributes | None]:
    """Of what is pending, what differs from what was sent last, or must be sent again all the same."""
    changes: dict[int, Attributes | None] = {}
    sent, resend = peer.adj_rib_out, peer.resend
    for prefix in peer.pending:
        found = export(speaker, peer, prefix)
        wanted = None if found.__class__ is Withheld else found
        last = sent.get(prefix)
        if wanted is not last and wanted != last:
            changes[prefix] = wanted  # type: ignore[assignment]  # __class__ does not narrow
        elif resend and prefix in resend and wanted is not None:
            changes[prefix] = wanted
    return changes


def _send(
    speaker: Speaker,
    peer: Peer,
    changes: dict[int, Attributes | None],
    now: int,
    *,
    has_expired: bool,
) -> dict[int, Attributes | None]:
    """Send those of ``changes`` that need not wait; return the others."""
    config = speaker.config
    is_per_prefix = config.mrai_scope is MraiScope.PREFIX
    until = now if has_expired else _held_until(speaker, peer, changes, now)
    withdrawals_wait = _withdrawals_wait(config.withdrawals, peer, changes, now, until)
    starts = config.withdrawal_starts_mrai or config.withdrawals is WithdrawalRule.WAIT
    waiting: dict[int, Attributes | None] = {}
    has_started = False
    for prefix, wanted in changes.items():
        if is_per_prefix:
            until = peer.mrai_until_prefix.get(prefix, LONG_AGO)
        if until > now and (wanted is not None or withdrawals_wait):
            waiting[prefix] = wanted
            if config.ghost_flushing:
                _flush_ghost(speaker, peer, prefix, wanted)
            continue
        _emit(speaker, peer, prefix, wanted)
        if wanted is not None or starts:
            has_started = True
            if is_per_prefix:
                peer.mrai_until_prefix[prefix] = now + _interval(speaker, peer)
    if has_started:
        peer.last_update = now
        if config.mrai_scope is MraiScope.PEER and not config.mrai_clock:
            peer.mrai_until = now + _interval(speaker, peer)
    if waiting:
        deadline = min(peer.mrai_until_prefix[prefix] for prefix in waiting) if is_per_prefix else until
        _ask_for_timer(speaker, peer, deadline)
    return waiting


def _emit(speaker: Speaker, peer: Peer, prefix: int, wanted: Attributes | None) -> None:
    """Send it, and remember what the peer has."""
    if peer.resend:
        peer.resend.pop(prefix, None)
    if wanted is None:
        del peer.adj_rib_out[prefix]
    else:
        peer.adj_rib_out[prefix] = wanted
    speaker.host.send(peer.index, Update(prefix, wanted))


def _withdrawals_wait(
    rule: WithdrawalRule, peer: Peer, changes: dict[int, Attributes | None], now: int, until: int
) -> bool:
    """Whether withdrawals are held like announcements: by the rule, or since one is held with them."""
    if rule is not WithdrawalRule.WITH_PENDING:
        return rule is WithdrawalRule.WAIT
    return until > now and (peer.timer_at > now or any(wanted is not None for wanted in changes.values()))


def _held_until(speaker: Speaker, peer: Peer, changes: dict[int, Attributes | None], now: int) -> int:
    """Until when the peer's own timer holds announcements; the past where it holds none.

    A clock that ticks starts no timer when it sends. It looks back when
    something is to be sent: the whole ticks since the last UPDATE are taken off
    the interval, and what is left is waited for (``bgp_adjust_routeadv`` in FRR 8.4).
    It looks again when what waited has been replaced, and then waits for what is left
    now, if that is at most the whole ticks that the timer has still to run.
    """
    if speaker.config.mrai_scope is MraiScope.FULL_TABLE:
        return _next_expiry(peer, now)
    tick = speaker.config.mrai_clock
    if not tick:
        return peer.mrai_until
    is_running = peer.timer_at > now
    if is_running and not _is_first_in_line(peer, changes):
        return peer.timer_at
    if peer.last_update == LONG_AGO or not peer.mrai:
        return now
    phase = speaker.clock_phase
    elapsed = ((now + phase) // tick - (peer.last_update + phase) // tick) * tick
    left = max(0, peer.mrai - elapsed)
    if is_running and left > (peer.timer_at - now) // tick * tick:
        return peer.timer_at
    return now + left


def _next_expiry(peer: Peer, now: int) -> int:
    """When a timer that never rests expires next; ``now``, where it did while its router was busy."""
    if LONG_AGO < peer.timer_at <= now:
        peer.timer_at = LONG_AGO
        return now
    period, phase = peer.mrai_run
    return now + (phase - now) % period if period else now


def _is_first_in_line(peer: Peer, changes: dict[int, Attributes | None]) -> bool:
    """Whether the first announcement that is new among ``changes`` finds no other one waiting.

    What it takes the place of does not count (FRR 8.4: ``bgp_adj_out_set_subgroup``).
    """
    waiting = {prefix for prefix, wanted in peer.pending.items() if wanted is not None}
    for prefix, wanted in changes.items():
        if prefix not in waiting or wanted != peer.pending[prefix]:
            waiting.discard(prefix)
            if wanted is not None:
                return not waiting
    return False


def _flush_ghost(speaker: Speaker, peer: Peer, prefix: int, wanted: Attributes | None) -> None:
    """Ghost flushing: withdraw at once what the peer still believes, if the new route is longer."""
    last = peer.adj_rib_out.get(prefix)
    if wanted is not None and last is not None and len(wanted.as_path) > len(last.as_path):
        _emit(speaker, peer, prefix, None)


def _interval(speaker: Speaker, peer: Peer) -> int:
    """One run of the timer, jittered (RFC 4271 section 10)."""
    low, high = speaker.config.mrai_jitter
    factor = low if peer.mrai == 0 or low == high else speaker.rng.uniform(low, high)
    return int(peer.mrai * factor + 0.5)  # as compact speakers round


def _ask_for_timer(speaker: Speaker, peer: Peer, deadline: int) -> None:
    """Have the host wake us at ``deadline``."""
    if peer.timer_at != deadline:
        peer.timer_at = deadline
        speaker.host.wake_at(deadline, peer.index)
