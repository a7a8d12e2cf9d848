"""What the report says about each kind of picture, and about what the model leaves out."""

from __future__ import annotations

from typing import Final

CAPTIONS: Final = {
    "success": (
        "Did requests work? A line that falls is service that breaks. Lost: the retry budget was "
        "spent. Slow: it worked after a retransmission or a retry, seconds later."
    ),
    "rtt": ("How fast were the requests that worked? A step up that stays is a detour that nobody repaired."),
    "rtt-cdf": (
        "The same in full: each curve gives the share of requests that were at least that fast. A "
        "curve further to the left is a faster service."
    ),
    "reconvergence": (
        "How soon was service back, group by group? Read across at 50 % for the median group. What a "
        "curve's end lacks to 100 % are the groups that had not recovered when the run ended."
    ),
    "map": (
        "Who serves whom. Squares are POPs, dots are client groups in the colour of the POP that "
        "serves them; lines on the second map lead to the new POP of a group that moved, and crossed "
        "dots are groups most of whose requests fail."
    ),
    "shares": (
        "What DNS steering did: how much of the demand is on each provider's address, and how each "
        "provider compares with the typical one (WAN 0) for the networks that can use it."
    ),
    "catchments": (
        "Which POP serves which share of the ASes, and of their clients' weight. What a band loses goes to "
        "the bands that grow at the same instant; black and red are ASes whose packets reach no POP."
    ),
    "connectivity": (
        "For how long were ASes cut off? Read across at 50 % for the median of those that were. What a "
        "curve's end lacks to 100 % had no connectivity when the next event came."
    ),
    "detours": (
        "What an event did to RTT where it changed paths. Squares above the diagonal are paths that got "
        "longer; a narrow line is a whole catchment that moved together."
    ),
    "updates": (
        "What BGP had to say. Rounds that repeat are path hunting: routers trying ever longer paths "
        "to a route that is gone, a round of the MRAI timer each. Where the lower curves are apart, "
        "routers first took a path that did not last."
    ),
    "changes": "Which router changed its mind when.",
    "load": "Where it got tight. Queues grow well below 100 %; above it the excess is dropped.",
}
"""Kind of picture -> what to look for in it."""

CAPTIONS_OF_PREFIXES: Final = {
    "catchments": (
        "Which AS gets which share of the ASes' packets to a prefix. What a band loses goes to the bands "
        "that grow at the same instant; black and red are ASes whose packets reach no AS that announces it."
    ),
    "detours": (
        "What an event did to RTT where it changed paths. Squares above the diagonal are paths that got "
        "longer; a narrow line are many paths that changed together."
    ),
}
"""The same, where it says something else without a CDN."""

NOT_MODELLED: Final = (
    (
        "Load is a fluid: queues follow from utilisation; single packets and TCP's congestion control"
        " are not there. A POP over its capacity refuses at no cost."
    ),
    (
        "An AS has one router a city; sessions, policies and meeting places are plausible, not any "
        "operator's own."
    ),
    ("Cables have their published or great-circle lengths; routes on land are estimated from distance."),
    (
        "Client networks, their upstreams and their demand are drawn from public statistics with the "
        "run's seed."
    ),
    "Nobody steps in: no operator drains a site, announces by hand or engineers traffic.",
)

NOT_MODELLED_ON_GRAPHS: Final = (
    NOT_MODELLED[0],
    ("An AS is one router: no IGP, no hot-potato routing inside it, and all its clients go the same way."),
    (
        "Policies follow from the relationships of the file or the generator, which knows neither "
        "siblings nor deals about single prefixes."
    ),
    "Delays of links are drawn from the scenario's distribution, not measured; no link has a place.",
    NOT_MODELLED[-1],
)
"""The same, of runs on AS graphs; the first is about clients."""
