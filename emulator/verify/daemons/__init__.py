"""One module a daemon: its configuration rendered, its process driven, its routes read."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from emulator.verify.daemons.base import DaemonKind

DAEMONS: Final = ("bird", "frr", "gobgp", "openbgpd")
"""Names for ``--against``; each is a module of this package that has a `DaemonKind` called ``KIND``."""


def kind_of(name: str) -> DaemonKind:
    """Return the daemon called ``name``, one of `DAEMONS`."""
    kind: DaemonKind = importlib.import_module(f"{__name__}.{name}").KIND
    return kind
