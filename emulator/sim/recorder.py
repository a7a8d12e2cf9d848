"""Watches a run: messages, best paths, FIBs and sessions, sorted by the event they follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.record import trace
from emulator.units import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Update
    from emulator.bgp.speaker import Speaker
    from emulator.record.run import Json
    from emulator.record.tables import Table
    from emulator.scenario.plan import Plan
    from emulator.sim.engine import Engine
    from emulator.timeline import Event


@dataclass(slots=True)
class Window:
    """What happened after one event and before the next (RFC 4098 terms)."""

    event: Event
    announcements: int = 0
    withdrawals: int = 0
    best_path_changes: int = 0
    last_rib_change: int | None = None
    last_fib_change: int | None = None
    is_quiescent: bool = False

    def summary(self) -> Json:
        """The event's entry in summary.json; a convergence of 0 means that nothing changed."""
        at = self.event.at
        rib = 0 if self.last_rib_change is None else self.last_rib_change - at
        fib = 0 if self.last_fib_change is None else self.last_fib_change - at
        return {
            "index": self.event.index,
            "at_s": seconds(at),
            "kind": self.event.kind,
            "label": self.event.label,
            "control_plane_convergence_s": seconds(rib),
            "data_plane_convergence_s": seconds(fib),
            "announcements": self.announcements,
            "withdrawals": self.withdrawals,
            "best_path_changes": self.best_path_changes,
            "quiescent": self.is_quiescent,
        }


@dataclass(slots=True)
class _Updates:
    """The columns of the updates table."""

    at_s: list[float] = field(default_factory=list)
    sender: list[int] = field(default_factory=list)
    receiver: list[int] = field(default_factory=list)
    prefix: list[str] = field(default_factory=list)
    withdrawal: list[bool] = field(default_factory=list)


class Recorder:
    """The observer of every router; silent until `start`."""

    def __init__(self, engine: Engine, plan: Plan, speakers: Sequence[Speaker]) -> None:
        """Watch the run of ``plan``."""
        self.windows: list[Window] = []
        self.trace: list[Json] = []
        self._engine = engine
        self._speakers = speakers
        self._names = [router.name for router in plan.network.routers]
        self._prefixes = [prefix.text for prefix in plan.prefixes]
        self._updates = _Updates()
        self._is_on = False

    def start(self) -> None:
        """The network is settled: from now on everything counts."""
        self._is_on = True

    def open_window(self, event: Event) -> None:
        """``event`` is about to be applied: what follows is put down to it."""
        self.close_window()
        self.windows.append(Window(event))
        self.trace.append(
            trace.event(seconds(event.at), index=event.index, kind=event.kind, label=event.label)
        )

    def close_window(self) -> None:
        """The next event, or the end, has come: note whether everything was quiet."""
        if self.windows:
            self.windows[-1].is_quiescent = not self._engine.pending

    def updates(self) -> Table:
        """Every message since `start`, as the updates table."""
        columns = self._updates
        return {name: getattr(columns, name) for name in columns.__slots__}

    # Told by routers, sessions and the data plane ---------------------------------

    def update_sent(self, sender: int, receiver: int, update: Update) -> None:
        """Count and note a message."""
        if not self._is_on:
            return
        columns, is_withdrawal = self._updates, update.attributes is None
        columns.at_s.append(seconds(self._engine.now))
        columns.sender.append(sender)
        columns.receiver.append(receiver)
        columns.prefix.append(self._prefixes[update.prefix])
        columns.withdrawal.append(is_withdrawal)
        if self.windows:
            if is_withdrawal:
                self.windows[-1].withdrawals += 1
            else:
                self.windows[-1].announcements += 1

    def route_changed(self, router: int, prefix: int, best: Candidate | None) -> None:
        """Note a best-path change and why it was chosen."""
        if not self._is_on:
            return
        now = self._engine.now
        if self.windows:
            self.windows[-1].best_path_changes += 1
            self.windows[-1].last_rib_change = now
        self.trace.append(
            trace.best_path(
                seconds(now),
                router=self._names[router],
                prefix=self._prefixes[prefix],
                as_path=None if best is None else best.attributes.as_path,
                next_hop=None if best is None else self._names[best.attributes.next_hop],
                decided_by=None if best is None else self._speakers[router].why(prefix).decided_by.value,
            )
        )

    def fib_changed(self) -> None:
        """A FIB changed somewhere."""
        if self._is_on and self.windows:
            self.windows[-1].last_fib_change = self._engine.now

    def session_changed(self, router: int, peer: int, *, is_up: bool, reason: str) -> None:
        """One end of a session went up or down."""
        if self._is_on:
            ends = (self._names[router], self._names[peer])
            self.trace.append(trace.session(seconds(self._engine.now), ends=ends, up=is_up, reason=reason))

    def routes(self) -> Json:
        """Every router's best route for every prefix, now."""
        return {
            self._names[router]: {
                self._prefixes[prefix]: {
                    "as_path": list(best.attributes.as_path),
                    "next_hop": self._names[best.attributes.next_hop],
                    "decided_by": speaker.why(prefix).decided_by.value,
                }
                for prefix, best in sorted(speaker.loc_rib.items())
            }
            for router, speaker in enumerate(self._speakers)
        }
