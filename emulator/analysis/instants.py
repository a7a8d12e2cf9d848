"""Events by instant: what comes at one time has one name, one row and one sentence, in time order.

The engine counts messages and losses of one instant with its last event, so
none of them can be told apart from the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.analysis.plots.style import plain, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.analysis.view import RunView
    from emulator.record.run import Json

LABEL: Final = 44
"""Characters of one event's label in a picture, at most."""
JOINED: Final = 60
"""Characters of several events' labels together; longer ones become counts of kinds."""
_JOINED_IN_TABLES: Final = 100
TIMES: Final = "\N{MULTIPLICATION SIGN}"
_COUNTED: Final = ("announcements", "withdrawals", "best_path_changes")
_TIMED: Final = ("control_plane_convergence_s", "data_plane_convergence_s")


@dataclass(frozen=True, slots=True)
class Instant:
    """All events of one time."""

    at_s: float
    events: tuple[Json, ...]
    """In the order in which they came."""

    @property
    def index(self) -> int:
        """Index of the last event: the one that `reach` and the summary tell of."""
        return int(self.events[-1]["index"])

    @property
    def is_repair(self) -> bool:
        """True where all that happened was that something came back."""
        return all(event["kind"] == "repair" for event in self.events)

    def label(self, length: int | None = LABEL) -> str:
        """Return the event's own words in at most ``length`` characters, those of several joined.

        None for tables, which have more room.
        """
        labels = [plain(str(event.get("label") or event["kind"])) for event in self.events]
        if len(labels) == 1:
            return labels[0] if length is None else shortened(labels[0], length)
        joined = " + ".join(labels)
        if len(joined) <= (_JOINED_IN_TABLES if length is None else JOINED):
            return joined
        kinds: dict[str, int] = {}
        for event in self.events:
            kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1
        return " + ".join(f"{n} {TIMES} {kind}" if n > 1 else kind for kind, n in kinds.items())


def instants(events: Sequence[Json]) -> tuple[Instant, ...]:
    """Return ``events``, each with `index` and `at_s`, by instant and in time order."""
    by_time: dict[float, list[Json]] = {}
    for event in sorted(events, key=lambda each: (float(each["at_s"]), int(each["index"]))):
        by_time.setdefault(float(event["at_s"]), []).append(event)
    return tuple(Instant(at_s, tuple(together)) for at_s, together in by_time.items())


def outcomes(view: RunView, *, length: int | None = None) -> list[Json]:
    """Return the summary's events, those of one instant as one, in time order.

    Their ``label`` is `Instant.label`, with at most ``length`` characters where it is one event's.
    Messages and changes add up, the longer time counts, and the last event tells what had settled.
    """
    labels = {event["index"]: event.get("label") for event in view.events}
    told = [
        {**event, "label": labels.get(event["index"]) or event.get("label") or event["kind"]}
        for event in view.record.summary.get("events", ())
    ]
    found: list[Json] = []
    for instant in instants(told):
        merged = {**instant.events[-1], "label": instant.label(length)}
        for name in _COUNTED:
            merged[name] = sum(int(event.get(name) or 0) for event in instant.events)
        for name in _TIMED:
            known = [event[name] for event in instant.events if event.get(name) is not None]
            merged[name] = max(known, default=None)
        found.append(merged)
    return found
