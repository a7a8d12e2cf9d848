"""Shared by all tests: the tests folder is importable."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("", "sim", "scenarios"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
