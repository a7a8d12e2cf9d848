"""What holds of the codec for all messages and for all octets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.bgp.messages import EndOfRib, Keepalive, Notification, Open, RouteRefresh
from emulator.wire.codec import decode, encode, split
from emulator.wire.errors import PeerError
from emulator.wire.messages import Message, OtherRouteRefresh, UpdateMessage
from emulator.wire.session import Session, Style

from wire_messages import MESSAGES, SESSIONS, STYLES

MESSAGE_TYPES = (Open, Keepalive, Notification, RouteRefresh, EndOfRib, UpdateMessage, OtherRouteRefresh)
FIELDS = st.sampled_from((b"\0\0", b"\xff\xff", b"\x40\x01", b"\xc0\x08", b"\x90\x0e", b"\0\x04"))


def answer(data: bytes, session: Session) -> Message | Notification:
    """What `decode` makes of octets: a message, or the NOTIFICATION they earn."""
    try:
        return decode(data, session)
    except PeerError as error:
        return error.notification


def framed(kind: int, body: bytes) -> bytes:
    """A message of any type whose header is right."""
    return b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + bytes((kind,)) + body


@settings(max_examples=60, deadline=None)
@given(MESSAGES, SESSIONS, STYLES)
def test_what_is_encoded_is_decoded(message: Message, session: Session, style: Style) -> None:
    """Any message, with AS numbers of either size and in any style, comes back as it was."""
    assert decode(encode(message, session, style), session) == message


@settings(max_examples=60, deadline=None)
@given(MESSAGES, SESSIONS)
def test_no_warning_about_our_own_messages(message: Message, session: Session) -> None:
    """Nothing that we send is malformed in our own eyes."""
    decoded = decode(encode(message, session), session)

    assert not isinstance(decoded, UpdateMessage) or decoded.malformed == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), SESSIONS)
def test_any_octets_get_an_answer(data: bytes, session: Session) -> None:
    """Not even a header: still a message or a NOTIFICATION, and no other exception."""
    assert isinstance(answer(data, session), MESSAGE_TYPES)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_body_gets_an_answer(kind: int, body: bytes, four: bool, ebgp: bool) -> None:
    """Behind a right header, any octets at all."""
    session = Session(four_octet_as=four, is_ebgp=ebgp)

    assert isinstance(answer(framed(kind, body), session), MESSAGE_TYPES)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.data(), st.booleans())
def test_a_damaged_message_gets_an_answer(message: Message, data: st.DataObject, ebgp: bool) -> None:
    """Octets of a right message overwritten, put in or taken out; the header's length right or not."""
    octets = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets)))
        width = data.draw(st.integers(0, 3))
        octets[at : at + width] = data.draw(FIELDS | st.binary(max_size=3))
    damaged = bytes(octets)
    if data.draw(st.booleans()) and len(damaged) > 19:
        damaged = framed(damaged[18], damaged[19:])

    assert isinstance(answer(damaged, Session(is_ebgp=ebgp)), MESSAGE_TYPES)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.data())
def test_a_damaged_update_that_is_taken_can_be_sent_on(message: Message, data: st.DataObject) -> None:
    """What the decoder lets through is a value that the encoder takes: no half-checked field gets further."""
    octets = bytearray(encode(message))
    at = data.draw(st.integers(19, len(octets)))
    octets[at : at + 1] = data.draw(st.binary(max_size=1))
    session = Session(is_ebgp=False)
    decoded = answer(framed(octets[18], bytes(octets[19:])), session)
    if isinstance(decoded, UpdateMessage):
        assert isinstance(encode(decoded, session), bytes)


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, max_size=6), st.data())
def test_a_stream_may_come_in_any_pieces(messages: list[Message], data: st.DataObject) -> None:
    """Cut anywhere, the same messages come out in the same order and nothing is left."""
    sent = [encode(message) for message in messages]
    stream = b"".join(sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    found: list[bytes] = []
    rest = b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        complete, rest = split(rest + stream[start:end])
        found += complete

    assert (found, rest) == (sent, b"")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100))
def test_any_stream_is_split_or_refused(data: bytes) -> None:
    """Nothing is lost: messages and rest are the stream, or a wrong header stands first."""
    try:
        complete, rest = split(data)
    except PeerError as error:
        complete, rest = (data,), b""
        code = error.notification.code
    else:
        code = 1

    assert (b"".join(complete) + rest, code) == (data, 1)
