"""NOTIFICATIONs in words, and the words that may go with one (RFC 9003)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.notification import (
    CeaseError,
    ErrorCode,
    FsmError,
    HeaderError,
    OpenError,
    UpdateError,
)

if TYPE_CHECKING:
    from enum import IntEnum

    from emulator.bgp.messages import Notification

_SUBCODES: Final[dict[int, type[IntEnum]]] = {
    ErrorCode.MESSAGE_HEADER: HeaderError,
    ErrorCode.OPEN_MESSAGE: OpenError,
    ErrorCode.UPDATE_MESSAGE: UpdateError,
    ErrorCode.FINITE_STATE_MACHINE: FsmError,
    ErrorCode.CEASE: CeaseError,
}
_ADMINISTRATIVE: Final = (CeaseError.ADMINISTRATIVE_SHUTDOWN, CeaseError.ADMINISTRATIVE_RESET)
SHUTDOWN_TEXT_LONGEST: Final = 255
"""Octets of UTF-8 (RFC 9003 section 2)."""


def describe(notification: Notification) -> str:
    """Code, subcode and their names: ``6/2 cease, administrative shutdown "back at noon"``."""
    code, subcode = notification.code, notification.subcode
    words = [name for name in (_name(ErrorCode, code), _name(_SUBCODES.get(code), subcode)) if name]
    text = f"{code}/{subcode} {', '.join(words)}".rstrip()
    said = shutdown_text(notification)
    return f'{text} "{said}"' if said else text


def shutdown_data(text: str) -> bytes:
    """The data of an administrative Cease that says ``text``: a length and UTF-8, cut at the longest."""
    words = text.encode()[:SHUTDOWN_TEXT_LONGEST].decode(errors="ignore").encode()
    return bytes((len(words),)) + words if words else b""


def shutdown_text(notification: Notification) -> str | None:
    """What was said when a session was closed by hand; None if nothing, or nothing that can be read."""
    if notification.code != ErrorCode.CEASE or notification.subcode not in _ADMINISTRATIVE:
        return None
    data = notification.data
    if len(data) < 2 or data[0] != len(data) - 1:  # noqa: PLR2004 - a length, and at least one octet
        return None
    try:
        return data[1:].decode()
    except UnicodeDecodeError:
        return None


def _name(registry: type[IntEnum] | None, value: int) -> str:
    """A registry's name for ``value``; none for a value that is not listed, nor for subcode 0."""
    if registry is None or value == 0:
        return ""
    try:
        return registry(value).name.lower().replace("_", " ")
    except ValueError:
        return ""
