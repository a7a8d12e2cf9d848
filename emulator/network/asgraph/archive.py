"""Text files as they are passed around: plain, or packed by gzip, bzip2 or xz.

What a file is packed with is told by its first bytes, not by its name; what it
is to be packed with, by its name.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import threading
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from emulator.errors import InputError, Problem, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GZIP: Final = b"\x1f\x8b"
BZIP2: Final = b"BZh"
XZ: Final = b"\xfd7zXZ\x00"
_FOREIGN: Final = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"(\xb5/\xfd", "packed with zstd"),
    (b"7z\xbc\xaf'\x1c", "a 7-Zip archive"),
    (b"\x04\x22\x4d\x18", "packed with LZ4"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
"""What people try that is not read here, by its first bytes."""
_BROKEN: Final = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError)


class _Unpacker(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


def read_raw(path: Path) -> bytes:
    """The bytes of a file as they are on disk. Raises `InputError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(message) from error


def unpacked(raw: bytes, file: str) -> bytes:
    """The text in ``raw``, the contents of a file called ``file``.

    Raises `ScenarioError` for a damaged or cut-off archive, with the line up to
    which it could be read, and for kinds of archive that are not read here.
    """
    for magic, what in _FOREIGN:
        if raw.startswith(magic):
            raise _refusal(file, 0, f"expected text, plain or packed by gzip, bzip2 or xz; this is {what}")
    whole: Callable[[bytes], bytes]
    if raw.startswith(GZIP):
        name, whole, part = "gzip", gzip.decompress, _gunzip()
    elif raw.startswith(BZIP2):
        name, whole, part = "bzip2", bz2.decompress, bz2.BZ2Decompressor()
    elif raw.startswith(XZ):
        name, whole, part = "xz", lzma.decompress, lzma.LZMADecompressor()
    else:
        return raw
    try:
        return whole(raw)
    except _BROKEN as error:
        lines = _lines_before_damage(part, raw)
        message = f"the {name} archive is damaged or cut off here ({error}); fetch it again"
        raise _refusal(file, lines + 1, message) from error


def _gunzip() -> Any:  # noqa: ANN401 - zlib does not name the type
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _lines_before_damage(part: _Unpacker, raw: bytes) -> int:
    """How many whole lines can be had out of a broken archive."""
    lines = 0
    with contextlib.suppress(*_BROKEN):
        for start in range(0, len(raw), 4096):
            lines += part.decompress(raw[start : start + 4096]).count(b"\n")
    return lines


def _refusal(file: str, line: int, message: str) -> ScenarioError:
    return ScenarioError((Problem(file, line, 1 if line else 0, "", message),))


def packed(text: bytes, name: str) -> bytes:
    """``text`` packed as a file called ``name`` is: by .gz, .bz2 or .xz. Same text, same bytes."""
    if name.endswith(".gz"):
        return gzip.compress(text, compresslevel=6, mtime=0)
    if name.endswith(".bz2"):
        return bz2.compress(text)
    if name.endswith(".xz"):
        # ten times as quick as the usual preset, and a third larger
        return lzma.compress(text, preset=0)
    return text


def write_whole(path: Path, contents: bytes) -> None:
    """Write a file at once: under another name first, then renamed into place. Raises ``OSError``.

    An interrupt or a full disk leaves the old file or none, never a part. What is
    no plain file, such as a link or ``/dev/stdout``, is written through instead.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_bytes(contents)
        return
    staging = path.with_name(f".{path.name}.partial-{os.getpid()}-{threading.get_ident()}")
    try:
        staging.write_bytes(contents)
        staging.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            staging.unlink(missing_ok=True)
        raise
