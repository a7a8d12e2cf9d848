"""How fast the codec is: UPDATEs of one prefix, ORIGIN, AS_PATH of 4, NEXT_HOP, MED and two communities.

The target is 100,000 a second each way. "Remembered" is a feed in which many
prefixes share attributes, "anew" one in which none do and nothing is remembered
from before. Nothing here can fail for being slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import Family
from emulator.wire import attributes as lists
from emulator.wire.codec import decode, encode
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import MpReach, PathAttributes, Segment, UpdateMessage, WirePrefix
from emulator.wire.packing import pack_updates

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 10_000
SHARING = 100
"""Prefixes with the same attributes in a remembered feed."""


def attributes(number: int, *, has_next_hop: bool = True) -> PathAttributes:
    """The typical attributes; the last AS differs by ``number``."""
    path = (Segment(SegmentKind.AS_SEQUENCE, (65001, 65002, 65003, 4_200_000_000 + number)),)
    next_hop = 0xC0000201 if has_next_hop else None
    return PathAttributes(Origin.IGP, path, next_hop, 10, communities=(0xFDE90001, 0xFDE90002))


def ipv4_feed(sharing: int) -> list[UpdateMessage]:
    """One prefix a message."""
    return [
        UpdateMessage((), attributes(number // sharing), (WirePrefix(Family.IPV4, number << 8, 24),))
        for number in range(COUNT)
    ]


def ipv6_feed(sharing: int) -> list[UpdateMessage]:
    """The same in MP_REACH_NLRI."""
    return [
        UpdateMessage(
            (),
            attributes(number // sharing, has_next_hop=False),
            reach=MpReach(Family.IPV6, (1,), (WirePrefix(Family.IPV6, number << 80, 48),)),
        )
        for number in range(COUNT)
    ]


def forget() -> None:
    """Empty what the codec remembers."""
    lists._encode.cache_clear()
    lists._decode.cache_clear()


def measure(benchmark: BenchmarkFixture, work: Callable[[], None]) -> None:
    """Time ``work``, which handles `COUNT` messages, from an empty memory; the rate is of the best round."""
    benchmark.pedantic(work, setup=forget, rounds=10)
    rate = round(COUNT / benchmark.stats.stats.min)
    benchmark.extra_info.update(target="100,000/s", updates_per_s=rate)


FEEDS = [
    pytest.param(ipv4_feed, SHARING, id="ipv4-remembered"),
    pytest.param(ipv4_feed, 1, id="ipv4-anew"),
    pytest.param(ipv6_feed, SHARING, id="ipv6-remembered"),
    pytest.param(ipv6_feed, 1, id="ipv6-anew"),
]


@pytest.mark.parametrize(("feed", "sharing"), FEEDS)
def test_encode(
    benchmark: BenchmarkFixture, feed: Callable[[int], list[UpdateMessage]], sharing: int
) -> None:
    """Messages to octets."""
    messages = feed(sharing)

    def work() -> None:
        for message in messages:
            encode(message)

    measure(benchmark, work)


@pytest.mark.parametrize(("feed", "sharing"), FEEDS)
def test_decode(
    benchmark: BenchmarkFixture, feed: Callable[[int], list[UpdateMessage]], sharing: int
) -> None:
    """Octets to messages."""
    octets = [encode(message) for message in feed(sharing)]

    def work() -> None:
        for each in octets:
            decode(each)

    measure(benchmark, work)


def test_pack(benchmark: BenchmarkFixture) -> None:
    """A table of 100 attribute sets into as few messages as fit: rate in prefixes."""
    messages = ipv4_feed(SHARING)

    def work() -> None:
        pack_updates(messages)

    measure(benchmark, work)
