"""What the generator is held to: figures of the Internet as CAIDA's AS relationships show it."""

from __future__ import annotations

from typing import Final

ASES: Final = 65_438
"""ASes of 2019-07-01, the size that the figures below are at home at."""
CLIQUE: Final = 18
TRANSIT: Final = 0.151
"""Share of ASes that have customers."""
PEERINGS_PER_AS: Final = 3.29
CUSTOMERS_MOST: Final = 0.09
"""Share of all ASes that the AS with most customers has as customers."""
CUSTOMERS: Final = (
    (1e-4, 5333.0), (2e-4, 4834.0), (5e-4, 2008.0), (1e-3, 1417.0), (2e-3, 672.0), (5e-3, 301.0),
    (1e-2, 168.0), (2e-2, 91.0), (5e-2, 39.0), (0.1, 18.3), (0.2, 8.0), (0.3, 4.7), (0.4, 3.2), (0.5, 2.2),
    (0.6, 1.5), (0.7, 1.0), (1.0, 1.0),
)  # fmt: skip
"""Of transit networks: (share that has as many customers or more, customers)."""
PROVIDERS_OF_STUBS: Final = (
    0.44652, 0.40464, 0.09599, 0.02991, 0.01048, 0.00466, 0.00259, 0.00176, 0.00091, 0.00066, 0.00032,
    0.00027, 0.00018, 0.00017, 0.00012, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00020, 0.00020,
)  # fmt: skip
"""Shares of stubs with 1, 2, ... providers, of those with any."""
PROVIDERS_OF_TRANSIT: Final = (
    0.23128, 0.31428, 0.20212, 0.11321, 0.05865, 0.03064, 0.01695, 0.00963, 0.00696, 0.00387, 0.00279,
    0.00192, 0.00168, 0.00139, 0.00096, 0.00040, 0.00055, 0.00035, 0.00022, 0.00029, 0.00025, 0.00014,
    0.00026, 0.00010, 0.00020, 0.00020, 0.00020, 0.00020, 0.00020, 0.00030,
)  # fmt: skip
"""The same of transit networks."""
PEERING: Final = ((0, 0.111), (1, 0.345), (3, 0.51), (10, 0.676), (40, 0.823), (200, 0.92), (1000, 0.98))
"""(customers, share of such ASes that have peers)."""
PEERS: Final = (
    (1e-4, 183.0), (2e-4, 112.0), (5e-4, 72.0), (1e-3, 61.0), (2e-3, 50.0), (5e-3, 34.0), (1e-2, 21.0),
    (2e-2, 5.6), (5e-2, 2.5), (0.1, 1.72), (0.2, 0.89), (0.3, 0.56), (0.4, 0.31), (0.5, 0.18), (0.6, 0.105),
    (0.7, 0.052), (0.8, 0.033), (1.0, 0.026),
)  # fmt: skip
"""Of ASes with peers: (share that has as many or more, peers relative to the mean)."""


def usual_peerings(ases: int) -> int:
    """How many peerings a made-up Internet has unasked: 3.3 an AS at 65,000, fewer the smaller it is.

    With the root of its size, so that in a small one not everybody at an exchange peers with everybody.
    """
    count: int = round(PEERINGS_PER_AS * (ases / ASES) ** 0.5 * ases)
    return max(1, count)
