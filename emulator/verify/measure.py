"""How long the daemons took and how much they said: from captures of what every router sent."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.units import SECOND
from emulator.verify.capture import messages
from emulator.verify.daemons.base import DaemonError
from emulator.wire.codec import decode
from emulator.wire.messages import UpdateMessage
from emulator.wire.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.verify.blueprint import Blueprint
    from emulator.verify.lab import Lab, LabPlace

_START_S: Final = 10.0
_LAG_S: Final = 1.5
"""The kernel hands packets over a block at a time, a block being full or a second old."""
_FILE: Final = "sent.pcap"
# Outgoing packets only, so that each is counted once over all routers. Not --immediate-mode: with it libpcap
# takes a ring of a few large slots and loses packets when messages come in bursts.
_TCPDUMP: Final = (
    "tcpdump", "-i", "any", "-Q", "out", "-n", "-U", "-Z", "root", "-B", "8192",
    "--time-stamp-precision=nano", "-w", _FILE, "tcp port 179",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """One step: ns from the first to the last UPDATE, None without any; prefixes announced and withdrawn.

    ``begun_ns`` is from the step's beginning to the first UPDATE: for a failure, how long nobody knew.
    """

    duration_ns: int | None
    announcements: int
    withdrawals: int
    begun_ns: int | None = None


class Captures:
    """A tcpdump in every namespace; `marks` are the instants that steps began."""

    def __init__(self, lab: Lab) -> None:
        """Start them, and wait until they listen."""
        self._lab = lab
        self._processes = [place.launch("tcpdump", _TCPDUMP, cwd=place.directory) for place in lab.places]
        self.marks: list[int] = []
        deadline = time.monotonic() + _START_S
        # The file's header appears once the packets are being listened to.
        while not all(_has_begun(place) for place in lab.places):
            if time.monotonic() > deadline:
                message = "tcpdump did not start; its output is with the logs (--keep DIR)"
                raise DaemonError(message)
            time.sleep(0.02)

    def mark(self, at: int) -> None:
        """A step begins, as far into a second as ``at``, in ns: as soon as the daemons' clock is.

        FRR measures MRAI in the seconds of the clock of the whole machine
        (``bgp_clock``: CLOCK_MONOTONIC), so when within one a step begins makes up to
        a second's difference.
        """
        time.sleep((at - time.monotonic_ns()) % SECOND / SECOND)
        self.marks.append(time.time_ns())

    def finish(self, blueprint: Blueprint) -> list[Measured]:
        """End the captures and count each step's UPDATEs, as many steps as marks."""
        time.sleep(_LAG_S)
        self._lab.end(self._processes)
        steps: list[list[tuple[int, int, int]]] = [[] for _ in self.marks]
        for place, setup in zip(self._lab.places, blueprint.setups, strict=True):
            interior = {n.remote[n.transport] for n in setup.neighbors if not n.is_ebgp}
            data = (place.directory / _FILE).read_bytes()
            for message in messages(data, f"{place.directory.name}/{_FILE}"):
                step = bisect_right(self.marks, message.at_ns) - 1
                if step < 0:
                    continue
                session = Session(is_ebgp=message.target not in interior)
                update = decode(message.octets, session)
                if isinstance(update, UpdateMessage):
                    steps[step].append((message.at_ns, len(update.announced), len(update.all_withdrawn)))
        return [_measured(mark, found) for mark, found in zip(self.marks, steps, strict=True)]


def _has_begun(place: LabPlace) -> bool:
    path = place.directory / _FILE
    return path.exists() and path.stat().st_size > 0


def _measured(mark: int, updates: Sequence[tuple[int, int, int]]) -> Measured:
    times = [at for at, _, _ in updates]
    return Measured(
        max(times) - min(times) if times else None,
        sum(announced for _, announced, _ in updates),
        sum(withdrawn for _, _, withdrawn in updates),
        min(times) - mark if times else None,
    )
