"""How the speakers of a fleet are set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.bgp.config import Delay, MraiScope

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FleetConfig:
    """How all speakers of a fleet are set; `emulator.bgp.config.SpeakerConfig` says what it means.

    ``mrai`` (N,) int64 ns, a value a node. ``is_permit_all`` takes no notice of relationships.
    """

    mrai: Ints
    mrai_jitter: tuple[float, float] = (1.0, 1.0)
    mrai_scope: MraiScope = MraiScope.PEER
    withdrawals_wait: bool = False
    sender_side_loop_detection: bool = False
    ghost_flushing: bool = False
    echo: bool = True
    keeps_incumbent: bool = False
    processing: Delay = field(default_factory=Delay)
    is_permit_all: bool = False
