"""What the checks of a document share."""

from __future__ import annotations

Finding = tuple[tuple[str | int, ...], str]
"""A document path, and what is wrong there."""
