"""RIS beacons as RouteViews saw them: updates, and where each beacon is attached.

A file is a table of updates, ``time,type,prefix,peer_as,peer_ip,as_path,...``:
time in seconds since 1970, type A or W, plain or gzipped. RIPE's beacons are
announced at 00:00 UTC and every four hours, and withdrawn two hours after
(RIPE NCC, "RIS Routing Beacons"; AS12654); `Update.time` counts from the
announcement. Announcements with an AS_SET in their path are left out.
"""

# ruff: noqa: INP001 - a script and what it reads, not a package

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from beacons_metrics import Update

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ASN: Final = 12654
"""RIPE's, which originates the beacons."""
CYCLE_S: Final = 4 * 3600
_PATTERN: Final = "ris-beacons-*.csv*"
_AS_SET: Final = re.compile(r"\{\d+(,\d+)*\}")
_COLUMNS: Final = ("time", "type", "prefix", "peer_as", "peer_ip", "as_path")


@dataclass(frozen=True, slots=True)
class Beacons:
    """What was seen: ``upstreams`` a prefix and ``feeds`` are ASes, ``pairs`` neighbours on any path."""

    updates: tuple[Update, ...]
    upstreams: dict[str, tuple[int, ...]]
    feeds: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The beacons, in order."""
        return tuple(self.upstreams)


def read_beacons(where: Path) -> Beacons:
    """Read one file, or all of a folder's ``ground-truth``. Raises `InputError`."""
    files = [where] if where.is_file() else sorted((where / "ground-truth").glob(_PATTERN))
    if not files:
        message = f"{where / 'ground-truth'} has no file {_PATTERN}: updates of RIS beacons at a collector"
        raise InputError(message)
    return beacons_of(tuple(update for file in files for update in _read(file)))


def beacons_of(updates: Sequence[Update]) -> Beacons:
    """What ``updates`` show of where the beacons are attached. Raises `InputError` without announcements."""
    paths = [(update.prefix, _distinct(update.path)) for update in updates if update.path]
    if not paths:
        message = "the files have no announcement"
        raise InputError(message)
    upstreams: dict[str, set[int]] = {}
    for prefix, path in paths:
        if path[-1] != ASN:
            message = f"{prefix} is announced by AS{path[-1]}, not by AS{ASN}: it is no beacon of RIPE's"
            raise InputError(message)
        upstreams.setdefault(prefix, set()).update(path[-2:-1])
    pairs = {(a, b) for _, path in paths for a, b in pairwise(path)}
    return Beacons(
        tuple(updates),
        {prefix: tuple(sorted(upstreams[prefix])) for prefix in sorted(upstreams)},
        tuple(sorted({int(update.peer.split()[0]) for update in updates})),
        tuple(sorted(pairs)),
    )


def _distinct(path: Iterable[int]) -> tuple[int, ...]:
    """The path without what is prepended."""
    return tuple(asn for asn, _ in groupby(path))


def _time(text: str) -> float:
    time = float(text)
    if not math.isfinite(time):
        message = f"no time: {text!r}"
        raise ValueError(message)
    return time


def _read(file: Path) -> list[Update]:
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    except (OSError, EOFError, gzip.BadGzipFile, UnicodeDecodeError) as error:
        message = f"{file} cannot be read: {error}"
        raise InputError(message) from error
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        message = f"{file} has no column {', '.join(missing)}"
        raise InputError(message)
    found: list[Update] = []
    for row in rows:
        try:
            time = _time(row["time"])
            peer = f"{int(row['peer_as'])} {row['peer_ip']}"
            words = [] if row["type"] == "W" else row["as_path"].split()
            if any(_AS_SET.fullmatch(word) for word in words):
                continue
            path = None if row["type"] == "W" else tuple(int(word) for word in words)
        except (ValueError, TypeError, AttributeError) as error:
            message = f"{file}:{rows.line_num}: not an update: {error}"
            raise InputError(message) from error
        found.append(Update(time, row["prefix"], peer, path))
    start = min((update.time for update in found), default=0.0) // CYCLE_S * CYCLE_S
    return [Update(each.time - start, each.prefix, each.peer, each.path) for each in found]
