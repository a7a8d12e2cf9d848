"""TCP_NODELAY on the sockets of a running daemon, which may not know the option.

With Nagle's algorithm the second small message of a session waits until the
first one is acknowledged: a round trip a message on a link with delay, which is
no part of BGP. Linux lends another process's socket (pidfd_getfd, Linux 5.6).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from pathlib import Path
from typing import Final

_PIDFD_GETFD: Final = 438
"""System call number, the same on all architectures (include/uapi/asm-generic/unistd.h)."""


def set_nodelay(process: int) -> int:
    """Set TCP_NODELAY on all TCP sockets of a process; return how many it has."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        lender = os.pidfd_open(process)
    except OSError:
        return 0
    count = 0
    try:
        for entry in sorted(Path(f"/proc/{process}/fd").iterdir()):
            with contextlib.suppress(OSError):
                if entry.readlink().name.startswith("socket:"):
                    count += _set(libc.syscall(_PIDFD_GETFD, lender, int(entry.name), 0))
    finally:
        os.close(lender)
    return count


def _set(descriptor: int) -> int:
    """Set it on a borrowed socket and give that back; 1 where it was a TCP socket."""
    if descriptor < 0:
        return 0
    with socket.socket(fileno=descriptor) as borrowed:
        is_tcp = borrowed.family in {socket.AF_INET, socket.AF_INET6} and borrowed.type == socket.SOCK_STREAM
        if is_tcp:
            borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return int(is_tcp)
