"""A speaker with a host that writes everything down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.bgp.attributes import Attributes
from emulator.bgp.config import SpeakerConfig
from emulator.bgp.messages import Update
from emulator.bgp.peer import PeerConfig
from emulator.bgp.speaker import Speaker
from emulator.rng import stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Family, Notification
    from emulator.bgp.policy import Relation

OWN = 100


class Notebook:
    """A host: what was sent to whom, which wake-ups were asked for, what the Loc-RIB became."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self.sent: list[tuple[int, Update]] = []
        self.alarms: list[tuple[int, int]] = []
        self.changes: list[tuple[int, Candidate | None]] = []
        self.ends_of_rib: list[tuple[int, Family]] = []
        self.closed: list[tuple[int, Notification, int | None]] = []

    def send(self, peer: int, update: Update) -> None:
        """Note a message."""
        self.sent.append((peer, update))

    def end_of_rib(self, peer: int, family: Family) -> None:
        """Note the end of a first advertisement."""
        self.ends_of_rib.append((peer, family))

    def close(self, peer: int, notification: Notification, restart_after: int | None) -> None:
        """Note that a session is to be closed."""
        self.closed.append((peer, notification, restart_after))

    def wake_at(self, instant: int, peer: int) -> None:
        """Note an alarm."""
        self.alarms.append((instant, peer))

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """Note a best route."""
        self.changes.append((prefix, best))

    def heard(self) -> dict[int, list[tuple[int, ...] | None]]:
        """Peer -> AS paths sent to it since the last time, None for a withdrawal."""
        heard: dict[int, list[tuple[int, ...] | None]] = {}
        for peer, update in self.sent:
            heard.setdefault(peer, []).append(update.attributes.as_path if update.attributes else None)
        self.sent.clear()
        return heard


def speaker(
    *peers: tuple[int, Relation] | tuple[int, Relation, dict[str, Any]],
    igp_cost: Callable[[int], int | None] = lambda _: 1,
    is_up: bool = True,
    family_of: Callable[[int], Family] | None = None,
    **config: Any,  # noqa: ANN401
) -> tuple[Speaker, Notebook]:
    """Router 0 of AS 100 with sessions to routers 1, 2, ...: (AS, what it is to us[, settings]) each.

    Its BGP identifier is 1, theirs are 11, 12, ...
    """
    configs = [
        PeerConfig(asn, i, 10 + i, relation, **(more[0] if more else {}))
        for i, (asn, relation, *more) in enumerate(peers, 1)
    ]
    it = Speaker(
        0,
        OWN,
        1,
        configs,
        SpeakerConfig(**config),
        igp_cost=igp_cost,
        rng=stream(1, "test"),
        family_of=family_of,
    )
    it.host = notebook = Notebook()
    for peer in range(len(peers)):
        if is_up:
            it.session_up(peer)
    it.decide(0)
    notebook.ends_of_rib.clear()
    return it, notebook


def route(*as_path: int, next_hop: int = 1, prefix: int = 0, **more: Any) -> Update:  # noqa: ANN401
    """An announcement."""
    return Update(prefix, Attributes(as_path, next_hop, **more))


GONE = Update(0, None)
"""A withdrawal of prefix 0."""
