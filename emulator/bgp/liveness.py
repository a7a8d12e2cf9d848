"""Liveness of a session: how, and how long after, an end learns that the other is gone.

Keepalives are not events. The instants at which an end sends them follow from
one instant, the interval and a stream of jitter (`Keepalives`), so when a
transport dies silently the last one that arrived, and with it the moment a hold
timer expires, is worked out instead of simulated. The timer of keepalives runs
freely, as FRR's, GoBGP's and OpenBGPD's do: an UPDATE sent does not restart it
(RFC 4271 8.2.2 has it restarted), an UPDATE received does restart the hold timer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from emulator.units import LONG_AGO, MILLISECOND, MINUTE, SECOND, Duration

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from emulator.bgp.messages import GracefulRestart

Factors = tuple[float, float]

SYN_RETRIES: Final = 6
"""How often an unanswered SYN is repeated, after 1, 3, 7 ... 63 s (RFC 6298 2.1; Linux tcp_syn_retries)."""


class Detection(Enum):
    """How an end learns that the transport is dead."""

    INTERFACE = "interface"
    HOLD_TIMER = "hold-timer"
    BFD = "bfd"


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How an end opens, watches and re-opens its sessions (RFC 4271 6.5 and 8, RFC 5880 6.8.4)."""

    detection: Detection = Detection.INTERFACE
    interface_delay: Duration = Duration(0)
    """From loss of light to the session being dropped."""
    hold_time: Duration = Duration(90 * SECOND)
    """As offered; the session's is the lower of both ends'."""
    keepalive: Duration = Duration(30 * SECOND)
    """See `keepalive_interval`; 0 for a third of the session's hold time."""
    bfd_interval: Duration = Duration(300 * MILLISECOND)
    bfd_multiplier: int = 3
    reconnect_delay: Duration = Duration(0)
    """With interface detection: from light to the attempt to open the session again."""
    connect_retry: Duration = Duration(120 * SECOND)
    """ConnectRetryTime: between attempts that nobody answers."""
    connect_retry_jitter: Factors = (0.75, 1.0)
    """Factor drawn for each run of the timer (RFC 4271 section 10)."""
    idle_hold: Duration = Duration(0)
    """Wait in Idle after an error; see `emulator.bgp.fsm.Machine.idle_hold`."""
    idle_hold_max: Duration = Duration(120 * SECOND)
    delay_open: Duration = Duration(0)
    """DelayOpenTime: from the connection to our OPEN, unless the peer's comes first; 0 for off."""
    passive: bool = False
    """Wait for the peer to connect."""
    keepalive_jitter: Factors = (1.0, 1.0)
    hold_jitter: Factors = (1.0, 1.0)
    """BIRD draws 0.75 to 1 for the hold timer too."""
    send_hold_time: Duration | None = None
    """RFC 9687: how long a peer may refuse to read; None for the longer of 8 minutes and two hold times."""
    graceful_restart: GracefulRestart | None = None
    """The capability as we send it (RFC 4724); None for none. Long-lived graceful restart (RFC 9494),
    which keeps stale routes for hours as a last resort, is not spoken."""

    def send_hold(self, hold_time: Duration) -> Duration:
        """The SendHoldTimer of a session whose hold time is ``hold_time``; it needs one (RFC 9687 3.2)."""
        if hold_time == 0:
            return Duration(0)
        return self.send_hold_time or Duration(max(8 * MINUTE, 2 * hold_time))


