"""The ordered records of a run, one JSON object a line in ``trace.jsonl``.

Every record has ``at_s`` (seconds after t = 0, negative while settling) and
``type``. A record is made by the function named after its type, so this file is
the format.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from emulator.record.run import Json

EVENT = "event"
BEST_PATH = "best-path"
SESSION = "session"


def event(at_s: float, *, index: int, kind: str, label: str) -> Json:
    """Record a timeline event: ``index`` and ``kind`` as in the scenario, ``label`` for people."""
    return {"at_s": at_s, "type": EVENT, "index": index, "kind": kind, "label": label}


def best_path(
    at_s: float,
    *,
    router: str,
    prefix: str,
    as_path: Sequence[int] | None,
    next_hop: str | None,
    decided_by: str | None,
) -> Json:
    """Record that a Loc-RIB changed: the new best route, or None for ``as_path`` where there is none left."""
    return {
        "at_s": at_s,
        "type": BEST_PATH,
        "router": router,
        "prefix": prefix,
        "as_path": None if as_path is None else list(as_path),
        "next_hop": next_hop,
        "decided_by": decided_by,
    }


def session(at_s: float, *, ends: tuple[str, str], up: bool, reason: str) -> Json:
    """Record that a BGP session came up or went down, as seen by its first end."""
    return {"at_s": at_s, "type": SESSION, "ends": list(ends), "up": up, "reason": reason}


class TraceFile:
    """The records of a ``trace.jsonl``, read anew each time it is iterated."""

    def __init__(self, path: Path) -> None:
        """``path`` is opened by `__iter__`, not here."""
        self._path = path

    def __iter__(self) -> Iterator[Json]:
        """Yield the records in order. Raises `InputError` where a line is not one."""
        try:
            with self._path.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    yield self._record(line, number)
        except (OSError, UnicodeDecodeError) as error:
            message = f"{self._path}: cannot be read: {error}"
            raise InputError(message) from error

    def _record(self, line: str, number: int) -> Json:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or "type" not in record or "at_s" not in record:
            message = (
                f"{self._path}:{number}: not a trace record; the file is damaged, run the scenario again"
            )
            raise InputError(message)
        return record
