"""``--pcap`` and ``--mrt``: from names on the command line to files in the run's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from emulator.errors import InputError, suggest
from emulator.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emulator.bgp.wiring import Wire
    from emulator.scenario.plan import Plan
    from emulator.sim.notes import Watch

EPOCH: Final = "2024-01-01T00:00:00Z"
"""When t = 0 was, unless `--epoch` says otherwise: no clock, so that a capture's bytes repeat."""
_EARLIEST: Final = datetime(1970, 1, 8, tzinfo=UTC)
_LATEST: Final = datetime(2106, 1, 1, tzinfo=UTC)
"""MRT counts seconds after 1970 in 32 bits; a network may settle for a day before t = 0."""
_UNSAFE: Final = re.compile(r"[^\w.@+-]")


@dataclass(frozen=True, slots=True)
class PcapRequest:
    """A session to capture, at which side, and the file's name."""

    session: int
    vantage: int
    file: str


@dataclass(frozen=True, slots=True)
class Captures:
    """What is wanted of one run.

    ``routers`` are indices with the names of their files, ``epoch`` is t = 0 in
    nanoseconds after 1970.
    """

    plan: Plan
    pcaps: tuple[PcapRequest, ...]
    routers: tuple[tuple[int, str], ...]
    epoch: int

    def watch(self) -> Watch:
        """What the run has to keep for it."""
        from emulator.sim.notes import Watch

        wanted = {index for index, _ in self.routers}
        sessions = {request.session for request in self.pcaps}
        sessions.update(
            number
            for number, wire in enumerate(self.plan.wiring.wires)
            if not wanted.isdisjoint(wire.routers)
        )
        return Watch(sorted(sessions), sorted(wanted))

    def write(self, watch: Watch, folder: Path) -> None:
        """Write ``capture/*.pcap`` and ``mrt/*.mrt`` into the run's ``folder``."""
        from emulator.wire.addresses import AddressPlan
        from emulator.wire.capture import capture
        from emulator.wire.collector import Collector

        plan, addresses = self.plan, AddressPlan(self.plan.network)
        if self.pcaps:
            (folder / "capture").mkdir()
        for request in self.pcaps:
            notes = watch.notes[request.session]
            data = capture(notes, plan, addresses, vantage=request.vantage, epoch=self.epoch)
            (folder / "capture" / request.file).write_bytes(data)
        if self.routers:
            (folder / "mrt").mkdir()
        for router, name in self.routers:
            view = Collector(plan, addresses, router, list(watch.notes.values()), epoch=self.epoch)
            start, end = watch.routes_at_start[router], watch.routes_at_end[router]
            (folder / "mrt" / f"{name}.updates.mrt").write_bytes(view.updates())
            (folder / "mrt" / f"{name}.rib-start.mrt").write_bytes(view.table(start, at=0))
            (folder / "mrt" / f"{name}.rib-end.mrt").write_bytes(view.table(end, at=plan.duration))


def captures(plan: Plan, links: Sequence[str], routers: Sequence[str], epoch: str) -> Captures:
    """Resolve the names of ``--pcap`` and ``--mrt`` in ``plan``.

    Raises `InputError` with a suggestion for a name that is none of the scenario's.
    """
    sessions = _Sessions(plan)
    pcaps = tuple(sessions.find(text) for text in dict.fromkeys(links))
    by_name = plan.network.router_by_name
    for name in routers:
        if name not in by_name:
            message = f"--mrt {name}: no such router{suggest(name, by_name)}"
            raise InputError(message)
    chosen = [by_name[name] for name in dict.fromkeys(routers)]
    names = _distinct([_UNSAFE.sub("_", router.name) for router in chosen], [r.index for r in chosen])
    files = _distinct([each.file for each in pcaps], [each.session for each in pcaps])
    return Captures(
        plan,
        tuple(
            PcapRequest(each.session, each.vantage, f"{file}.pcap")
            for each, file in zip(pcaps, files, strict=True)
        ),
        tuple((router.index, name) for router, name in zip(chosen, names, strict=True)),
        parse_epoch(epoch),
    )


def parse_epoch(text: str) -> int:
    """Nanoseconds after 1970 of a time such as ``2024-01-01T00:00:00Z``; UTC where it has no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        message = f"--epoch {text}: expected a date and time such as {EPOCH}"
        raise InputError(message) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    if not _EARLIEST <= instant <= _LATEST:
        message = f"--epoch {text}: expected a time between {_EARLIEST:%Y-%m-%d} and {_LATEST:%Y-%m-%d}"
        raise InputError(message)
    whole = instant.replace(microsecond=0)
    return int(whole.timestamp()) * SECOND + instant.microsecond * 1000


def _distinct(names: list[str], numbers: list[int]) -> list[str]:
    """``names``, those that are there twice with their number."""
    return [
        f"{name}.{number}" if names.count(name) > 1 else name
        for name, number in zip(names, numbers, strict=True)
    ]


class _Sessions:
    """The sessions of a plan by the names that a person gives them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._wires = plan.wiring.wires
        self._by_label: dict[str, list[tuple[int, int]]] = {}
        for number, wire in enumerate(self._wires):
            for vantage in (0, 1):
                self._by_label.setdefault(self._label(wire, vantage), []).append((number, vantage))

    def _label(self, wire: Wire, vantage: int) -> str:
        own, far = wire.routers[vantage], wire.routers[1 - vantage]
        return f"{self._plan.network.routers[own].name}-{self._plan.network.routers[far].name}"

    def find(self, text: str) -> PcapRequest:
        """Return the session called ``text``: two routers' names, or a link's number."""
        found = self._by_label.get(text)
        if found is None and text.isascii() and text.isdigit():
            return self._by_number(int(text))
        if not found:
            message = f"--pcap {text}: {self._unknown(text)}"
            raise InputError(message)
        if len(found) > 1:
            known = [
                f"{self._wires[number].link} ({self._label(self._wires[number], 0)})"
                for number, _ in found
                if self._wires[number].link is not None
            ]
            message = f"--pcap {text}: there are several; give the link's number: {', '.join(known)}"
            raise InputError(message)
        number, vantage = found[0]
        return PcapRequest(number, vantage, _UNSAFE.sub("_", text))

    def _by_number(self, link: int) -> PcapRequest:
        links = self._plan.network.links
        for number, wire in enumerate(self._wires):
            if wire.link == link:
                vantage = wire.routers.index(links[link].ends[0])
                return PcapRequest(number, vantage, f"{_UNSAFE.sub('_', self._label(wire, vantage))}.{link}")
        if link < len(links):
            message = f"--pcap {link}: is inside an AS; name the two routers of an iBGP session instead"
        else:
            message = f"--pcap {link}: no such link; there are {len(links)}, numbered from 0"
        raise InputError(message)

    def _unknown(self, text: str) -> str:
        """Say what is wrong with ``text``: no such router, or two that have no session."""
        names = self._plan.network.router_by_name
        splits = [(text[:at], text[at + 1 :]) for at, one in enumerate(text) if one == "-"]
        for first, second in splits:
            if first in names and second in names:
                return f"no BGP session between {first} and {second}{suggest(text, self._by_label)}"
        if not splits:
            return f"expected two routers, such as {next(iter(self._by_label), 'r0-r1')}, or a link's number"
        return f"no such routers{suggest(text, self._by_label)}"