def keepalive_interval(config: SessionConfig, hold_time: Duration) -> Duration:
    """How long between KEEPALIVEs in a session whose negotiated hold time is ``hold_time``.

    What is configured, at most a third of the hold time (RFC 4271 4.4). Only an
    interval set above a third of its own end's hold time is taken as it is: who
    writes that wants to see a session starve.
    """
    third = Duration(hold_time // 3)
    if config.keepalive == 0 or hold_time == 0:
        return third
    is_meant = config.keepalive > config.hold_time // 3
    return config.keepalive if is_meant else Duration(min(config.keepalive, third))


@dataclass(frozen=True, slots=True)
class Keepalives:
    """The instants at which one end sends KEEPALIVEs: ``first``, then every ``interval`` times a factor."""

    first: int
    interval: int
    jitter: Factors = (1.0, 1.0)
    seeded: Callable[[], random.Random] | None = None
    """Makes the stream of factors anew, from its start; without one there is no jitter."""

    def times(self, since: int, until: int) -> Iterator[int]:
        """Every instant in [``since``, ``until``)."""
        low, high = self.jitter
        if self.interval <= 0:
            return
        if self.seeded is None or low == high:
            step = max(round(self.interval * low), 1)
            start = max(self.first, self.first - (self.first - since) // step * step)
            yield from range(start, until, step)
            return
        rng, instant = self.seeded(), self.first
        while instant < until:
            if instant >= since:
                yield instant
            instant += round(self.interval * rng.uniform(low, high))

    def last_before(self, instant: int) -> int | None:
        """The last one before ``instant``, None where there is none."""
        longest = self.interval * max(self.jitter)
        last = None
        for last in self.times(round(instant - longest) - 1, instant):  # noqa: B007 - the last one is wanted
            pass
        return last


def hold_expiry(peer: Keepalives, *, delay: int, lost_at: int, heard: int, hold_time: int) -> int:
    """When an end's hold timer expires after the transport died at ``lost_at`` without a word.

    The last sign of life is the peer's last KEEPALIVE that took ``delay`` and
    still arrived, or what else was ``heard`` last; ``hold_time`` after it, or at
    once where that is past.
    """
    last = peer.last_before(lost_at - delay)
    sign = heard if last is None else max(heard, last + delay)
    return max(lost_at, (lost_at if sign == LONG_AGO else sign) + hold_time)


def bfd_detection(config: SessionConfig, rng: random.Random) -> Duration:
    """From a failure to BFD's word of it (RFC 5880 6.8.4).

    The detection time less up to one interval, since the last packet came
    before the failure: ((m - 1) I, m I].
    """
    longest = config.bfd_interval * config.bfd_multiplier
    return Duration(longest - rng.randrange(config.bfd_interval))


@dataclass(frozen=True, slots=True)
class Calling:
    """How far an end has come that calls a peer which does not answer, or refuses."""

    begun_at: int | None
    """When its present connection began, whose SYN is repeated (`SYN_RETRIES`); None: none is open."""
    retry_at: int
    """When the ConnectRetryTimer expires and the next connection begins (RFC 4271 8.2.2, event 9)."""

    def next_syn(self, since: int) -> int:
        """The first SYN at or after ``since``, which is not after `retry_at`."""
        if self.begun_at is not None:
            for retry in range(SYN_RETRIES + 1):
                syn = self.begun_at + ((1 << retry) - 1) * SECOND
                if since <= syn < self.retry_at:
                    return syn
        return self.retry_at

    def unanswered(self, until: int, interval: Callable[[], int]) -> Calling:
        """Where it stands at ``until`` if every SYN before got lost; the timer runs for ``interval()``."""
        call = self
        while call.retry_at < until:
            call = Calling(call.retry_at, call.retry_at + max(interval(), 1))
        return call

    def refused(self, since: int, until: int, round_trip: int, interval: Callable[[], int]) -> Calling:
        """Where it stands if every SYN of [``since``, ``until``) is answered with RST.

        With the RST, a ``round_trip`` after the SYN, the attempt has failed
        (RFC 4271 8.2.2, event 18), and the ConnectRetryTimer starts anew: k
        refusals take k times the round trip and the timer's interval.
        """
        call = self.unanswered(since, interval)
        while (syn := call.next_syn(since)) < until:
            call = Calling(None, syn + round_trip + max(interval(), 1))
        return call
