"""Errors of the wire: what the peer did wrong, and what cannot be said in BGP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.errors import EmulatorError

if TYPE_CHECKING:
    from emulator.bgp.messages import Notification


class PeerError(EmulatorError):
    """The peer broke the protocol and the session ends: carries what to answer (RFC 4271 section 6).

    Milder errors in an UPDATE (RFC 7606) are part of the decoded message instead.
    """

    def __init__(self, notification: Notification, reason: str) -> None:
        """``notification`` is the message to send before closing; ``reason`` is for people."""
        super().__init__(notification, reason)
        self.notification = notification
        self.reason = reason

    def __str__(self) -> str:
        """The reason, and code and subcode."""
        return f"{self.reason} (NOTIFICATION {self.notification.code}/{self.notification.subcode})"


class EncodingError(EmulatorError, ValueError):
    """A message that BGP cannot say: too long, or a value beyond its field."""
