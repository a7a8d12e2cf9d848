"""A read graph kept in binary, so that the next run has it in a blink.

A copy belongs to one file's contents (their SHA-256 digest) and one version of
the format, never to a name or a date. It stands beside the file where that
folder can be written, else in the user's cache folder. It is a convenience
only: what is missing or damaged is made anew, what is somebody else's is left
alone, and a copy that cannot be written does not matter.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from emulator.network.asgraph.archive import read_raw, unpacked, write_whole
from emulator.network.asgraph.graph import AsGraph
from emulator.network.asgraph.relationships import Relationships, parsed

FORMAT: Final = 1
"""Goes up with every change of what is stored or how; older copies are then made anew."""
SUFFIX: Final = ".asgraph"
_MAGIC: Final = b"ipa-emulator AS graph\n"
_CHECKSUM_WIDTH: Final = 9
_ALIGNED: Final = 8
_WRITE_BITS: Final = 0o222
_HEAD_MAX: Final = 1 << 16
_DEVICES: Final = Path("/dev")
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
    """Where the copy of a file with that SHA-256 ``digest`` may stand, in the order of preference.

    A folder that cannot be written is not looked at: what is there is not ours. Nor is
    any beside what is no file: a pipe, or a device such as ``/dev/stdin``.
    """
    is_file = path.is_file() and path.absolute().parent != _DEVICES
    beside = (path.with_name(f"{path.name}{SUFFIX}"),) if is_file and _is_open(path.parent) else ()
    home = os.environ.get("XDG_CACHE_HOME", "")  # XDG Base Directory Specification: absolute, else ignored
    try:
        folder = Path(home) if os.path.isabs(home) else Path.home() / ".cache"  # noqa: PTH117 - a text
    except RuntimeError:  # no home folder
        return beside
    at_home = folder / "ipa-emulator" / f"{digest}{SUFFIX}"
    return (*beside, at_home)


def _is_open(folder: Path) -> bool:
    """Whether a folder is meant to be written to: root can write anywhere, and should not."""
    try:
        return bool(folder.stat().st_mode & _WRITE_BITS) and os.access(folder, os.W_OK)
    except OSError:
        return False


def _read_copy(place: Path, digest: str) -> Relationships | None:
    """The contents of a copy, None where it is not a whole one of that file."""
    if not place.is_file():
        return None
    try:
        raw = memoryview(place.read_bytes())
    except OSError:
        return None
    opening = len(_MAGIC) + _CHECKSUM_WIDTH
    if bytes(raw[:opening]) != _MAGIC + _checksum(raw[opening:]):
        return None
    end = bytes(raw[opening : opening + _HEAD_MAX]).find(b"\n") + opening + 1
    try:
        head = json.loads(bytes(raw[opening:end]))
        if (head["format"], head["digest"]) != (FORMAT, digest):
            return None
        return _from_arrays(head, raw, end + -end % _ALIGNED)
    except (KeyError, TypeError, ValueError):  # somebody else's file that looks like ours
        return None


def _checksum(contents: bytes | memoryview) -> bytes:
    """A line with the CRC-32 of what follows it."""
    return f"{zlib.crc32(contents):08x}\n".encode()


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
    contents = _as_copy(made, digest)
    for place in places:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not _is_free(place):
                continue
            write_whole(place, contents)
        except OSError:
            continue
        return place
    return None


def _is_free(place: Path) -> bool:
    """Whether a copy may be written there: nothing is, or a copy. Raises ``OSError``."""
    if not place.is_file():
        return not os.path.lexists(place)
    with place.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _as_copy(made: Relationships, digest: str) -> bytes:
    arrays = {
        name: np.ascontiguousarray(getattr(made.graph, name), kind).reshape(-1)
        for name, kind in _ARRAYS.items()
    }
    head = {
        "format": FORMAT,
        "digest": digest,
        "counts": {name: len(array) for name, array in arrays.items()},
        "clique": made.clique,
        "ixps": made.ixps,
    }
    line = json.dumps(head).encode() + b"\n"
    padding = b"\0" * (-(len(_MAGIC) + _CHECKSUM_WIDTH + len(line)) % _ALIGNED)
    contents = b"".join((line, padding, *(array.tobytes() for array in arrays.values())))
    return _MAGIC + _checksum(contents) + contents
