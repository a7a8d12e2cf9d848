"""A read graph kept in binary, so that the next run has it in a blink.

A copy belongs to one file's contents (their SHA-256 digest) and one version of
the format, never to a name or a date. It stands beside the file where that
folder can be written, else in the user's cache folder. It is a convenience
only: what is missing, damaged or foreign is made anew, and a copy that cannot
be written does not matter.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.network.asgraph.archive import read_raw, unpacked, write_whole
from emulator.network.asgraph.graph import AsGraph
from emulator.network.asgraph.relationships import Relationships, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT: Final = 1
"""Goes up with every change of what is stored or how; older copies are then made anew."""
SUFFIX: Final = ".asgraph"
_MAGIC: Final = b"ipa-emulator AS graph\n"
_HEAD_MAX: Final = 1 << 16
_ARRAYS: Final = {
    "asn": "<i8",
    "first": "<i8",
    "neighbor": "<i4",
    "reverse": "<i4",
    "link": "<i4",
    "link_ends": "<i4",
    "relation": "<i1",
    "link_kind": "<i1",
}
"""Field of `AsGraph` -> how it is stored, in this order: wide ones first, so that all are aligned."""


def load(path: Path) -> AsGraph:
    """The graph in a file of AS relationships, from its binary copy where there is one.

    Makes the copy otherwise. Raises as `read_file` does.
    """
    return load_file(path).graph


def load_file(path: Path) -> Relationships:
    """The graph and the header of a file, from its binary copy where there is one. Raises as `read_file`."""
    return load_with_copy(path)[0]


def load_with_copy(path: Path) -> tuple[Relationships, Path | None, bool]:
    """As `load_file`, with the place of the binary copy (None: nowhere) and whether it was there already."""
    raw = read_raw(path)
    digest = hashlib.sha256(raw).hexdigest()
    places = copies_of(path, digest)
    for place in places:
        found = _read_copy(place, digest)
        if found is not None:
            return found, place, True
    made = parsed(unpacked(raw, str(path)), str(path))
    return made, _write_copy(made, digest, places), False


def copies_of(path: Path, digest: str) -> tuple[Path, ...]:
    """Where the copy of a file with that SHA-256 ``digest`` may stand, in the order of preference."""
    beside = path.with_name(f"{path.name}{SUFFIX}")
    home = os.environ.get("XDG_CACHE_HOME", "")  # XDG Base Directory Specification: absolute, else ignored
    try:
        folder = Path(home) if os.path.isabs(home) else Path.home() / ".cache"  # noqa: PTH117 - a text
    except RuntimeError:  # no home folder
        return (beside,)
    return beside, folder / "ipa-emulator" / f"{digest}{SUFFIX}"


def _read_copy(place: Path, digest: str) -> Relationships | None:
    """The contents of a copy, None where it is not a whole one of that file."""
    try:
        raw = memoryview(place.read_bytes())
    except OSError:
        return None
    start = len(_MAGIC)
    end = bytes(raw[: start + _HEAD_MAX]).find(b"\n", start)
    if bytes(raw[:start]) != _MAGIC or end < 0:
        return None
    try:
        head = json.loads(bytes(raw[start:end]))
        if (head["format"], head["digest"]) != (FORMAT, digest):
            return None
        at = end + 1 + -(end + 1) % 8
        if head["checksum"] != zlib.crc32(raw[at:]) or head["bytes"] != len(raw) - at:
            return None
        return _from_arrays(head, raw, at)
    except (KeyError, TypeError, ValueError):  # somebody else's file that looks like ours
        return None


def _from_arrays(head: dict[str, Any], raw: memoryview, at: int) -> Relationships:
    arrays: dict[str, Any] = {}
    for name, kind in _ARRAYS.items():
        count = int(head["counts"][name])
        array = np.frombuffer(raw, kind, count, at)
        at += array.nbytes
        arrays[name] = array if sys.byteorder == "little" else array.astype(array.dtype.newbyteorder("="))
    arrays["link_ends"] = arrays["link_ends"].reshape(-1, 2)
    graph = AsGraph(**arrays)
    return Relationships(graph, tuple(map(int, head["clique"])), tuple(map(int, head["ixps"])))


def _write_copy(made: Relationships, digest: str, places: tuple[Path, ...]) -> Path | None:
    """Write a copy to the first of ``places`` that takes it, and return that."""
    contents = b"".join(_as_copy(made, digest))
    for place in places:
        try:
            if place != places[0]:
                place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, contents)
        except OSError:
            continue
        return place
    return None


def _as_copy(made: Relationships, digest: str) -> Iterator[bytes]:
    arrays = {
        name: np.ascontiguousarray(getattr(made.graph, name), kind).reshape(-1)
        for name, kind in _ARRAYS.items()
    }
    body = b"".join(array.tobytes() for array in arrays.values())
    head = {
        "format": FORMAT,
        "digest": digest,
        "checksum": zlib.crc32(body),
        "bytes": len(body),
        "counts": {name: len(array) for name, array in arrays.items()},
        "clique": made.clique,
        "ixps": made.ixps,
    }
    opening = _MAGIC + json.dumps(head).encode() + b"\n"
    yield opening
    yield b"\0" * (-len(opening) % 8)
    yield body
