"""NOTIFICATION codes: https://www.iana.org/assignments/bgp-parameters/ (RFC 4271 section 4.5 and 6)."""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """What kind of error closed the session."""

    MESSAGE_HEADER = 1
    OPEN_MESSAGE = 2
    UPDATE_MESSAGE = 3
    HOLD_TIMER_EXPIRED = 4
    FINITE_STATE_MACHINE = 5
    CEASE = 6
    ROUTE_REFRESH = 7
    """RFC 7313."""
    SEND_HOLD_TIMER_EXPIRED = 8
    """RFC 9687."""


class HeaderError(IntEnum):
    """Subcodes of `ErrorCode.MESSAGE_HEADER` (6.1)."""

    CONNECTION_NOT_SYNCHRONIZED = 1
    BAD_MESSAGE_LENGTH = 2
    BAD_MESSAGE_TYPE = 3


class OpenError(IntEnum):
    """Subcodes of `ErrorCode.OPEN_MESSAGE` (6.2)."""

    UNSUPPORTED_VERSION = 1
    BAD_PEER_AS = 2
    BAD_BGP_IDENTIFIER = 3
    UNSUPPORTED_OPTIONAL_PARAMETER = 4
    UNACCEPTABLE_HOLD_TIME = 6
    UNSUPPORTED_CAPABILITY = 7
    """RFC 5492."""
    ROLE_MISMATCH = 11
    """RFC 9234."""


class UpdateError(IntEnum):
    """Subcodes of `ErrorCode.UPDATE_MESSAGE` (6.3); most became treat-as-withdraw with RFC 7606."""

    MALFORMED_ATTRIBUTE_LIST = 1
    UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE = 2
    MISSING_WELL_KNOWN_ATTRIBUTE = 3
    ATTRIBUTE_FLAGS = 4
    ATTRIBUTE_LENGTH = 5
    INVALID_ORIGIN = 6
    INVALID_NEXT_HOP = 8
    OPTIONAL_ATTRIBUTE = 9
    INVALID_NETWORK_FIELD = 10
    MALFORMED_AS_PATH = 11


class FsmError(IntEnum):
    """Subcodes of `ErrorCode.FINITE_STATE_MACHINE` (RFC 6608)."""

    UNSPECIFIED = 0
    UNEXPECTED_IN_OPEN_SENT = 1
    UNEXPECTED_IN_OPEN_CONFIRM = 2
    UNEXPECTED_IN_ESTABLISHED = 3


class CeaseError(IntEnum):
    """Subcodes of `ErrorCode.CEASE` (RFC 4486, 9384)."""

    MAXIMUM_PREFIXES = 1
    ADMINISTRATIVE_SHUTDOWN = 2
    PEER_DECONFIGURED = 3
    ADMINISTRATIVE_RESET = 4
    CONNECTION_REJECTED = 5
    OTHER_CONFIGURATION_CHANGE = 6
    CONNECTION_COLLISION = 7
    OUT_OF_RESOURCES = 8
    HARD_RESET = 9
    """RFC 8538."""
    BFD_DOWN = 10
    """RFC 9384."""
