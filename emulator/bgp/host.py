"""What a speaker needs from whoever runs it: a simulated router, the solver of steady states, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Family, Notification, Update
    from emulator.units import Duration


class Host(Protocol):
    """Carries out what the speaker decides."""

    def send(self, peer: int, update: Update) -> None:
        """Hand ``update`` to the session ``peer``, in order."""

    def end_of_rib(self, peer: int, family: Family) -> None:
        """Send End-of-RIB (RFC 4724 section 2) on the session ``peer``, after what was sent before."""

    def close(self, peer: int, notification: Notification, restart_after: Duration | None) -> None:
        """Close the session ``peer`` with ``notification``; open it again after so long, None: never."""

    def wake_at(self, instant: int, peer: int) -> None:
        """Call `Speaker.timer` for ``peer`` at ``instant``."""

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """The Loc-RIB's route for ``prefix`` is now ``best``."""
