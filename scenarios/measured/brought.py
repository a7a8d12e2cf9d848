"""Where the measured data are, and CAIDA's file, which everybody has to bring for themselves."""

# ruff: noqa: INP001 - part of a script, not a package

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from emulator.errors import InputError

GRAPH: Final = "20190701.as-rel.txt.xz"
"""The day of the beacons; PEERING's experiments are of the autumn after."""


def data_folder(given: str | None) -> Path:
    """The folder that is given, or ``$IPA_EMULATOR_DATA``, or ``shared/data`` beside the repository."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    return Path(given or os.environ.get("IPA_EMULATOR_DATA") or beside)


def relationships_file(data: Path) -> Path:
    """CAIDA's file, below ``data`` or the folder that is taken where none is given.

    Raises `InputError`, saying where to get it.
    """
    for folder in (data, data_folder(None)):
        path = folder / "bring-your-own" / GRAPH
        if path.is_file():
            return path
    message = (
        f"{data / 'bring-your-own' / GRAPH} is not there: AS relationships come from CAIDA "
        "(https://publicdata.caida.org/datasets/as-relationships/serial-1/) and may not be passed on"
    )
    raise InputError(message)
