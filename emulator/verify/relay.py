"""Links with delay, without help from the kernel: TAP pairs, and a process that carries frames across.

The kernel need not have netem. One process serves all links of a run: each frame
read from one end is written to the other end ``delay`` nanoseconds later, in
order. The last stretch before a frame is due is spent polling, since a sleep may
be late. A TAP device offloads nothing, so frames are complete, checksums
included.

Runs as a script with a list of links as JSON on standard input, prints ``ready``
once the devices are in their namespaces, and ends when standard input does.
This module imports nothing of ours, so that it starts fast.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from typing import Any

_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
"""Of <linux/if_tun.h>: Ethernet frames, without the four octets of packet information."""
_FRAME_MAX = 65_536
_POLL_NS = 150_000
"""Before a frame is due: poll instead of sleeping."""
_BATCH_MAX = 64
"""Frames taken from one device before the others have their turn."""


class End:
    """One end of a link: its device, the frames on their way to it, and its far end's number."""

    __slots__ = ("delay_ns", "due", "fd")

    def __init__(self, fd: int, delay_ns: int) -> None:
        """Start with nothing under way."""
        self.fd = fd
        self.delay_ns = delay_ns
        self.due: deque[tuple[int, bytes]] = deque()


def open_tap(name: str) -> int:
    """Make a TAP device in our own namespace, non-blocking; return its descriptor."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return fd


def make_ends(links: list[dict[str, Any]]) -> dict[int, End]:
    """Make both devices of every link and move them where they belong; far ends by descriptor read from."""
    orders, far_of = [], {}
    for number, link in enumerate(links):
        ends = []
        for side, (namespace, interface, address) in enumerate(link["ends"]):
            temporary = f"v{os.getpid() % 100_000}.{number}.{side}"[:15]
            ends.append(End(open_tap(temporary), link["delay_ns"]))
            orders.append(f"link set {temporary} netns {namespace} name {interface} address {address}\n")
        far_of[ends[0].fd], far_of[ends[1].fd] = ends[1], ends[0]
    subprocess.run(["ip", "-batch", "-"], input="".join(orders).encode(), check=True)
    return far_of


def carry(far_of: dict[int, End], control: int) -> None:
    """Carry frames until ``control`` can be read, that is, is closed."""
    poller = select.epoll()
    for fd in far_of:
        poller.register(fd, select.EPOLLIN)
    poller.register(control, select.EPOLLIN | select.EPOLLHUP)
    ends = list(far_of.values())
    # An epoll descriptor can be waited for by select, which counts microseconds where epoll counts more.
    watched = [poller.fileno()]
    now_ns = time.monotonic_ns
    earliest: int | None = None
    while True:
        wait = None if earliest is None else max(0, earliest - now_ns() - _POLL_NS) / 1e9
        if wait is None or wait > 0:
            select.select(watched, [], [], wait)
        for fd, _ in poller.poll(0):
            if fd == control:
                return
            read_frames(fd, far_of[fd], now_ns)
        earliest = deliver(ends, now_ns)


def read_frames(fd: int, end: End, now_ns: Any) -> None:  # noqa: ANN401 - a clock
    """Take what has arrived at a device and note when it is due at the far ``end``."""
    for _ in range(_BATCH_MAX):
        try:
            frame = os.read(fd, _FRAME_MAX)
        except OSError:  # nothing more, or the device is down
            return
        end.due.append((now_ns() + end.delay_ns, frame))


def deliver(ends: list[End], now_ns: Any) -> int | None:  # noqa: ANN401 - a clock
    """Write what is due; return when the next frame is."""
    earliest = None
    for end in ends:
        due = end.due
        while due and due[0][0] <= now_ns():
            _, frame = due.popleft()
            try:
                os.write(end.fd, frame)
            except OSError:  # the device is down: a frame on a cut link is lost
                continue
        if due and (earliest is None or due[0][0] < earliest):
            earliest = due[0][0]
    return earliest


def main() -> None:
    """Read the links, make them, carry."""
    links = json.loads(sys.stdin.readline())
    gc.disable()  # nothing here makes cycles, and a collection would delay frames
    far_of = make_ends(links)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    carry(far_of, sys.stdin.fileno())


if __name__ == "__main__":
    main()
