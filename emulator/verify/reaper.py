"""The watchdog: takes processes and namespaces down when the program that made them is gone, however it went.

A process of its own, in a session of its own, that reads a pipe whose other end
only the program holds. Each line names something made: ``prefix NAME`` for the
namespaces that are about to be made, ``process ID START`` for a daemon, START
being field 22 of /proc/ID/stat so that a number used again is never mistaken,
``directory PATH`` for files that nobody wants to keep. When the pipe closes,
everything named is ended and deleted; a last line ``done`` says that nothing is
left to do. Ends only what was named, and what lives in namespaces of the prefix.

Runs as a script, without the package, so that it starts fast: this module
imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""
_NAMESPACES = Path("/run/netns")


def started_at(process: int) -> str | None:
    """When a process started, in the kernel's own ticks; None where there is no such process."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def signal_all(processes: dict[int, str], number: signal.Signals) -> list[int]:
    """Send a signal to the processes that are still those that were named; return who they were."""
    alive = [process for process, start in processes.items() if started_at(process) == start]
    for process in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
    return alive


def end_processes(processes: dict[int, str], grace_s: float = _GRACE_S) -> None:
    """End processes: ask, wait ``grace_s`` at most, then insist."""
    deadline = time.monotonic() + grace_s
    left = signal_all(processes, signal.SIGTERM)
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [process for process in left if started_at(process) == processes[process]]
    signal_all({process: processes[process] for process in left}, signal.SIGKILL)
    while left and time.monotonic() < deadline + grace_s:
        time.sleep(0.02)
        left = [process for process in left if started_at(process) == processes[process]]


def namespaces_of(prefix: str) -> list[str]:
    """Names of the network namespaces that start with ``prefix``, ascending."""
    if not _NAMESPACES.is_dir():
        return []
    return sorted(path.name for path in _NAMESPACES.iterdir() if path.name.startswith(prefix))


def delete_namespaces(prefix: str) -> None:
    """Delete the namespaces whose names start with ``prefix``; first end who still lives in them."""
    names = namespaces_of(prefix)
    if not names:
        return
    inodes = {(_NAMESPACES / name).stat().st_ino for name in names}
    inhabitants = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").stat().st_ino in inodes:
                    process = int(entry.name)
                    start = started_at(process)
                    if start is not None:
                        inhabitants[process] = start
    end_processes(inhabitants)
    # -force: one that is gone already is no reason to keep the others.
    orders = "".join(f"netns del {name}\n" for name in names)
    subprocess.run(["ip", "-force", "-batch", "-"], input=orders.encode(), capture_output=True, check=False)


def main() -> None:
    """Watch standard input until it ends, then clean up."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    processes: dict[int, str] = {}
    prefixes: list[str] = []
    directories: list[str] = []
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "prefix":
            prefixes.append(rest[0])
        elif word == "process":
            processes[int(rest[0])] = rest[1]
        elif word == "directory":
            directories.append(line.removeprefix("directory ").rstrip("\n"))
        elif word == "done":
            return
    end_processes(processes)
    for prefix in prefixes:
        delete_namespaces(prefix)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
