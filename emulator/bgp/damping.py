"""Route flap damping at work (RFC 2439): the figure of merit of each route, and who is suppressed by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.bgp.config import Damping
from emulator.units import MINUTE, Duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.bgp.attributes import Attributes

CISCO: Final = Damping(Duration(15 * MINUTE), attribute_change_penalty=500.0)
"""RFC 7196 section 3, table 1: 1000 / 0 / 500, suppress 2000, reuse 750, 15 minutes, an hour at most."""
JUNIPER: Final = Damping(
    Duration(15 * MINUTE),
    suppress=3000.0,
    readvertisement_penalty=1000.0,
    attribute_change_penalty=500.0,
)
"""The same table's other column: 1000 / 1000 / 500, suppress 3000."""
RECOMMENDED: Final = Damping(Duration(15 * MINUTE), suppress=6000.0, attribute_change_penalty=500.0)
"""RFC 7196 section 4: a suppress threshold of at least 6000 leaves all but the noisiest routes alone."""


@dataclass(slots=True)
class Flaps:
    """Damping state of one (peer, prefix): RFC 2439's figure of merit, as it stood at ``at``."""

    penalty: float = 0.0
    at: int = 0
    is_suppressed: bool = False


class Damper:
    """The flap history of one speaker's eBGP routes, by (peer, prefix)."""

    def __init__(self, config: Damping) -> None:
        """Nothing has flapped yet."""
        self.config = config
        self._flaps: dict[tuple[int, int], Flaps] = {}

    def is_suppressed(self, peer: int, prefix: int) -> bool:
        """Whether the route is not to be used, however good."""
        flaps = self._flaps.get((peer, prefix))
        return flaps is not None and flaps.is_suppressed

    def heard(
        self, peer: int, prefix: int, old: Attributes | None, new: Attributes | None, now: int
    ) -> int | None:
        """Charge for what was heard (RFC 2439 4.4.2); the instant to look again at a suppressed route."""
        penalty = self._penalty(peer, prefix, old, new)
        if penalty == 0.0:
            return None
        config = self.config
        flaps = self._flaps.setdefault((peer, prefix), Flaps(at=now))
        flaps.penalty = min(config.decayed(flaps.penalty, now - flaps.at) + penalty, config.ceiling)
        flaps.at = now
        if not flaps.is_suppressed and flaps.penalty <= config.suppress:
            return None
        flaps.is_suppressed = True
        return now + config.time_to_reuse(flaps.penalty)

    def _penalty(self, peer: int, prefix: int, old: Attributes | None, new: Attributes | None) -> float:
        if new is None:
            return self.config.withdrawal_penalty
        if old is not None:
            return self.config.attribute_change_penalty if old != new else 0.0
        return self.config.readvertisement_penalty if (peer, prefix) in self._flaps else 0.0

    def released(self, now: int) -> Iterator[tuple[int, int]]:
        """RFC 2439 4.8.7: the routes whose penalty has decayed to the reuse threshold come back."""
        for key, flaps in self._flaps.items():
            if flaps.is_suppressed and flaps.at + self.config.time_to_reuse(flaps.penalty) <= now:
                flaps.is_suppressed = False
                yield key

    def forget(self) -> None:
        """Everything has been quiet for long."""
        self._flaps.clear()
