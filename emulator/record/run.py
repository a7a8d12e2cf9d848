"""What a run leaves behind, in memory: the one value that crosses from simulation to analysis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulator.record.tables import Table

Json = dict[str, Any]
"""A JSON object: text keys; text, numbers, booleans, None, lists and objects as values."""

FORMAT: Final = "ipa-emulator run"
"""What ``run.json`` calls itself: how a folder is recognised as a run's."""
SCHEMA: Final = 1
"""Version of the folder's layout; raised when an old reader could no longer read a new folder."""
SUMMARY_SCHEMA: Final = 1
"""Version of ``summary.json``'s fixed part."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything a run produced. Read-only; `dataclasses.replace` makes a changed copy.

    ``manifest``: version, scenario, seed and input digests (see `new_manifest`).
    ``summary``: the contents of ``summary.json``.
    ``tables``: name -> table, the columns of `emulator.record.tables.TABLES`; a
    table that a run has no use for is absent.
    ``atlas``: what maps and plots need to name and place things, all optional:

    - ``cities``: name -> [latitude, longitude], degrees
    - ``segments``: [{ends: [city, city], cable, cut, from_s, until_s, via: [[lat, lon], ...]}];
      ``cut`` is true where the run severed it, from ``from_s`` to ``until_s`` (null: never repaired)
    - ``pops``: [{code, city, lat, lon}], in POP index order
    - ``groups``: [{name, city, country, weight, lat, lon}], in client group index order
    - ``routers``: names in router index order
    - ``strategies``: [{name, kind}], in the scenario's order
    - ``providers``: [{name, asn}]
    - ``events``: [{index, at_s, kind, label}], label for people
    - ``phases``: {fault_s, during_end_s, end_s}; ``fault_s`` is null where nothing breaks

    ``routes``: the route history as `emulator.record.routes` packs it; None where
    none was kept, and where the record was read from a folder: there it stays in its file.

    ``trace``: the records of `emulator.record.trace`, in order; iterable more than once.
    """

    manifest: Json
    summary: Json
    tables: Mapping[str, Table] = field(default_factory=dict)
    atlas: Json = field(default_factory=dict)
    trace: Iterable[Json] = ()
    routes: bytes | None = None


def new_manifest(*, version: str, scenario: str, seed: int, inputs: Mapping[str, str]) -> Json:
    """Make the manifest of a run: ``inputs`` maps the name of each input file to its SHA-256.

    Names, not paths: the same run elsewhere writes the same bytes.
    """
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "version": version,
        "scenario": scenario,
        "seed": seed,
        "inputs": dict(inputs),
    }
