"""Small fleets: done sooner than their loops would be compiled."""

from __future__ import annotations

from emulator.compiled import prefer_plain

prefer_plain()
