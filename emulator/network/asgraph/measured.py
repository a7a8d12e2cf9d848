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
    (1e-4, 5333.0), (2e-4, 4834.0), (5e-4, 2008.0), (1e-3, 1417.0), (2e-3, 672.0), (5e-3, 301.0), (1e-2, 168.0),
    (2e-2, 91.0), (5e-2, 39.0), (0.1, 18.3), (0.2, 8.0), (0.3, 4.7), (0.4, 3.2), (0.5, 2.2), (0.6, 1.5), (0.7, 1.0),
    (1.0, 1.0),
)  # fmt: skip
"""Of transit networks: (share that has as many customers or more, customers)."""
PROVIDERS_OF_STUBS: Final = (
    0.446,
    0.404,
    0.096,
    0.030,
    0.0105,
    0.0046,
    0.0026,
    0.0016,
    0.0008,
    0.0005,
    0.0004,
    0.0003,
)
"""Shares of stubs with 1, 2, ... providers."""
PROVIDERS_OF_TRANSIT: Final = (
    0.231, 0.314, 0.202, 0.113, 0.059, 0.031, 0.017, 0.0096, 0.0070, 0.0039, 0.0029, 0.0020, 0.0016, 0.0014, 0.0010,
    0.0008,
)  # fmt: skip
PEERING: Final = ((0, 0.111), (1, 0.345), (3, 0.51), (10, 0.676), (40, 0.823), (200, 0.92), (1000, 0.98))
"""(customers, share of such ASes that have peers)."""
PEERS: Final = (
    (1e-4, 183.0), (2e-4, 112.0), (5e-4, 72.0), (1e-3, 61.0), (2e-3, 50.0), (5e-3, 34.0), (1e-2, 21.0), (2e-2, 5.6),
    (5e-2, 2.5), (0.1, 1.72), (0.2, 0.89), (0.3, 0.56), (0.4, 0.31), (0.5, 0.18), (0.6, 0.105), (0.7, 0.052),
    (0.8, 0.033), (1.0, 0.026),
)  # fmt: skip
"""Of ASes with peers: (share that has as many or more, peers relative to the mean)."""
