"""Liveness of a session: how, and how long after, an end learns that the other is gone.

Keepalives are not events. When a transport dies silently, the moment a hold
timer expires follows from the phase of the keepalives, which is drawn instead
of simulated one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from emulator.units import MILLISECOND, SECOND, Duration

if TYPE_CHECKING:
    import random


class Detection(Enum):
    """How an end learns that the transport is dead."""

    INTERFACE = "interface"
    HOLD_TIMER = "hold-timer"
    BFD = "bfd"


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """Liveness of a session (RFC 4271 6.5, RFC 5880 6.8.4)."""

    detection: Detection = Detection.INTERFACE
    interface_delay: Duration = Duration(0)
    """From loss of light to the session being dropped."""
    hold_time: Duration = Duration(90 * SECOND)
    keepalive: Duration = Duration(30 * SECOND)
    bfd_interval: Duration = Duration(300 * MILLISECOND)
    bfd_multiplier: int = 3
    reconnect_delay: Duration = Duration(0)
    """Waited before the handshake when the transport is back."""


def detection_time(config: SessionConfig, rng: random.Random) -> Duration | None:
    """How long after a silent failure one end drops the session; None for never.

    Hold timer: the last keepalive came up to one keepalive interval before, so
    uniform on [hold - keepalive, hold]. BFD (RFC 5880 6.8.4): the detection time
    less up to one interval, ((m - 1) I, m I].
    """
    if config.detection is Detection.INTERFACE:
        return config.interface_delay
    if config.detection is Detection.BFD:
        longest = config.bfd_interval * config.bfd_multiplier
        return Duration(longest - rng.randrange(config.bfd_interval))
    if config.hold_time == 0:  # RFC 4271 4.2: no keepalives, no hold timer
        return None
    earliest = max(config.hold_time - config.keepalive, 0)
    return Duration(rng.randint(earliest, config.hold_time))
