"""Words that go with an administrative shutdown or reset (RFC 9003), and NOTIFICATIONs in words."""

from __future__ import annotations

import pytest

from emulator.bgp.messages import Notification
from emulator.bgp.reason import describe, shutdown_data, shutdown_text


@pytest.mark.parametrize("subcode", [2, 4])
@pytest.mark.parametrize("text", ["goodbye, à bientôt", "x" * 255])
def test_shutdown_communication(subcode: int, text: str) -> None:
    """A length and UTF-8 behind Cease/2 and Cease/4, up to 255 octets."""
    assert shutdown_text(Notification(6, subcode, shutdown_data(text))) == text


def test_nothing_is_said_in_no_octets() -> None:
    """No words, no data."""
    assert shutdown_data("") == b""


def test_long_words_are_cut_between_characters() -> None:
    """256 octets of two-octet characters: 127 of them fit into 255."""
    assert shutdown_data("à" * 128) == bytes((254,)) + ("à" * 127).encode()


@pytest.mark.parametrize(
    "notification",
    [
        Notification(6, 3, b"\2ok"),
        Notification(6, 2),
        Notification(6, 2, b"\0"),
        Notification(6, 2, b"\3ok"),
        Notification(6, 2, b"\1ok"),
        Notification(6, 2, b"\2\xff\xfe"),
        Notification(4, 2, b"\2ok"),
    ],
)
def test_no_shutdown_communication(notification: Notification) -> None:
    """Of another code, empty, of a wrong length or no UTF-8: nothing to show."""
    assert shutdown_text(notification) is None


def test_a_notification_in_words() -> None:
    """Code, subcode, their names, and what was said."""
    notification = Notification(6, 2, shutdown_data("back at noon"))
    assert describe(notification) == '6/2 cease, administrative shutdown "back at noon"'
    assert describe(Notification(6, 3, b"\2ok")) == "6/3 cease, peer deconfigured"
