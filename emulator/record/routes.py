"""The route history of a run: ``routes.zip``, one JSON member a router, so that one router is read alone.

What a router was like when the run began and everything its BGP process was
given since; `emulator.sim.journal` says what is in the members. Deflated, with
no times of day: equal runs give equal bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emulator.record.run import Json

ROUTES: Final = "routes.zip"
INDEX: Final = "routes.json"
VALUES: Final = "values.json"
ROUTES_SCHEMA: Final = 1
"""Version of the members' layout: an answer is only given from a history of this one."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def member_of(router: int) -> str:
    """The member that holds the router numbered ``router``."""
    return f"routers/{router}.json"


def pack_routes(members: Mapping[str, Any]) -> bytes:
    """The archive of ``members``, name to JSON value, in their order."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is written
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _ENCODER.encode(content), zipfile.ZIP_DEFLATED, compresslevel=3)
    return packed.getvalue()


def read_routes(path: Path, *members: str) -> list[Any]:
    """The JSON values of ``members``.

    Raises `InputError` where the file is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [json.loads(archive.read(name)) for name in members]
    except FileNotFoundError:
        message = f"{path}: this run keeps no route history; run it again with --routes-history"
        raise InputError(message) from None
    # zipfile raises NotImplementedError for a compression that it does not know
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        message = f"{path}: cannot be read ({error}); run the scenario again"
        raise InputError(message) from error


def read_index(path: Path) -> Json:
    """The index: names of routers and prefixes, events, how long the run was.

    Raises `InputError` where it is of another version.
    """
    (index,) = read_routes(path, INDEX)
    if not isinstance(index, dict) or index.get("schema") != ROUTES_SCHEMA:
        message = f"{path}: written by another version; run the scenario again"
        raise InputError(message)
    return index
