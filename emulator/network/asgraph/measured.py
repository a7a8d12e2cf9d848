"""What the generator is held to: figures of the Internet, and how near it comes to them.

Counted on CAIDA's AS relationships, serial-1, of 2016-11-01 (55,809 ASes,
239,064 links), 2018-01-01 (60,006; 261,340) and 2019-07-01 (65,438; 345,300);
tables are means of the three. Against them three made-up Internets of 65,438
ASes and 345,300 links (seeds 1, 2, 3):

                                         2016    2018    2019   made up
    ASes with customers                 15.1 %  15.0 %  15.2 %  15.1 %
    customer-provider links an AS        1.98    1.96    1.98    1.97 - 1.98
    peerings an AS                       2.30    2.39    3.29    3.30 (as asked)
    providers of a stub, mean            1.82    1.81    1.82    1.82
    providers of a transit AS, mean      2.87    2.83    2.91    2.85 - 2.89
    customers of a transit AS, median    2       2       2       2
      90 %                               19      18      18      20
      99 %                               166     166     170     177 - 196
      largest                            4,984   5,243   5,773   5,071 - 5,296
      tail exponent from 10 on (Hill)    1.92    1.89    1.92    1.89
    sold by the 100 largest              47 %    46 %    44 %    41 %
    stubs, transit ASes with peers      9, 48 %  13, 51 %  11, 51 %  11, 50 %
    peers of a peering transit AS, med.  10      9       12      15
      99 %                               853     1,069   1,237   1,166 - 1,273
      largest                            4,892   5,684   6,334   6,066 - 6,293
      tail exponent from 50 on           2.31    2.33    2.21    2.25 - 2.28
    peerings transit-transit, -stub     55, 40 %  52, 42 %  55, 41 %  52, 42 %
    AS hops between two ASes, mean       4.45    4.65    4.31    4.1 - 4.2
      2, 3, 4, 5, 6 hops (%)        3 24 34 20 9  2 19 36 24 10  3 23 38 21 9  3 27 38 21 7
    customer cone of a transit AS, med.  4       4       4       3
      90 %                               48      46      49      46 - 49
      99 %                               2,964   3,543   5,859   2,500 - 3,000
      largest, of all ASes               85 %    83 %    93 %    79 - 82 %
    providers up to the clique, fewest: 1    28 %    29 %    25 %    27 - 34 %
      2                                  56 %    55 %    55 %    52 %

Less like the original: chains of providers are at most 19 long (there 36 to
42); fewer networks have cones of half the Internet; 0.5 % of the ASes there
reach the clique by no path without valleys, none here. Hops are along the route
that Gao-Rexford preferences and then the shortest path choose, to 30 to 60
destinations drawn at random.
"""

from __future__ import annotations

from typing import Final

ASES: Final = 65_438
"""ASes of 2019-07-01, the size that the figures below are at home at."""
CLIQUE: Final = 18
"""Networks on top: 17 and 19 in the headers of 2016 and 2018."""
TRANSIT: Final = 0.151
"""Share of ASes that have customers."""
PEERINGS_PER_AS: Final = 3.29
"""Of 2019-07-01."""
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
