"""One seed, one random stream for every named thing.

A stream is derived from the run's seed and the name of the entity that draws
from it (``client/BR/São Paulo``, ``speaker/AS1299@Stockholm``), by BLAKE2b and
never by ``hash()``: adding an entity shifts nobody else's numbers, and another
process with another PYTHONHASHSEED draws the same ones.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np


def derived_seed(seed: int, name: str) -> int:
    """A 128-bit seed for the stream called ``name``."""
    digest = hashlib.blake2b(name.encode(), key=seed.to_bytes(16, "big", signed=True), digest_size=16)
    return int.from_bytes(digest.digest(), "big")


def stream(seed: int, name: str) -> random.Random:
    """A scalar generator, for the control plane's few draws."""
    return random.Random(derived_seed(seed, name))  # noqa: S311 - a simulation, not a secret


def array_stream(seed: int, name: str) -> np.random.Generator:
    """An array generator (PCG64), for draws by the million."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(derived_seed(seed, name)))


def unit_hash(*names: str) -> float:
    """A number in (0, 1) that depends on ``names`` alone: rendezvous hashing, stable choices."""
    digest = hashlib.blake2b("\x1f".join(names).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


class RecordedStream(random.Random):
    """A stream that writes down what is drawn from it."""

    def __init__(self, source: random.Random) -> None:
        """Draw from ``source``."""
        super().__init__(0)
        self.numbers: list[float | list[int]] = []
        self._source = source

    def random(self) -> float:
        """Draw from [0, 1)."""
        number = self._source.random()
        self.numbers.append(number)
        return number

    def getrandbits(self, k: int, /) -> int:
        """Draw ``k`` bits; written down as a list of one, to be told from the others."""
        number = self._source.getrandbits(k)
        self.numbers.append([number])
        return number


class ReplayedStream(random.Random):
    """The numbers that a `RecordedStream` wrote down, again; `StopIteration` after the last one."""

    def __init__(self, numbers: Iterable[float | list[int]]) -> None:
        """Give out ``numbers`` in order."""
        super().__init__(0)
        self._numbers = iter(numbers)

    def random(self) -> float:
        """Return the next number."""
        number = next(self._numbers)
        return number if isinstance(number, float) else float(number[0])

    def getrandbits(self, k: int, /) -> int:
        """Return the next bits."""
        del k
        number = next(self._numbers)
        return number[0] if isinstance(number, list) else int(number)
